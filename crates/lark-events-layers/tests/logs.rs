//! What is logged of a duplicate, and of an event that a store did not record. In a program of its own, with
//! one test, because whether a log line is wanted is cached for the whole process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../lark-events-inbox/tests/it/logs.rs"]
#[expect(dead_code, reason = "the tests of lark-events-inbox use the rest")]
mod logs;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lark_events::{BoxError, Delivery, EventHeader, Outcome, RawJson};
use lark_events_layers::{Claim, DedupLayer, DedupStore};
use tower::{ServiceBuilder, ServiceExt as _};
use tracing::Level;

use self::logs::logged_at;

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
async fn an_event_that_is_not_recorded_or_comes_twice_is_named_and_never_quoted() {
    let (log, _guard) = logged_at(Level::TRACE);

    let handled = tower::service_fn(|_| async { Ok::<_, BoxError>(Outcome::Handled) });
    let dedup = DedupLayer::builder()
        .store(Arc::new(Forgetful))
        .key_for("x_v1", |delivery| Some(delivery.raw.as_str().to_owned()))
        .build()
        .unwrap();
    let forgetful = ServiceBuilder::new().layer(dedup).service(handled);
    let of = |event_type: &str| {
        let mut header = EventHeader::new(event_type);
        header.event_id = Some(format!("id-of-{event_type}"));
        Delivery::new(header, RawJson::parse(r#"{"a":"marked-body"}"#).unwrap())
    };
    forgetful.oneshot(of("x_v1")).await.unwrap();
    let handled = ServiceBuilder::new()
        .layer(DedupLayer::new())
        .service(handled);
    for _ in 0..2 {
        handled.clone().oneshot(of("twice_v1")).await.unwrap();
    }

    let log = log.text();
    for (event_type, expected) in [
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
