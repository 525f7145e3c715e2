//! The span of a delivery: what it says, and what it never says. In a program of its own, with one
//! test, because whether a span is wanted is cached for the whole process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lark_events::{Delivery, Dispatcher, EventHeader, RawJson, Reject};
use tower::ServiceExt as _;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

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

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Everything logged at `level` and above while `event_type` is dispatched, or dropped half-way.
async fn logged(level: LevelFilter, event_type: &str) -> String {
    logged_of(level, event_type, 1).await
}

/// Everything logged while so many events of a type are dispatched.
async fn logged_of(level: LevelFilter, event_type: &str, events: usize) -> String {
    let dispatcher = Dispatcher::builder()
        .ignore(["ignored_v1"])
        .on_raw("good_v1", |_| async move {})
        .on_raw("bad_v1", |_| async move {
            Err::<(), _>("the handler's own text")
        })
        .on_raw("rejected_v1", |_| async move {
            Err::<(), _>(Reject::new("the handler's own text"))
        })
        .on_raw("panic_v1", |_| async move {
            assert!(std::hint::black_box(false), "the panic's own text");
        })
        .on_raw("hanging_v1", |_| std::future::pending::<()>())
        .build()
        .unwrap();
    let mut header = EventHeader::new(event_type);
    header.event_id = Some("e-1".to_owned());
    header.app_id = Some("cli_1".to_owned());
    header.tenant_key = Some("t-1".to_owned());
    let raw = RawJson::parse(r#"{"field":"marked-payload"}"#).unwrap();

    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    for _ in 0..events {
        let delivery = Delivery::new(header.clone(), raw.clone());
        let dispatched = dispatcher.clone().oneshot(delivery);
        let _ = tokio::time::timeout(Duration::from_millis(1), dispatched).await;
    }
    drop(guard);
    let bytes = log.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[tokio::test(start_paused = true)]
async fn one_span_tells_what_came_and_what_became_of_it_and_never_what_was_in_it() {
    for (event_type, outcome, level) in [
        ("good_v1", "handled", "DEBUG"),
        ("bad_v1", "failed", "ERROR"),
        ("rejected_v1", "rejected", "ERROR"),
        ("panic_v1", "panicked", "ERROR"),
        ("hanging_v1", "cancelled", "WARN"),
        ("other_v1", "unhandled", "WARN"),
    ] {
        let log = logged(LevelFilter::TRACE, event_type).await;
        let closed = log.lines().last().unwrap();
        for field in [
            &format!(r#"event_type="{event_type}""#),
            r#"event_id="e-1""#,
            r#"app_id="cli_1""#,
            r#"tenant_key="t-1""#,
            r#"transport="local""#,
            &format!(r#"outcome="{outcome}""#),
            "elapsed_us=",
        ] {
            assert!(closed.contains(field), "no {field} in {closed}");
        }
        assert!(log.contains(level), "{level}: {log}");
        assert_eq!(log.matches("time.busy").count(), 1, "one span: {log}");
        assert!(!log.contains("marked-payload"), "{log}");
    }
    for failed in ["bad_v1", "rejected_v1"] {
        let log = logged(LevelFilter::TRACE, failed).await;
        assert_eq!(log.matches("the handler's own text").count(), 1, "{log}");
    }
    // A type without a handler is reported once, and then counted.
    let log = logged_of(LevelFilter::WARN, "other_v1", 5).await;
    assert_eq!(
        log.matches("no handler; further events").count(),
        1,
        "{log}"
    );
    let log = logged_of(LevelFilter::DEBUG, "other_v1", 5).await;
    assert_eq!(log.matches("WARN").count(), 1, "{log}");
    assert!(
        log.contains(r#"no handler answer="failed" count=5"#),
        "{log}"
    );
    // An ignored one never is.
    let log = logged_of(LevelFilter::DEBUG, "ignored_v1", 5).await;
    assert_eq!(log.matches("time.busy").count(), 5, "only the spans: {log}");
    assert_eq!(log.lines().count(), 5, "only the spans: {log}");
    // Whatever is logged of a delivery says of which.
    let log = logged(LevelFilter::ERROR, "bad_v1").await;
    assert!(log.contains(r#"event_id="e-1""#), "{log}");
}
