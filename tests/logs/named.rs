//! Each line about an event says which, where somebody should look into it.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use lark_events::BoxError;
use lark_events_tower::EventService;
use tower::ServiceBuilder;
use tracing::{Instrument as _, Level, error_span};

use crate::app::dispatcher;
use crate::log::logged;
use crate::platform::{PATH, answer, event, posted, sample, webhook};

/// By which a log line names an event.
const NAME: &str = r#"event_id="e-1""#;

/// An error of a layer's own.
#[derive(Debug)]
struct Wrapped(BoxError);

impl fmt::Display for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("wrapped")
    }
}

impl Error for Wrapped {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

pub(crate) async fn whatever_is_logged_of_an_event_names_it() {
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
            "no handler",
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
            "cancelled before it finished",
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
        let line = log.iter().find(|line| line.text.contains(said));
        let line = line.unwrap_or_else(|| panic!("no {said:?} in {log:?}"));
        assert!(line.text.contains(NAME), "{line:?}");
    }
    // And once only, also where a layer wraps the error.
    let wrapping = ServiceBuilder::new().map_err(Wrapped);
    let wrapping = EventService::new(webhook(), wrapping.service(dispatcher()));
    let log = logged(Level::WARN, async {
        answer(&wrapping, sample()).await;
    })
    .await;
    assert_eq!(log.len(), 1, "{log:?}");
    // A handler logs within the span of the request that brought its event.
    let log = logged(Level::WARN, async {
        let request = answer(&plain, sample());
        request
            .instrument(error_span!("of the server", path = PATH))
            .await;
    })
    .await;
    let within = r#"of the server{path="/webhook/event"}:delivery{"#;
    assert!(log[0].text.contains(within), "{log:?}");
}
