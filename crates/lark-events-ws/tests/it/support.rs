//! A platform, connections to it, and handlers to watch.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lark_events::{Dispatcher, Event, RawJson, RawReply};
use lark_events_sim::{ClientConfig, Document, Platform, PlatformBuilder};
use lark_events_ws::{ConnectError, Domain, LongConnection, LongConnectionBuilder, Monitor, State};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) const ID: &str = "cli_9f5343c580712544";
pub(crate) const SECRET: &str = "marked-secret";

/// A platform that delivers once, and has its clients come again within a second.
pub(crate) fn platform() -> PlatformBuilder {
    Platform::builder()
        .app(ID, SECRET)
        .redeliver_after([])
        .client_config(
            ClientConfig::default()
                .reconnect_nonce(1)
                .reconnect_interval(1),
        )
}

/// A connection to it in memory.
pub(crate) fn to(platform: &Arc<Platform>) -> LongConnectionBuilder {
    let dialed = Arc::clone(platform);
    LongConnection::builder(ID, SECRET)
        .domain(Domain::custom(platform.base_url()))
        .connect_with(move |_| {
            let stream = dialed.dial();
            async move { Ok(stream) }
        })
}

/// A server that gives one answer, whatever it is asked.
pub(crate) fn answering(status: u16, body: &str) -> DuplexStream {
    let (client, mut server) = tokio::io::duplex(64 * 1024);
    let length = body.len();
    let answer = format!("HTTP/1.1 {status} \r\ncontent-length: {length}\r\n\r\n{body}");
    tokio::spawn(async move {
        let mut request = [0; 4096];
        assert!(server.read(&mut request).await.unwrap() > 0);
        server.write_all(answer.as_bytes()).await.unwrap();
        while server.read(&mut request).await.is_ok_and(|read| read > 0) {}
    });
    client
}

/// A connection that runs in a task.
pub(crate) struct Client {
    pub(crate) monitor: Monitor,
    pub(crate) task: JoinHandle<Result<(), ConnectError>>,
    shutdown: Option<oneshot::Sender<()>>,
}

impl Client {
    /// Runs a connection and waits for it to be open.
    pub(crate) async fn connected(builder: LongConnectionBuilder, dispatcher: Dispatcher) -> Self {
        let client = Self::start(builder, dispatcher);
        let state = client.monitor.until(State::is_connected).await;
        assert!(state.is_connected(), "{state:?}");
        client
    }

    pub(crate) fn start(builder: LongConnectionBuilder, dispatcher: Dispatcher) -> Self {
        let connection = builder.build().unwrap();
        let monitor = connection.monitor();
        let (shutdown, asked) = oneshot::channel();
        let asked = async {
            // A test that ends is a shutdown too.
            let _ = asked.await;
        };
        Self {
            monitor,
            task: tokio::spawn(
                connection
                    .run(dispatcher)
                    .with_graceful_shutdown(asked)
                    .into_future(),
            ),
            shutdown: Some(shutdown),
        }
    }

    pub(crate) fn shut_down(&mut self) {
        self.shutdown.take().unwrap().send(()).unwrap();
    }

    /// Shuts down and waits for the end.
    pub(crate) async fn end(mut self) -> Result<(), ConnectError> {
        self.shut_down();
        self.task.await.unwrap()
    }
}

/// Counts what happened to handlers.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    started: AtomicUsize,
    finished: AtomicUsize,
}

impl Seen {
    pub(crate) fn started(&self) -> usize {
        self.started.load(Ordering::Relaxed)
    }

    pub(crate) fn finished(&self) -> usize {
        self.finished.load(Ordering::Relaxed)
    }
}

/// A dispatcher whose handlers are counted: those of `takes_v1` take as many milliseconds as their
/// event says; `failing_v1` fails, `panicking_v1` panics, `profile.view.get` is a callback.
pub(crate) fn watched() -> (Dispatcher, Arc<Seen>) {
    let seen = Arc::new(Seen::default());
    let counted = Arc::clone(&seen);
    let dispatcher = Dispatcher::builder()
        .on_raw("takes_v1", move |event: Event<RawJson>| {
            let seen = Arc::clone(&counted);
            async move {
                let ms: u64 = event.body.decode().unwrap();
                seen.started.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(ms)).await;
                seen.finished.fetch_add(1, Ordering::Relaxed);
            }
        })
        .on_raw("failing_v1", |_| async move {
            Err::<(), _>("a failure's own text")
        })
        .on_raw("panicking_v1", |_| async move {
            assert!(std::hint::black_box(false), "a panic's own text");
        })
        .on_raw("profile.view.get", |_| async move {
            RawReply::json(&json!({"title": "hello"}))
        })
        .ignore(["other_v1"])
        .build()
        .unwrap();
    (dispatcher, seen)
}

/// An event whose handler takes so long.
pub(crate) fn takes(ms: u64) -> Document {
    Document::v2("takes_v1", &ms).unwrap()
}

pub(crate) fn event(event_type: &str) -> Document {
    Document::v2(event_type, &json!({})).unwrap()
}
