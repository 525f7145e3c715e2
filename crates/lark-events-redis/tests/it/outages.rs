//! A server that stops, or does not answer: calls fail within their time limit, and succeed again afterwards with
//! the same store.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lark_events::Outcome;
use lark_events_layers::{Claim, DedupStore as _};
use lark_events_redis::{RedisStore, RedisStoreErrorKind};
use lark_events_test_servers::Redis;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::server::{MINUTE, SECOND, claim, claim_again, failure, patient};

const CALLS: usize = 2_000;

#[tokio::test]
async fn a_server_that_stops_and_starts_again() {
    let Some(program) = Redis::installed_or_skip("a server of Redis that stops") else {
        return;
    };
    let server = program.start(&[("appendonly", "yes")]);
    let store = patient(server.url()).build().unwrap();
    assert_eq!(claim(&store, "key", 1).await, Claim::Granted);
    server.stop();
    for _ in 0..3 {
        let error = store.claim("key", 1, MINUTE).await.unwrap_err();
        let (kind, text) = failure(&error);
        assert_eq!(kind, RedisStoreErrorKind::Unavailable);
        assert!(text.starts_with("the server cannot be reached: "), "{text}");
        assert!(text.contains("refused"), "{text}");
    }
    server.restart();
    assert_eq!(claim_again(&store, "key", 2).await, Claim::Held);
    // Between two calls, no call fails.
    for _ in 0..3 {
        server.kill();
        server.restart();
        assert_eq!(claim(&store, "key", 2).await, Claim::Held);
    }
    store.release("key", 1).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_the_server_closes_during_a_call_is_replaced() {
    let Some(server) = Redis::start_or_skip("closed connections to Redis") else {
        return;
    };
    let store = Arc::new(patient(server.url()).build().unwrap());
    server.command(&["CLIENT", "PAUSE", "60000", "WRITE"]);
    let called = tokio::spawn({
        let store = Arc::clone(&store);
        async move { claim(&store, "key", 1).await }
    });
    let in_flight = timeout(MINUTE, async {
        while !server.command(&["CLIENT", "LIST"]).contains("cmd=eval") {
            tokio::task::yield_now().await;
        }
    });
    in_flight.await.unwrap();
    server.command(&["CLIENT", "KILL", "TYPE", "normal"]);
    server.command(&["CLIENT", "UNPAUSE"]);
    assert_eq!(called.await.unwrap(), Claim::Granted);
    assert_eq!(claim(&store, "key", 2).await, Claim::Held);
}

#[tokio::test]
async fn a_server_that_does_not_answer() {
    let Some(server) = Redis::start_or_skip("a server of Redis that hangs") else {
        return;
    };
    let store = RedisStore::builder(server.url()).time_limit(SECOND / 5);
    let store = Arc::new(store.build().unwrap());
    assert_eq!(claim_again(&store, "key", 1).await, Claim::Granted);
    server.freeze();
    let claimed = timeout(MINUTE, store.claim("key", 1, MINUTE))
        .await
        .unwrap();
    let expected = RedisStoreErrorKind::TimedOut;
    let (kind, text) = failure(&claimed.unwrap_err());
    assert_eq!(kind, expected);
    assert_eq!(text, "no answer of the server within 200ms");
    // The next connection is not answered either.
    let done = store.done("key", Outcome::Handled, MINUTE);
    let (kind, text) = failure(&timeout(MINUTE, done).await.unwrap().unwrap_err());
    assert_eq!(kind, expected);
    assert_eq!(text, "no connection to the server within 200ms");
    // Many calls at once.
    let calls = (0..CALLS).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.release("key", 1).await.unwrap_err() })
    });
    let calls: Vec<_> = calls.collect();
    for call in calls {
        let error = timeout(MINUTE, call).await.unwrap().unwrap();
        assert_eq!(failure(&error).0, expected);
    }
    server.thaw();
    assert_eq!(claim_again(&store, "other", 1).await, Claim::Granted);
    let clients = server.command(&["INFO", "clients"]);
    assert!(clients.contains("connected_clients:2\r\n"), "{clients}");
}

#[tokio::test]
async fn an_address_that_nothing_listens_at() {
    // A name that is never given to a host.
    let store = patient("redis://user:0secret@redis.invalid")
        .build()
        .unwrap();
    let error = store.check().await.unwrap_err();
    assert_eq!(error.kind(), RedisStoreErrorKind::Unavailable);
    let text = error.to_string();
    assert!(text.starts_with("the server cannot be reached: "), "{text}");
    assert!(!text.contains("0secret"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_cannot_connect_fail_together() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", server.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let accepted = Arc::clone(&connections);
    let server = tokio::spawn(async move {
        // Each is closed at once.
        while server.accept().await.is_ok() {
            accepted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let store = Arc::new(patient(url).build().unwrap());
    let calls = (0..CALLS).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.release("key", 1).await.unwrap_err() })
    });
    let calls: Vec<_> = calls.collect();
    for call in calls {
        let (kind, text) = failure(&call.await.unwrap());
        assert_eq!(kind, RedisStoreErrorKind::Unavailable);
        assert!(
            text.starts_with("the connection to the server was lost: "),
            "{text}"
        );
    }
    let connections = connections.load(Ordering::Relaxed);
    assert!(connections < CALLS / 10, "{connections}");
    server.abort();
}

#[tokio::test]
async fn a_connection_without_an_answer_is_closed() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", server.local_addr().unwrap());
    let store = RedisStore::builder(url).time_limit(2 * SECOND);
    let store = store.build().unwrap();
    let (claimed, stream) = tokio::join!(store.claim("key", 1, MINUTE), async {
        let (mut stream, _) = server.accept().await.unwrap();
        // As servers do that do not know the commands that name a client; the script is not answered.
        stream.write_all(b"-ERR no\r\n-ERR no\r\n").await.unwrap();
        stream
    });
    let (kind, text) = failure(&claimed.unwrap_err());
    assert_eq!(kind, RedisStoreErrorKind::TimedOut);
    assert_eq!(text, "no answer of the server within 2s");
    // Nor does the server close it.
    let ended = timeout(MINUTE, async {
        while Handle::current().metrics().num_alive_tasks() > 0 {
            tokio::task::yield_now().await;
        }
    });
    ended.await.unwrap();
    drop(stream);
}
