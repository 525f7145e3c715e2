//! `--store`, `migrate` and `doctor`: files that are stores, or not.

use std::fs;
use std::path::Path;
use std::time::Duration;

use lark_events_inbox::{Settled, WorkerId, WorkerState};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{Stored, documents, seven};
use crate::terminal::{HOSTILE, as_is, shows_no_control, webhook};
use crate::{Ran, file, lark_events};

fn on(store: &str, args: &[&str]) -> Ran {
    lark_events(&[&["inbox"], args, &["--store", store]].concat()).run()
}

#[test]
fn a_store_of_an_unknown_scheme_is_named_without_the_rest_of_its_url() {
    for (store, why) in [
        (
            "mysql://user:marked-password@db/events",
            "--store: expected `sqlite:PATH`, `postgres://…` or `nats://…`, got a store at `mysql:`",
        ),
        (
            "marked_password:x",
            "--store: expected `sqlite:PATH`, `postgres://…` or `nats://…`, got a text without a scheme",
        ),
        (
            "marked-password",
            "--store: expected `sqlite:PATH`, `postgres://…` or `nats://…`, got a text without a scheme",
        ),
        (
            "",
            "--store: expected `sqlite:PATH`, `postgres://…` or `nats://…`, got a text without a scheme",
        ),
        ("sqlite:", "--store: expected a path after `sqlite:`"),
    ] {
        for command in ["ls", "stats", "migrate", "doctor"] {
            let ran = on(store, &[command]).with_code(2);
            assert_eq!(ran.stderr, format!("lark-events: {why}\n"));
            assert_eq!(ran.stdout, "");
        }
        // Nor where another argument is wrong.
        on(store, &["ls", "--since", "never"]).with_code(2);
        on(store, &["ls", "--store", store]).with_code(2);
    }
    let ran = lark_events(&["inbox", "ls"]).run().with_code(2);
    let why = "lark-events: no store: pass --store <STORE>, or set LARK_EVENTS_STORE\n";
    assert_eq!(ran.stderr, why);
    let ran = lark_events(&["inbox", "ls"]).env("LARK_EVENTS_STORE", "marked-password");
    let why = "lark-events: LARK_EVENTS_STORE: expected `sqlite:PATH`, `postgres://…` or `nats://…`, got a text";
    assert!(ran.run().with_code(2).stderr.starts_with(why));
}

#[test]
fn a_file_that_is_no_store_is_an_error_and_stays_as_it_is() {
    let text = file(
        "inbox-text.db",
        "not a database, but a long enough text".repeat(99),
    );
    let other = file("inbox-other.db", "");
    let connection = Connection::open(&other).unwrap();
    connection
        .execute_batch("CREATE TABLE users (name)")
        .unwrap();
    drop(connection);
    let folder = env!("CARGO_TARGET_TMPDIR");
    for (path, why) in [
        (text.to_str().unwrap(), "file is not a database"),
        (
            other.to_str().unwrap(),
            "a database, but not one of an inbox",
        ),
        (folder, "expected a file, got a folder"),
        ("no/such/events.db", "No such file"),
    ] {
        let before = fs::read(path).ok();
        for args in [
            &["ls"][..],
            &["retry", "--all"],
            &["stats"],
            &["show", "1"],
            &["migrate"],
        ] {
            let ran = on(&format!("sqlite:{path}"), args).with_code(2);
            let begin = format!("lark-events: {path}: ");
            assert!(
                ran.stderr.starts_with(&begin) && ran.stderr.contains(why),
                "{ran:?}"
            );
        }
        assert_eq!(fs::read(path).ok(), before);
    }
    assert!(!Path::new("no/such/events.db").exists());
    for path in ["no/such/events.db", folder] {
        on(&format!("sqlite:{path}"), &["doctor"]).with_code(2);
    }
    for path in [&text, &other] {
        let ran = on(&format!("sqlite:{}", path.display()), &["doctor"]).with_code(1);
        assert!(ran.stdout.contains("fail  schema"), "{ran:?}");
    }
}

