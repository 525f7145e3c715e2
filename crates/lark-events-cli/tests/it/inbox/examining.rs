//! `doctor` on PostgreSQL.

use lark_events_test_servers::Postgres;

use super::files::verdicts;
use super::servers::{WHAT, on, server};

#[track_caller]
fn shows(url: &str, code: i32, line: &str) {
    let ran = on(url, &["doctor"]).run().with_code(code);
    assert!(ran.stdout.contains(line), "expected {line}: {ran:?}");
}

fn set(server: &Postgres, name: &str, value: &str) {
    server.psql(&format!(
        "ALTER SYSTEM SET {name} = '{value}';\nSELECT pg_reload_conf()"
    ));
    // A reload takes a moment.
    while server.psql(&format!("SHOW {name}")) != value {}
}

#[test]
fn doctor_names_settings_that_lose_events() {
    let Some(installation) = Postgres::installed_or_skip(WHAT) else {
        return;
    };
    let timeout = "idle_in_transaction_session_timeout";
    let server = installation.start(&[(timeout, "1min")]);
    let url = server.url();
    shows(
        &url,
        1,
        "fail  schema            version 0 in lark_inbox, expected version 1\n",
    );
    on(&url, &["migrate"]).run().with_code(0);
    let ran = on(&url, &["doctor", "--json"]).run().with_code(0);
    let cases = [
        "server",
        "schema",
        "durability",
        "standbys",
        "transactions",
        "lanes",
        "clock",
        "vacuum",
        "workers",
        "lag",
        "oldest",
        "dead",
    ];
    let found = verdicts(&ran);
    assert!(
        found.iter().map(|(case, _)| case).eq(cases.iter()),
        "{found:?}"
    );
    let bad = found.iter().filter(|(_, verdict)| verdict != "pass");
    let bad: Vec<_> = bad.map(|(case, _)| case.as_str()).collect();
    assert_eq!(bad, ["workers"], "{ran:?}");

    for (name, value, back, line) in [
        ("fsync", "off", "on", "fail  durability        fsync is off"),
        (
            "full_page_writes",
            "off",
            "on",
            "warn  durability        full_page_writes is off",
        ),
        (
            "synchronous_commit",
            "off",
            "on",
            "warn  durability        synchronous_commit is off",
        ),
        (
            "autovacuum",
            "off",
            "on",
            "warn  vacuum            autovacuum is off",
        ),
        (
            timeout,
            "0",
            "1min",
            "warn  transactions      none is open; idle_in_transaction_session_timeout",
        ),
    ] {
        set(&server, name, value);
        shows(&url, i32::from(line.starts_with("fail")), line);
        set(&server, name, back);
    }

    let standby = server.start_standby("second");
    let follows = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'";
    while server.psql(follows) != "1" {}
    shows(
        &url,
        0,
        "warn  standbys          1 standby, none synchronous: a failover loses",
    );
    server.synchronous_standby("second");
    shows(&url, 0, "pass  standbys          1 of 1 synchronous\n");
    server.psql("ALTER ROLE postgres SET synchronous_commit = 'remote_write'");
    shows(
        &url,
        0,
        "warn  durability        synchronous_commit is remote_write: acknowledged events",
    );
    drop(standby);
    let is_gone = "SELECT count(*) FROM pg_stat_replication";
    while server.psql(is_gone) != "0" {}
    shows(
        &url,
        1,
        "fail  standbys          commits wait for a synchronous standby, and none is connected",
    );
}

#[test]
fn the_statement_that_doctor_prints_repairs_stuck_lanes() {
    let Some(server) = server() else {
        return;
    };
    server.psql("CREATE DATABASE stuck");
    let url = server.url_of("stuck", "postgres");
    let examine = || on(&url, &["doctor", "--schema", "shop"]).run().with_code(1);
    let migrated = on(&url, &["migrate", "--schema", "shop"]).run();
    migrated.with_code(0);
    server.psql_at(
        &url,
        "INSERT INTO shop.task (seq, lane, is_head, visible_at)
        VALUES (1, 'a', false, now()), (2, 'a', false, now()), (3, 'b', true, now()), (4, 'b', false, now())",
    );
    let stuck = examine();
    assert!(
        stuck
            .stdout
            .contains("fail  lanes             1 with events, none of which can be claimed\n"),
        "{stuck:?}"
    );
    let statement = stuck.stdout.split('`').find(|it| it.starts_with("SELECT"));
    let statement = statement.unwrap_or_else(|| panic!("expected a statement: {stuck:?}"));
    assert_eq!(server.psql_at(&url, statement), "1");
    let heads = "SELECT seq FROM shop.task WHERE is_head ORDER BY seq";
    assert_eq!(server.psql_at(&url, heads), "1\n3");
    let repaired = examine();
    assert!(
        repaired
            .stdout
            .contains("pass  lanes             none is stuck\n"),
        "{repaired:?}"
    );
}
