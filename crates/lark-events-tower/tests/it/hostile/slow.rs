//! Connections of clients that send slowly, or nothing.

use std::sync::LazyLock;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::{Answers, READ_TIMEOUT, Server, good, wire};

const SENDERS: u32 = 50;
const IDLE: u32 = 1_000;
/// Between two bytes.
const PAUSE: Duration = Duration::from_millis(20);

/// Connections that may stand at once: each takes two files of this process, and other tests need some too.
static CONNECTIONS: LazyLock<(Semaphore, u32)> = LazyLock::new(|| {
    let connections = (open_files().saturating_sub(400) / 2).clamp(2 * SENDERS, IDLE);
    (Semaphore::new(connections as usize), connections)
});

/// Has as many send `begin` and then the rest a byte at a time, until the server closes the connection.
async fn slow_senders(server: &Server, begin: &str, rest: &str) -> JoinSet<Answers> {
    let mut senders = JoinSet::new();
    for _ in 0..SENDERS {
        let mut socket = server.connect().await;
        socket.write_all(begin.as_bytes()).await.unwrap();
        let rest = rest.to_owned();
        senders.spawn(async move {
            for byte in rest.bytes() {
                if socket.write_all(&[byte]).await.is_err() {
                    break;
                }
                sleep(PAUSE).await;
            }
            Answers::of(&mut socket).await
        });
    }
    senders
}

/// Serves for twice as long as anything slow should be borne.
async fn serves_meanwhile(server: &Server) {
    let until = Instant::now() + 2 * READ_TIMEOUT;
    while Instant::now() < until {
        server.still_serves().await;
        sleep(PAUSE).await;
    }
}

#[tokio::test]
async fn headers_a_byte_at_a_time_are_cut_off_and_keep_nobody_out() {
    let _connections = CONNECTIONS.0.acquire_many(SENDERS).await.unwrap();
    let server = Server::hyper().await;
    let (begin, rest) = ("POST /webhook/event HTTP/1.1\r\n", "x: y\r\n".repeat(1_000));
    let mut senders = slow_senders(&server, begin, &rest).await;
    serves_meanwhile(&server).await;
    while let Some(answers) = senders.join_next().await {
        assert_eq!(answers.unwrap().0, [0; 0], "without an answer");
    }
    assert_eq!(server.dispatched(), [""; 0]);
}

/// The time-out is the server's job, and `axum::serve` has none.
#[tokio::test]
async fn headers_a_byte_at_a_time_keep_nobody_out_where_they_are_not_cut_off() {
    let _connections = CONNECTIONS.0.acquire_many(SENDERS).await.unwrap();
    let server = Server::axum().await;
    let rest = "x: y\r\n".repeat(1_000);
    let mut senders = slow_senders(&server, "POST / HTTP/1.1\r\n", &rest).await;
    serves_meanwhile(&server).await;
    assert!(senders.try_join_next().is_none(), "one was cut off");
}

#[tokio::test]
async fn bodies_a_byte_at_a_time_are_cut_off_and_keep_nobody_out() {
    let _connections = CONNECTIONS.0.acquire_many(2 * SENDERS).await.unwrap();
    let cuts_off = async |server: Server| {
        let event = wire(&good("slow_v1"));
        let (head, body) = event.split_once("\r\n\r\n").unwrap();
        let mut senders = slow_senders(&server, &format!("{head}\r\n\r\n"), body).await;
        serves_meanwhile(&server).await;
        while let Some(answers) = senders.join_next().await {
            assert_eq!(answers.unwrap().0, [408], "{}", server.name);
        }
        assert_eq!(server.dispatched(), [""; 0]);
        assert_eq!(server.events.stats().running, 0);
    };
    let [hyper, axum] = Server::both().await;
    tokio::join!(cuts_off(hyper), cuts_off(axum));
}

#[tokio::test]
async fn many_idle_connections_keep_nobody_out() {
    let (semaphore, connections) = &*CONNECTIONS;
    let _connections = semaphore.acquire_many(*connections).await.unwrap();
    for server in Server::both().await {
        let mut idle = Vec::new();
        for _ in 0..*connections {
            idle.push(server.connect().await);
        }
        serves_meanwhile(&server).await;
        if server.name == "hyper" {
            for socket in &mut idle {
                assert_eq!(Answers::of(socket).await.0, [0; 0]);
            }
        }
    }
}

/// How many files this process may open, as far as that is known.
fn open_files() -> u32 {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let mut limits = limits
        .lines()
        .filter_map(|line| line.strip_prefix("Max open files"));
    let files = limits
        .next()
        .and_then(|files| files.split_whitespace().next()?.parse().ok());
    files.unwrap_or(256)
}
