//! A pooler before a server.

use lark_events_test_servers::{PgBouncer, Postgres};

use crate::postgres::{WHAT, is_listening};

#[test]
fn a_pooler_answers_for_each_database_and_user() {
    let Some(postgres) = Postgres::start_or_skip(WHAT) else {
        return;
    };
    let Some(pooler) = PgBouncer::start_or_skip(&postgres, WHAT) else {
        return;
    };
    assert_eq!(
        postgres.psql_at(&pooler.url(), "SELECT current_user"),
        "postgres"
    );
    postgres.create_database("one_test");
    postgres.psql("CREATE ROLE worker LOGIN");
    let url = pooler.url_of("one_test", "worker");
    let both = "SELECT current_database(), current_user";
    assert_eq!(postgres.psql_at(&url, both), "one_test|worker");
    // In transaction mode, sessions share a connection.
    let connection = "SELECT pg_backend_pid()";
    let first = postgres.psql_at(&url, connection);
    assert_eq!(postgres.psql_at(&url, connection), first);
    assert!(pooler.log().contains("process up"));
    let (port, folder) = (pooler.port(), pooler.folder().to_owned());
    drop(pooler);
    assert!(!is_listening(port) && !folder.exists());
}
