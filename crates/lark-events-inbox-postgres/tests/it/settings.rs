//! Roles, databases and settings of a server that the store does not work with, or only in part: errors that
//! say what to do.

use std::fs;

use lark_events_inbox::{Admin as _, Entry, Filter, Page, Store as _, StoreErrorKind};
use lark_events_inbox_postgres::PostgresStore;
use lark_events_test_servers::Postgres;
use tokio_postgres::NoTls;

use crate::app::event;
use crate::server::{cause, database, server};
use crate::webhook::App;

/// A database with the tables and a role that works with them, and the URL of the role.
async fn with_role(server: &Postgres, name: &str) -> (String, String) {
    let url = database(server);
    drop(PostgresStore::connect(url.as_str()).await.unwrap());
    server.psql_at(
        &url,
        &format!(
            "CREATE ROLE {name} LOGIN;
         GRANT USAGE ON SCHEMA lark_inbox TO {name};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA lark_inbox TO {name};
         GRANT USAGE ON ALL SEQUENCES IN SCHEMA lark_inbox TO {name};"
        ),
    );
    let as_role = url.replace("postgres@", &format!("{name}@"));
    (url, as_role)
}

#[tokio::test]
async fn a_call_that_another_session_blocks_for_too_long() {
    let Some(server) = server("the statement time-out of PostgreSQL") else {
        return;
    };
    let (url, as_role) = with_role(server, "impatient").await;
    server.psql("ALTER ROLE impatient SET statement_timeout = '2s'");
    let mut app = App::on(as_role).await;
    app.redeliver("before", 1).await;
    app.all_handled().await;
    let (other, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let lock = "BEGIN; SELECT lark_inbox.lock_lanes(ARRAY['t'])";
    other.batch_execute(lock).await.unwrap();
    assert_eq!(app.push("e", 1).await, 500);
    other.batch_execute("COMMIT").await.unwrap();
    app.redeliver("e", 1).await;
    let text = "canceling statement due to statement timeout (SQLSTATE 57014)";
    app.is_healthy_after(&["the store is unavailable", text])
        .await;
}

#[tokio::test]
async fn a_role_that_works_needs_no_more_rights_than_these() {
    let Some(server) = server("the rights of a role on PostgreSQL") else {
        return;
    };
    let (url, as_role) = with_role(server, "worker").await;
    let mut app = App::on(as_role.as_str()).await;
    assert_eq!(app.push("e", 1).await, 200);
    app.all_handled().await;
    let page = Page::first(9);
    assert_eq!(
        app.store
            .list(&Filter::default(), page)
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(app.store.replay(&Filter::default(), 9).await.unwrap(), 1);

    // It may not migrate.
    let other = PostgresStore::builder(as_role.as_str()).schema("other");
    let error = other.connect().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Version);
    let text = cause(&error);
    assert!(
        text.contains("run `lark-events inbox migrate` as their owner"),
        "{text}"
    );
    assert!(text.contains("permission denied for database"), "{text}");

    server.psql_at(&url, "REVOKE INSERT ON lark_inbox.event FROM worker");
    assert_eq!(app.push("f", 1).await, 500);
    app.has_logged(&["permission denied for table event (SQLSTATE 42501)"]);
    server.psql_at(&url, "GRANT INSERT ON lark_inbox.event TO worker");
    app.redeliver("f", 1).await;

    server.psql_at(&url, "REVOKE USAGE ON SCHEMA lark_inbox FROM worker");
    let error = PostgresStore::connect(as_role).await.unwrap_err();
    assert!(
        cause(&error).contains("permission denied for schema lark_inbox"),
        "{}",
        cause(&error)
    );
}

#[tokio::test]
async fn a_wrong_password_is_an_error_without_it() {
    let Some(server) = Postgres::start_or_skip("passwords of PostgreSQL") else {
        return;
    };
    server.psql(
        "CREATE ROLE app LOGIN PASSWORD 'the right one'; GRANT CREATE ON DATABASE postgres TO app",
    );
    let file = server.folder().join("data/pg_hba.conf");
    let rules = fs::read_to_string(&file).unwrap();
    fs::write(
        &file,
        format!("host all app 127.0.0.1/32 scram-sha-256\n{rules}"),
    )
    .unwrap();
    server.psql("SELECT pg_reload_conf()");
    let with = |password| {
        server
            .url()
            .replace("postgres@", &format!("app:{password}@"))
    };
    let error = loop {
        // Until the server has read the rules.
        match PostgresStore::connect(with("the-wrong-one")).await {
            Ok(store) => drop(store),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    let text = format!("{error}: {} {error:?}", cause(&error));
    assert!(
        text.contains("password authentication failed for user \"app\""),
        "{text}"
    );
    assert!(!text.contains("the-wrong-one"), "{text}");

    let error = PostgresStore::connect(with("")).await.unwrap_err();
    assert!(cause(&error).contains("password"), "{}", cause(&error));
    let builder = PostgresStore::builder(with("the%20right%20one"));
    assert!(!format!("{builder:?}").contains("right"), "{builder:?}");
    let store = builder.connect().await.unwrap();
    assert!(!format!("{store:?}").contains("right"), "{store:?}");
    store
        .append(vec![Entry::new(event(None, 1))])
        .await
        .unwrap();
}

#[tokio::test]
async fn a_database_that_cannot_store_every_text_is_rejected() {
    let Some(server) = server("the encoding of a database on PostgreSQL") else {
        return;
    };
    server.psql("CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0");
    let url = server.url_of("ascii", "postgres");
    let error = PostgresStore::connect(url.as_str()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unsupported);
    let expected = "the database has the encoding SQL_ASCII, expected UTF8";
    assert_eq!(cause(&error), expected);
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = 'lark_inbox'";
    assert_eq!(server.psql_at(&url, schemas), "0");
}

#[tokio::test]
async fn a_role_with_another_isolation_level_acknowledges_nothing() {
    let Some(server) = server("the isolation level of a role on PostgreSQL") else {
        return;
    };
    let (url, as_role) = with_role(server, "strict").await;
    server.psql("ALTER ROLE strict SET default_transaction_isolation = 'serializable'");
    let mut app = App::on(as_role).await;
    assert_eq!(app.push("e", 1).await, 500);
    app.has_logged(&[r#"needs the isolation level "read committed", got "serializable""#]);
    assert_eq!(
        server.psql_at(&url, "SELECT count(*) FROM lark_inbox.event"),
        "0"
    );
}

#[tokio::test]
async fn settings_of_a_role_do_not_make_an_acknowledgement_less_durable() {
    let Some(server) = server("the durability of a role on PostgreSQL") else {
        return;
    };
    let (url, as_role) = with_role(server, "hasty").await;
    server.psql("ALTER ROLE hasty SET synchronous_commit = off");
    let store = PostgresStore::connect(as_role).await.unwrap();
    // The function sets it for its own transaction.
    server.psql_at(&url, "CREATE TABLE seen (setting text); GRANT ALL ON seen TO hasty;
        CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
        CREATE TRIGGER see AFTER INSERT ON lark_inbox.event FOR EACH STATEMENT EXECUTE FUNCTION public.see()");
    store
        .append(vec![Entry::new(event(None, 1))])
        .await
        .unwrap();
    assert_eq!(server.psql_at(&url, "SELECT setting FROM seen"), "on");
}