#[test]
fn times_and_numbers_that_cannot_be_read_are_misuse() {
    let stored = Stored::file("misuse", seven);
    for (args, why) in [
        (
            &["ls", "--since", "yesterday"][..],
            "expected a time such as 2026-",
        ),
        (
            &["ls", "--until", "2h30m"],
            "or an age such as 30m, 2h or 3d",
        ),
        (
            &["ls", "--since", "1h", "--until", "2h"],
            "--since is not before --until",
        ),
        (
            &["ls", "--state", "gone"],
            "possible values: ready, waiting, leased, dead, done",
        ),
        (&["ls", "--all", "--state", "dead"], "cannot be used with"),
        (&["ls", "--seq", "first"], "--seq <NUMBER>"),
        (
            &["prune", "--older-than", "2020-01-01T00:00:00Z"],
            "expected an age",
        ),
        (
            &["prune", "--older-than", "3d", "--all"],
            "cannot be used with",
        ),
        (&["show", "seven"], "seven"),
    ] {
        let ran = stored.run(args).with_code(2);
        assert!(ran.stderr.contains(why), "{ran:?}");
        assert_eq!(ran.stdout, "");
    }
}

#[test]
fn only_migrate_changes_the_tables() {
    let path = file("inbox-older.db", "");
    let store = format!("sqlite:{}", path.display());
    for args in [&["ls"][..], &["retry", "--all"], &["stats"]] {
        let ran = on(&store, args).with_code(2);
        let why =
            "the tables have version 0, expected version 1: run `lark-events inbox migrate`\n";
        assert!(ran.stderr.ends_with(why), "{ran:?}");
    }
    let ran = on(&store, &["doctor"]).with_code(1);
    assert!(
        ran.stdout
            .contains("fail  schema            version 0, expected version 1\n")
    );
    assert!(ran.stdout.contains("skip  workers"), "{ran:?}");
    let printed = on(&store, &["migrate", "--print"]).with_code(0).stdout;
    assert!(printed.starts_with("BEGIN IMMEDIATE;\n") && printed.ends_with("COMMIT;\n"));
    let steps = documents(&on(&store, &["migrate", "--print", "--json"]).with_code(0));
    assert_eq!((steps.len(), &steps[0]["version"]), (1, &json!(1)));
    assert_eq!(fs::read(&path).unwrap(), b"", "nothing was changed so far");

    let by_hand = file("inbox-by-hand.db", "");
    let connection = Connection::open(&by_hand).unwrap();
    connection.execute_batch(&printed).unwrap();
    drop(connection);
    on(&format!("sqlite:{}", by_hand.display()), &["stats"]).with_code(0);

    let ran = on(&store, &["migrate"]).with_code(0);
    assert_eq!(ran.stdout, "migrated from version 0 to version 1\n");
    let ran = on(&store, &["migrate"]).with_code(0);
    assert_eq!(ran.stdout, "the tables have version 1 already\n");
    assert_eq!(
        on(&store, &["migrate", "--json"]).json(),
        json!({"from": 1, "to": 1})
    );
    let ran = on(&store, &["migrate", "--print"]).with_code(0);
    assert_eq!(
        (&*ran.stdout, &*ran.stderr),
        ("", "lark-events: the tables have version 1 already\n")
    );
    on(&store, &["stats"]).with_code(0);

    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    for args in [&["migrate"][..], &["migrate", "--print"], &["ls"]] {
        let ran = on(&store, args).with_code(2);
        assert!(ran.stderr.contains("version 99"), "{ran:?}");
    }
}

/// The verdict of each case.
pub(super) fn verdicts(ran: &Ran) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = documents(ran);
    let rows = rows.iter().filter(|row| row.get("case").is_some());
    rows.map(|row| (text(&row["case"]), text(&row["verdict"])))
        .collect()
}

