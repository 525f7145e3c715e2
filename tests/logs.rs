//! What is logged, and what never is. In a program of its own, with one test, because whether a log
//! line is wanted is cached for the whole process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "it/platform.rs"]
mod platform;

use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{fmt, io};

use lark_events::callback::{CardActionReply, CardActionTrigger};
use lark_events::{BoxError, DispatchError, Dispatcher, Event, EventType as _};
use lark_events_sim::Document;
use lark_events_tower::EventService;
use serde_json::json;
use tower::ServiceBuilder;
use tracing::{Instrument as _, Level, error_span, info};
use vc_events::ReserveConfigUpdatedV1;

use self::platform::{
    PATH, TOKEN, answer, event, platform, posted, sample, signed, unsigned, url_check, webhook,
};

/// By which a log line names an event.
const NAME: &str = r#"event_id="e-1""#;

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

/// Everything logged at `level` and above while `work` runs.
async fn logged(level: Level, work: impl Future<Output = ()>) -> String {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    work.await;
    drop(guard);
    let bytes = log.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

/// An error of a layer's own.
#[derive(Debug)]
struct Wrapped(DispatchError);

impl fmt::Display for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("wrapped")
    }
}

impl Error for Wrapped {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

fn dispatcher() -> Dispatcher {
    let failing = |event: Event<ReserveConfigUpdatedV1>| async move {
        // A handler's own text is logged; this one says nothing.
        Err::<(), BoxError>(format!("{} bytes", event.raw().as_bytes().len()).into())
    };
    Dispatcher::builder()
        .on(failing)
        .on::<CardActionTrigger>(|_| async move { CardActionReply::new() })
        .on_raw("hanging_v1", |_| std::future::pending::<()>())
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn logs_tell_of_which_event_and_never_what_was_in_it() {
    no_payload_and_no_secret_is_in_a_log_line_or_an_error_text().await;
    whatever_is_logged_of_an_event_names_it().await;
}

async fn no_payload_and_no_secret_is_in_a_log_line_or_an_error_text() {
    let service = EventService::new(webhook(), dispatcher());
    let body = json!({"scope_id": "marked-payload"});
    let marked = |event_type| Document::v2(event_type, &body).unwrap().event_id("e-1");
    let undecodable = Document::v2("card.action.trigger", &["marked-payload"]).unwrap();
    let forger = platform().encrypt_key("marked-other-key");
    let forger = forger.start().await.unwrap();
    let requests = [
        posted(marked(ReserveConfigUpdatedV1::EVENT_TYPE)),
        posted(undecodable),
        posted(marked("hanging_v1")),
        posted(marked("hanging_v1").header("token", "marked-forged-token")),
        posted(json!({"marked-payload": TOKEN})),
        unsigned(posted(url_check()).into_body()),
        unsigned("marked-payload"),
        signed("marked-payload"),
        forger.request(marked("hanging_v1")),
    ];
    let log = logged(Level::TRACE, async {
        for request in requests {
            answer(&service, request).await;
        }
        info!("a control line: marked-control");
    })
    .await;
    assert!(log.contains("marked-control"), "{log}");
    assert!(log.contains(NAME), "{log}");
    let leaks = |line: &&str| line.replace("marked-control", "").contains("marked-");
    let leaked: Vec<_> = log.lines().filter(leaks).collect();
    assert!(leaked.is_empty(), "{leaked:#?}");
}

async fn whatever_is_logged_of_an_event_names_it() {
    let plain = EventService::new(webhook(), dispatcher());
    let timed = ServiceBuilder::new().timeout(Duration::from_millis(100));
    let timed = EventService::new(webhook(), timed.service(dispatcher()));
    let draining = EventService::new(webhook(), dispatcher());
    draining.drain(Duration::ZERO).await.unwrap();

    let sample = || posted(sample().event_id("e-1"));
    let other = |event_type| posted(event(event_type).event_id("e-1"));
    // At a level that lets through what somebody should look into.
    for (said, log) in [
        (
            "not handled",
            logged(Level::WARN, async {
                answer(&plain, sample()).await;
            })
            .await,
        ),
        (
            "acknowledged without a handler",
            logged(Level::WARN, async {
                answer(&plain, other("unknown_v1")).await;
            })
            .await,
        ),
        (
            "no outcome by the ack deadline",
            logged(Level::WARN, async {
                answer(&plain, other("hanging_v1")).await;
            })
            .await,
        ),
        (
            "cancelled before its end",
            logged(Level::WARN, async {
                answer(&timed, other("hanging_v1")).await;
            })
            .await,
        ),
        (
            "the service failed",
            logged(Level::WARN, async {
                answer(&timed, other("hanging_v1")).await;
            })
            .await,
        ),
        (
            "draining",
            logged(Level::WARN, async {
                answer(&draining, other("hanging_v1")).await;
            })
            .await,
        ),
    ] {
        let line = log.lines().find(|line| line.contains(said));
        let line = line.unwrap_or_else(|| panic!("no {said:?} in {log:?}"));
        assert!(line.contains(NAME), "{line}");
    }
    // And once only, also where a layer wraps the error.
    let wrapping = ServiceBuilder::new().map_err(|error: DispatchError| Wrapped(error));
    let wrapping = EventService::new(webhook(), wrapping.service(dispatcher()));
    let log = logged(Level::WARN, async {
        answer(&wrapping, sample()).await;
    })
    .await;
    assert_eq!(log.lines().count(), 1, "{log}");
    // A handler logs within the span of the request that brought its event.
    let log = logged(Level::WARN, async {
        let request = answer(&plain, sample());
        request
            .instrument(error_span!("of the server", path = PATH))
            .await;
    })
    .await;
    assert!(
        log.contains(r#"of the server{path="/webhook/event"}:delivery{"#),
        "{log}"
    );
}
