//! A server that fails while events come in: the sender is not acknowledged, the log has one line for each
//! consequence, and events are acknowledged again once the cause is gone, by the same store.

use lark_events_inbox::StoreErrorKind;
use lark_events_inbox_postgres::PostgresStore;
use lark_events_test_servers::Postgres;
use tokio_postgres::NoTls;

use crate::server::cause;
use crate::webhook::App;

/// The connections of a small server.
const CONNECTIONS: usize = 12;
const UNAVAILABLE: &str = "the store is unavailable";

#[tokio::test]
async fn a_server_that_stops_and_starts_again() {
    let Some(server) = Postgres::start_or_skip("a server that stops") else {
        return;
    };
    let mut app = App::on(server.url()).await;
    assert_eq!(app.push("before", 1).await, 200);
    // All connections are open. A server that stops would wait for one that this thread is opening.
    app.all_handled().await;
    server.stop();
    for _ in 0..3 {
        assert_eq!(app.push("e", 1).await, 500);
    }
    let error = PostgresStore::connect(server.url()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(cause(&error).contains("refused"), "{}", cause(&error));
    server.restart();
    app.redeliver("e", 1).await;
    app.is_healthy_after(&[UNAVAILABLE]).await;
    // As a power cut.
    server.kill();
    assert_eq!(app.push("f", 1).await, 500);
    server.restart();
    app.redeliver("f", 1).await;
    app.all_handled().await;
}

#[tokio::test]
async fn a_server_that_takes_no_writes_any_more() {
    let Some(server) = Postgres::start_or_skip("a server that becomes read-only") else {
        return;
    };
    let mut app = App::on(server.url()).await;
    assert_eq!(app.push("before", 1).await, 200);
    app.all_handled().await;
    let read_only = |value: &str| {
        server.psql(&format!(
            "SET transaction_read_only = off; ALTER SYSTEM SET default_transaction_read_only = {value};
             SELECT pg_reload_conf()"
        ));
        while server.psql("SHOW default_transaction_read_only") != value {}
    };
    read_only("on");
    for _ in 0..3 {
        // A session reads the setting before its next statement.
        while app.push("e", 1).await != 500 {}
    }
    let error = PostgresStore::connect(server.url()).await.unwrap_err();
    assert!(
        cause(&error).contains("does not allow writes"),
        "{}",
        cause(&error)
    );
    read_only("off");
    app.redeliver("e", 1).await;
    app.is_healthy_after(&[UNAVAILABLE, "read-only transaction"])
        .await;
}

#[tokio::test]
async fn a_primary_that_is_lost_and_its_standby_is_promoted() {
    let Some(primary) = Postgres::start_or_skip("a failover") else {
        return;
    };
    let standby = primary.start_standby("second");
    primary.synchronous_standby("second");
    let (first, second) = (primary.port(), standby.port());
    let url =
        |one, other| format!("postgres://postgres@127.0.0.1:{one},127.0.0.1:{other}/postgres");
    // The one that takes writes, in whatever place it is.
    let mut app = App::on(url(second, first)).await;
    assert_eq!(app.push("before", 1).await, 200);
    app.all_handled().await;
    primary.kill();
    for _ in 0..3 {
        assert_eq!(app.push("e", 1).await, 500);
    }
    let error = PostgresStore::connect(url(first, second))
        .await
        .unwrap_err();
    assert!(
        cause(&error).contains("does not allow writes"),
        "{}",
        cause(&error)
    );
    standby.promote();
    app.redeliver("e", 1).await;
    app.redeliver("before", 1).await;
    app.is_healthy_after(&[UNAVAILABLE]).await;
    assert_eq!(app.record.ids(), ["before", "e"]);
}

#[tokio::test]
async fn a_server_without_a_free_connection() {
    let Some(installation) = Postgres::installed_or_skip("a server without a free connection")
    else {
        return;
    };
    let settings = [
        ("max_connections", &*CONNECTIONS.to_string()),
        ("superuser_reserved_connections", "0"),
    ];
    let server = installation.start(&settings);
    let mut app = App::on(server.url()).await;
    assert_eq!(app.push("before", 1).await, 200);
    app.all_handled().await;
    let connect = async || {
        let (client, connection) = tokio_postgres::connect(&server.url(), NoTls).await?;
        tokio::spawn(connection);
        Ok::<_, tokio_postgres::Error>(client)
    };
    // Others take all of them, one after the other.
    let terminate = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE application_name = 'lark-events'";
    let mut others = Vec::new();
    while others.len() < CONNECTIONS {
        match connect().await {
            Ok(client) => others.push(client),
            Err(_) => drop(others[0].execute(terminate, &[]).await.unwrap()),
        }
    }
    for _ in 0..3 {
        assert_eq!(app.push("e", 1).await, 500);
    }
    let error = PostgresStore::connect(server.url()).await.unwrap_err();
    let text = cause(&error);
    assert!(
        text.contains("too many clients already (SQLSTATE 53300)"),
        "{text}"
    );
    drop(others);
    app.redeliver("e", 1).await;
    app.is_healthy_after(&[UNAVAILABLE]).await;
}
