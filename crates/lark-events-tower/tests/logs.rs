//! That a failure is logged once. In a program of its own, with one test, because whether a log line is wanted is
//! cached for the whole process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io;
use std::sync::{Arc, Mutex};

use http_body_util::Full;
use lark_events::{BoxError, Delivery, Dispatcher, Outcome, Webhook};
use lark_events_sim::{Document, Platform};
use lark_events_tower::EventService;
use tower::{Service, ServiceBuilder, ServiceExt as _};

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

/// What is logged above INFO of an event that `service` handles, a line each.
async fn alarms<S>(log: &Log, service: S, event_type: &str) -> Vec<String>
where
    S: Service<Delivery, Response = Outcome> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    let webhook = Webhook::builder().encrypt_key("key").build().unwrap();
    let document = Document::v2(event_type, &"marked-body").unwrap();
    let document = document.event_id(&format!("id-of-{event_type}"));
    let request = Platform::builder().encrypt_key("key").request(document);
    let service = EventService::new(webhook, service);
    let answer = service.oneshot(request.map(Full::new)).await.unwrap();
    assert!(!answer.status().is_success(), "{event_type}");
    let text = String::from_utf8(std::mem::take(&mut *log.0.lock().unwrap())).unwrap();
    let alarms = text.lines().filter(|line| !line.contains(" INFO "));
    alarms.map(str::to_owned).collect()
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_logged_once_whoever_it_is_of() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let dispatcher = Dispatcher::builder()
        .on_raw("failing_v1", |_| async {
            Err::<(), _>("a failure's own text")
        })
        .on_raw("panicking_v1", |_| async {
            assert!(std::hint::black_box(false), "a panic's own text");
        })
        .build()
        .unwrap();
    let failing = tower::service_fn(|_: Delivery| async {
        Err::<Outcome, BoxError>("a layer's own text".into())
    });
    let panicking = tower::service_fn(|_: Delivery| async {
        assert!(std::hint::black_box(false), "a panic's own text");
        Ok::<_, BoxError>(Outcome::Handled)
    });
    let full = ServiceBuilder::new()
        .load_shed()
        .concurrency_limit(0)
        .service(dispatcher.clone());
    for (alarms, said) in [
        (
            alarms(&log, dispatcher.clone(), "failing_v1").await,
            "a failure's own text",
        ),
        (
            alarms(&log, dispatcher, "panicking_v1").await,
            "the handler panicked",
        ),
        (alarms(&log, failing, "x_v1").await, "not acknowledged"),
        (alarms(&log, panicking, "x_v1").await, "not acknowledged"),
        (alarms(&log, full, "x_v1").await, "not acknowledged"),
    ] {
        assert_eq!(alarms.len(), 1, "{said}: {alarms:#?}");
        let line = alarms.concat();
        assert!(
            line.contains(said) && line.contains(r#"event_id="id-of-"#),
            "{line}"
        );
        assert!(!line.contains("marked-body"), "{line}");
    }
}
