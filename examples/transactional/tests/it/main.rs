//! The handlers on a real server.

#![cfg(unix)]

use std::process::Command;

#[cfg(feature = "sqlx")]
mod lost;

use lark_events_test_servers::Postgres;

/// Rows of the table: the driver, the point of the kill, what followed, and what is left.
const BEFORE: [(&str, [&str; 3]); 2] = [
    ("before-commit", ["0", "waits", "0"]),
    ("before-commit", ["1", "finished", "1"]),
];
const AFTER: [(&str, [&str; 3]); 2] = [
    ("after-commit", ["1", "finished", "1"]),
    ("after-commit", ["1", "finished", "1"]),
];

#[test]
fn a_crash_before_the_commit_leaves_neither_and_one_after_it_both() {
    if Postgres::installed_or_skip("the example transactional").is_none() {
        return;
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_transactional"));
    let output = command.env_remove("INBOX").output().unwrap();
    let (stdout, stderr) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    assert!(output.status.success(), "{stdout}{stderr}");
    let mut drivers = vec!["tokio-postgres"];
    if cfg!(feature = "sqlx") {
        drivers.push("sqlx");
    }
    let mut rows = stdout.lines().skip(1);
    for driver in drivers {
        for (killed, left) in BEFORE.into_iter().chain(AFTER) {
            let row: Vec<_> = rows.next().unwrap().split_whitespace().collect();
            assert_eq!(row[..2], [driver, killed], "{stdout}");
            assert_eq!(row[row.len() - 3..], left, "{stdout}");
        }
    }
    assert_eq!(rows.next(), None, "{stdout}");
}
