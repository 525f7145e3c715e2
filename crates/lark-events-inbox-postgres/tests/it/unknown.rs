//! Commits whose outcome the store does not learn, or which are not as durable as they must be: not
//! acknowledged, and never lost. The redelivery is a duplicate if the event was stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use lark_events_inbox_postgres::PostgresStore;
use lark_events_test_servers::Postgres;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use crate::server::{database, server};
use crate::webhook::App;

/// The connection of the next append is left alone, or cut before its request arrives, or once the server has
/// answered.
const OPEN: u8 = 0;
const CUT_REQUEST: u8 = 1;
const CUT_ANSWER: u8 = 2;

/// A network between a store and its server.
struct Network {
    port: u16,
    next: Arc<AtomicU8>,
}

impl Network {
    async fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let next = Arc::new(AtomicU8::new(OPEN));
        let this = Self {
            port: listener.local_addr().unwrap().port(),
            next: Arc::clone(&next),
        };
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                tokio::spawn(carry(client, server, Arc::clone(&next)));
            }
        });
        this
    }
}

async fn carry(client: TcpStream, server: TcpStream, next: Arc<AtomicU8>) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let cut = AtomicU8::new(OPEN);
    let requests = requests(from_client, to_server, &next, &cut);
    let answers = answers(from_server, to_client, &cut);
    // The end of one ends the other.
    tokio::select! {
        () = requests => {}
        () = answers => {}
    }
}

async fn requests(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    next: &AtomicU8,
    cut: &AtomicU8,
) {
    let mut bytes = vec![0; 1 << 16];
    loop {
        let read = from.read(&mut bytes).await.unwrap_or(0);
        let is_append = bytes[..read].windows(7).any(|part| part == b"append(");
        if is_append {
            cut.store(next.swap(OPEN, Ordering::SeqCst), Ordering::SeqCst);
        }
        let is_cut = cut.load(Ordering::SeqCst) == CUT_REQUEST;
        if read == 0 || is_cut || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}

async fn answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, cut: &AtomicU8) {
    let mut bytes = vec![0; 1 << 16];
    loop {
        let read = from.read(&mut bytes).await.unwrap_or(0);
        // The answer follows the commit.
        let is_cut = cut.load(Ordering::SeqCst) == CUT_ANSWER;
        if read == 0 || is_cut || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_reset_during_a_commit() {
    let Some(server) = server("a connection that is reset on PostgreSQL") else {
        return;
    };
    let direct = database(server);
    let network = Network::to(server.port()).await;
    let url = direct.replace(
        &format!(":{}/", server.port()),
        &format!(":{}/", network.port),
    );
    for (cut, is_stored) in [(CUT_REQUEST, "f"), (CUT_ANSWER, "t")] {
        let store = PostgresStore::builder(url.as_str()).schema(format!("inbox_{cut}"));
        let mut app = App::with(store.connect().await.unwrap()).await;
        assert_eq!(app.push("before", 1).await, 200);
        app.all_handled().await;
        network.next.store(cut, Ordering::SeqCst);
        assert_eq!(app.push("e", 1).await, 500);
        assert_eq!(network.next.load(Ordering::SeqCst), OPEN);
        let stored = format!("SELECT count(*) > 0 FROM inbox_{cut}.event WHERE event_id = 'e'");
        assert_eq!(server.psql_at(&direct, &stored), is_stored);
        assert_eq!(app.push("e", 1).await, 200);
        app.is_healthy_after(&["the store is unavailable", "connection closed"])
            .await;
        assert_eq!(app.record.ids(), ["before", "e"]);
        let redelivered =
            format!("SELECT redelivered > 0 FROM inbox_{cut}.event WHERE event_id = 'e'");
        assert_eq!(server.psql_at(&direct, &redelivered), is_stored);
    }
}

#[tokio::test]
async fn a_commit_whose_wait_for_the_standby_is_cancelled() {
    let Some(primary) = Postgres::start_or_skip("a standby that is gone") else {
        return;
    };
    let primary = Arc::new(primary);
    let standby = primary.start_standby("second");
    primary.synchronous_standby("second");
    for (end, logged) in [
        (
            "pg_cancel_backend",
            "canceling wait for synchronous replication",
        ),
        ("pg_terminate_backend", ""),
    ] {
        let store = PostgresStore::builder(primary.url()).schema(end.replace("pg_", ""));
        let mut app = App::with(store.connect().await.unwrap()).await;
        assert_eq!(app.push("before", 1).await, 200);
        app.all_handled().await;
        standby.stop();
        let ended = format!(
            "SELECT count({end}(pid)) FROM pg_stat_activity
             WHERE wait_event = 'SyncRep' AND query LIKE '%append(%'"
        );
        let server = Arc::clone(&primary);
        let ending = tokio::task::spawn_blocking(move || while server.psql(&ended) == "0" {});
        assert_eq!(app.push("e", 1).await, 500);
        ending.await.unwrap();
        let stored = "SELECT count(*) FROM SCHEMA.event WHERE event_id = 'e'";
        let stored = stored.replace("SCHEMA", &end.replace("pg_", ""));
        assert_eq!(primary.psql(&stored), "1", "on this server");
        standby.restart();
        app.redeliver("e", 1).await;
        app.is_healthy_after(&["the store is unavailable", logged])
            .await;
        assert_eq!(app.record.ids(), ["before", "e"]);
    }
}
