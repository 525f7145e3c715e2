//! What is logged of a duplicate, and of an event that a layer could not do its part for. In a program of its own, with
//! one test, because whether a log line is wanted is cached for the whole process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use lark_events::{BoxError, Delivery, Dispatcher, EventHeader, Outcome, RawJson};
use lark_events_layers::{AckFirstLayer, Claim, DedupLayer, DedupStore};
use tower::{ServiceBuilder, ServiceExt as _};
use tracing::Level;

/// Log output kept in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A store that grants all and remembers nothing.
struct Forgetful;

#[async_trait]
impl DedupStore for Forgetful {
    async fn claim(&self, _: &str, _: u64, _: Duration) -> Result<Claim, BoxError> {
        Ok(Claim::Granted)
    }

    async fn done(&self, _: &str, _: Outcome, _: Duration) -> Result<(), BoxError> {
        Err("the store's own text".into())
    }

    async fn release(&self, _: &str, _: u64) -> Result<(), BoxError> {
        Err("the store's own text".into())
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_lost_or_not_remembered_is_named_and_never_quoted() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let dispatcher = Dispatcher::builder()
        .on_raw("failing_v1", |_| async {
            Err::<(), _>("a failure's own text")
        })
        .on_raw("hanging_v1", |_| std::future::pending::<()>())
        .build()
        .unwrap();
    let panicking = tower::service_fn(|_: Delivery| async {
        assert!(std::hint::black_box(false), "a panic's own text");
        Ok::<_, BoxError>(Outcome::Handled)
    });
    let dedup = DedupLayer::builder()
        .store(Arc::new(Forgetful))
        .key_for("x_v1", |delivery| Some(delivery.raw.as_str().to_owned()))
        .build()
        .unwrap();
    let ack_first = AckFirstLayer::new();
    let layers = ServiceBuilder::new().layer(dedup).layer(ack_first.clone());
    let service = layers.service(dispatcher);
    let of = |event_type: &str| {
        let mut header = EventHeader::new(event_type);
        header.event_id = Some(format!("id-of-{event_type}"));
        Delivery::new(header, RawJson::parse(r#"{"a":"marked-body"}"#).unwrap())
    };
    for event_type in ["failing_v1", "hanging_v1", "x_v1"] {
        service.clone().oneshot(of(event_type)).await.unwrap();
    }
    let panicking = ServiceBuilder::new()
        .layer(ack_first.clone())
        .service(panicking);
    panicking.oneshot(of("panicking_v1")).await.unwrap();
    ack_first.drain(Duration::from_secs(1)).await.unwrap_err();
    let handled = tower::service_fn(|_| async { Ok::<_, BoxError>(Outcome::Handled) });
    let handled = ServiceBuilder::new()
        .layer(DedupLayer::new())
        .service(handled);
    for _ in 0..2 {
        handled.clone().oneshot(of("twice_v1")).await.unwrap();
    }

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for (event_type, expected) in [
        (
            "failing_v1",
            "ERROR lark_events_layers::ack_first: acknowledged, but the handler failed: the event is lost",
        ),
        ("failing_v1", "a failure's own text"),
        (
            "panicking_v1",
            "ERROR lark_events_layers::ack_first: acknowledged, but the handler panicked: the event is lost",
        ),
        (
            "hanging_v1",
            "WARN lark_events_layers::ack_first: acknowledged, but the handler was cancelled: the event is lost",
        ),
        (
            "x_v1",
            "WARN lark_events_layers::dedup::service: the store failed to record the event",
        ),
        ("x_v1", "the store's own text"),
        (
            "twice_v1",
            "DEBUG lark_events_layers::dedup::service: duplicate: acknowledged, not handled again",
        ),
    ] {
        let named = format!("event_type=\"{event_type}\" event_id=\"id-of-{event_type}\"");
        let found = |line: &str| line.contains(expected) && line.contains(&named);
        assert!(log.lines().any(found), "{event_type}: {expected}\n{log}");
    }
    let duplicates = log
        .matches("duplicate: acknowledged, not handled again")
        .count();
    assert_eq!(duplicates, 1, "the first is none: {log}");
    assert!(!log.contains("marked-body"), "{log}");
}