#[test]
fn doctor_names_what_is_wrong_and_what_to_do() {
    let stored = Stored::file("doctor", async |store| {
        let worker = WorkerId::draw();
        store.heartbeat(worker, WorkerState::Running).await.unwrap();
    });
    let ran = stored.run(&["doctor", "--json"]).with_code(0);
    let cases = [
        "permissions",
        "disk",
        "log",
        "schema",
        "integrity",
        "workers",
        "lag",
        "oldest",
    ];
    let found = verdicts(&ran);
    assert!(
        found
            .iter()
            .map(|(case, _)| case)
            .eq(cases.iter().chain(&["dead"])),
        "{found:?}"
    );
    let not_disk = found.iter().filter(|(case, _)| case != "disk");
    assert!(
        not_disk.clone().all(|(_, verdict)| verdict == "pass"),
        "{ran:?}"
    );

    stored.with(seven);
    let ran = stored.run(&["doctor"]).with_code(0);
    assert!(
        ran.stdout
            .contains("pass  workers           1 running, seen "),
        "{ran:?}"
    );
    assert!(
        ran.stdout
            .contains("warn  dead              3 dead letters\n"),
        "{ran:?}"
    );
    assert!(
        ran.stdout
            .contains("see the errors with `lark-events inbox stats`"),
        "{ran:?}"
    );

    let idle = Stored::file("doctor-idle", seven);
    let ran = idle.run(&["doctor"]).with_code(1);
    assert!(
        ran.stdout
            .contains("fail  workers           no worker runs"),
        "{ran:?}"
    );
    assert!(ran.stdout.contains(" 1 failed, "), "{ran:?}");
}

#[cfg(unix)]
#[test]
fn doctor_fails_for_a_file_that_others_can_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let stored = Stored::file("doctor-modes", async |_| {});
    for (mode, verdict) in [(0o600, "pass"), (0o660, "warn"), (0o644, "fail")] {
        fs::set_permissions(stored.path(), fs::Permissions::from_mode(mode)).unwrap();
        let ran = stored.run(&["doctor", "--json"]);
        assert_eq!(
            verdicts(&ran)[0],
            ("permissions".to_owned(), verdict.to_owned())
        );
        assert_eq!(ran.code, i32::from(verdict == "fail"), "{ran:?}");
    }
}

#[test]
fn doctor_finds_damage() {
    let stored = Stored::file("doctor-damage", async |store| {
        for batch in 0..20 {
            let ids = (0..100).map(|id| format!("e-{batch}-{id}"));
            let entries = ids.map(|id| super::entry(super::MESSAGE, &id)).collect();
            store.append(entries).await.unwrap();
        }
    });
    let connection = Connection::open(stored.path()).unwrap();
    // The connections of the store end in threads of their own, and a busy one keeps the log from being emptied.
    let is_empty = |_| {
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        let is_busy = connection.query_row(sql, (), |row| row.get::<_, i64>(0));
        std::thread::sleep(Duration::from_millis(5));
        is_busy == Ok(0)
    };
    assert!((0..1_000).any(is_empty));
    drop(connection);
    let mut bytes = fs::read(stored.path()).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0xa5);
    fs::write(stored.path(), bytes).unwrap();
    let ran = stored.run(&["doctor", "--json"]).with_code(1);
    let integrity = ("integrity".to_owned(), "fail".to_owned());
    assert!(verdicts(&ran).contains(&integrity), "{ran:?}");
}

#[test]
fn no_control_of_an_event_or_an_argument_gets_to_a_terminal() {
    for stored in Stored::each("hostile", async |store| {
        let mut hostile = super::entry(HOSTILE, HOSTILE);
        hostile.lane = Some(HOSTILE.to_owned());
        hostile.trace = Some(HOSTILE.to_owned());
        hostile.delivery.header.app_id = Some(HOSTILE.to_owned());
        let body = json!({HOSTILE: HOSTILE}).to_string();
        hostile.delivery.raw = lark_events::RawJson::parse(body).unwrap();
        super::ended(store, hostile, Settled::Dead, Some(HOSTILE)).await;
    }) {
        let options = stored.place.options();
        let (accepting, failing) = (webhook(200), webhook(500));
        for args in [
            &["ls"][..],
            &["show", "1", "--body"],
            &["stats"],
            &["retry", "--all", "--dry-run"],
            &["replay", "--all", "--to", &accepting],
            &["replay", "--all", "--to", &failing],
            &["show", "--event-id", &format!("no {HOSTILE}")],
            &["ls", "--since", HOSTILE],
            &["ls", "--store", &format!("sqlite:no such {HOSTILE}")],
        ] {
            let mut args = [&["inbox"], args].concat();
            if !args.contains(&"--store") {
                args.extend(options.iter().map(String::as_str));
            }
            shows_no_control(&args, as_is);
        }
    }
}
