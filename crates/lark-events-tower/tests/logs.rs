//! That a failure is logged once. In a program of its own, with one test, because whether a log line is wanted is
//! cached for the whole process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use http::StatusCode;
use http_body_util::Full;
use lark_events::{BoxError, Delivery, Dispatcher, Outcome, Webhook};
use lark_events_sim::{Document, Platform};
use lark_events_tower::{DEFAULT_ACK_DEADLINE, EventService};
use tokio::time::{advance, sleep};
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
    let (answer, alarms) = posted(log, &events(service), event_type).await;
    assert!(!answer.is_success(), "{event_type}");
    alarms
}

fn events<S>(service: S) -> EventService<S> {
    let webhook = Webhook::builder().encrypt_key("key").build().unwrap();
    EventService::new(webhook, service)
}

/// The answer to an event, and what is logged of it.
async fn posted<S>(
    log: &Log,
    service: &EventService<S>,
    event_type: &str,
) -> (StatusCode, Vec<String>)
where
    S: Service<Delivery, Response = Outcome> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    let document = Document::v2(event_type, &"marked-body").unwrap();
    let document = document.event_id(&format!("id-of-{event_type}"));
    let request = Platform::builder().encrypt_key("key").request(document);
    let answer = service.clone().oneshot(request.map(Full::new));
    let answer = answer.await.unwrap();
    let text = String::from_utf8(std::mem::take(&mut *log.0.lock().unwrap())).unwrap();
    let alarms = text.lines().filter(|line| !line.contains(" INFO "));
    (answer.status(), alarms.map(str::to_owned).collect())
}

/// A service that misses the ack deadline twice: first within one poll, in the task of the request, as
/// its type is known as prompt by then, and next in a task.
fn late() -> impl Service<
    Delivery,
    Response = Outcome,
    Error = BoxError,
    Future = impl Future<Output = Result<Outcome, BoxError>> + Send + 'static,
> + Clone
+ Send
+ 'static {
    let calls = Arc::new(AtomicUsize::new(0));
    tower::service_fn(move |_: Delivery| {
        let call = calls.fetch_add(1, Ordering::Relaxed);
        async move {
            match call {
                0 | 1 => {}
                2 => {
                    let mut moved = pin!(advance(DEFAULT_ACK_DEADLINE));
                    poll_fn(|context| Poll::Ready(moved.as_mut().poll(context).is_ready())).await;
                }
                _ => sleep(2 * DEFAULT_ACK_DEADLINE).await,
            }
            Ok(Outcome::Handled)
        }
    })
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

    let late = events(late());
    for _ in 0..2 {
        assert_eq!(posted(&log, &late, "x_v1").await, (StatusCode::OK, vec![]));
    }
    let (inline_status, inline) = posted(&log, &late, "x_v1").await;
    let (status, in_a_task) = posted(&log, &late, "x_v1").await;
    assert_eq!(
        (inline_status, status),
        (StatusCode::GATEWAY_TIMEOUT, inline_status)
    );
    let untimed = |alarms: Vec<String>| -> Vec<String> {
        let lines = alarms.iter().filter_map(|line| line.split_once(" WARN "));
        lines.map(|(_, line)| line.to_owned()).collect()
    };
    let inline = untimed(inline);
    assert_eq!(inline, untimed(in_a_task));
    let [line] = &*inline else {
        panic!("one line for a missed deadline: {inline:#?}");
    };
    assert!(
        line.contains("not acknowledged") && line.contains("no outcome by the ack deadline"),
        "{line}"
    );
    assert!(
        line.contains(r#"event_type="x_v1" event_id="id-of-x_v1""#),
        "{line}"
    );
}
