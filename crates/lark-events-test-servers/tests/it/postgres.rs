//! One server: its start, its crash and its end.

use std::net::{Ipv4Addr, TcpStream};

use lark_events_test_servers::Postgres;

pub(crate) const WHAT: &str = "servers for tests";

pub(crate) fn is_listening(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[test]
fn a_killed_or_stopped_server_starts_again_with_its_data() {
    let Some(server) = Postgres::start_or_skip(WHAT) else {
        return;
    };
    let url = server.create_database("one_test");
    let table = "CREATE TABLE t (i int); INSERT INTO t VALUES (1), (2)";
    server.psql_at(&url, table);
    let port = server.port();
    server.kill();
    assert!(!is_listening(port));
    server.restart();
    assert_eq!(server.port(), port);
    assert_eq!(server.psql_at(&url, "SELECT i FROM t ORDER BY i"), "1\n2");
    server.stop();
    assert!(!is_listening(port));
    server.restart();
    assert_eq!(server.psql_at(&url, "SELECT count(*), 'x' FROM t"), "2|x");
}

#[test]
fn a_server_has_the_settings_of_its_test_and_syncs() {
    let Some(installation) = Postgres::installed_or_skip(WHAT) else {
        return;
    };
    let server = installation.start(&[("max_connections", "17"), ("log_line_prefix", "it's %p ")]);
    assert_eq!(server.psql("SHOW max_connections"), "17");
    assert_eq!(server.psql("SHOW log_line_prefix"), "it's %p");
    assert_eq!(server.psql("SHOW fsync; SHOW synchronous_commit"), "on\non");
    let version = server.psql("SHOW server_version");
    assert!(
        version.starts_with(&installation.major().to_string()),
        "{version}"
    );
}

#[test]
fn a_server_and_its_folder_end_with_its_value() {
    let Some(server) = Postgres::start_or_skip(WHAT) else {
        return;
    };
    let (port, folder) = (server.port(), server.folder().to_owned());
    assert!(is_listening(port) && folder.exists());
    drop(server);
    assert!(!is_listening(port) && !folder.exists());
}

#[test]
fn an_error_shows_the_end_of_the_log() {
    let Some(installation) = Postgres::installed_or_skip(WHAT) else {
        return;
    };
    let failed = installation.try_start(&[("wal_level", "none")]);
    let error = failed.unwrap_err();
    assert!(
        error.contains("invalid value for parameter \"wal_level\""),
        "{error}"
    );
    let server = installation.start(&[]);
    let error = server
        .try_psql_at(&server.url(), "SELECT 1; SELECT x")
        .unwrap_err();
    assert!(error.contains("column \"x\" does not exist"), "{error}");
    assert!(server.log().contains("column \"x\" does not exist"));
}

#[test]
fn long_input_and_long_output_do_not_block_each_other() {
    let Some(server) = Postgres::start_or_skip(WHAT) else {
        return;
    };
    let (statement, row) = ("SELECT repeat('x', 100);\n", "x".repeat(100));
    let rows = server.psql(&statement.repeat(10_000));
    assert_eq!(rows.lines().filter(|line| *line == row).count(), 10_000);
}
