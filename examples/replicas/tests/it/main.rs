//! The example as a process.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Output};

use lark_events_test_servers::Postgres;

fn replicas() -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_replicas"));
    command.env_remove("INBOX").output().unwrap()
}

#[test]
fn a_killed_receiver_and_a_killed_worker_lose_nothing() {
    if Postgres::installed_or_skip("the example replicas").is_none() {
        return;
    }
    let output = replicas();
    let (stdout, stderr) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    assert!(output.status.success(), "{stdout}{stderr}");
    for shown in [
        "killed receiver 1 after ",
        "killed worker 1 after ",
        "the platform has 400 acknowledgements",
        "400 messages were handled",
        "every acknowledged message was handled, in order per chat; none is lost",
    ] {
        assert!(stdout.contains(shown), "no {shown} in\n{stdout}{stderr}");
    }
    for process in ["receiver 2", "worker 2", "worker 3"] {
        let row = stdout.lines().find(|line| line.starts_with(process));
        let count = row.and_then(|row| row.split_whitespace().nth(2));
        let count: usize = count.unwrap().parse().unwrap();
        assert!(count > 0, "{process} did nothing:\n{stdout}");
    }
}

#[test]
fn without_a_server_one_line_says_what_to_install() {
    if Postgres::installed().is_none() {
        let output = replicas();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(stderr.contains("apt-get install postgresql"), "{stderr}");
    }
}
