//! Running handlers: each event in a task of its own, all of them owned here.

use std::collections::HashMap;
use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::FutureExt as _;
use lark_events::{BoxError, Delivery, Outcome, Transport};
use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, timeout_at};
use tower::{Service, ServiceExt as _};
use tracing::{Instrument as _, warn};

use crate::session::Done;
use crate::stats::Counters;

/// The handlers that run. They are cancelled when this is dropped.
pub(crate) struct Handlers<S> {
    service: S,
    tasks: JoinSet<Done>,
    keys: HashMap<Id, u64>,
}

/// A service that handles deliveries in tasks of their own.
pub(crate) trait Handle:
    Service<Delivery, Response = Outcome, Error: Into<BoxError>, Future: Send> + Clone + Send + 'static
{
}

impl<S> Handle for S where
    S: Service<Delivery, Response = Outcome, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + 'static
{
}

impl<S: Handle> Handlers<S> {
    pub(crate) fn new(service: S) -> Self {
        Self {
            service,
            tasks: JoinSet::new(),
            keys: HashMap::new(),
        }
    }

    /// Starts the handler of an event, to be cancelled at a moment if there is one.
    pub(crate) fn start(&mut self, key: u64, payload: Bytes, cancel_at: Option<Instant>) {
        let running = run(self.service.clone(), payload);
        let task = async move {
            match cancel_at {
                None => running.await,
                Some(moment) => timeout_at(moment, running).await.unwrap_or(Done::Cancelled),
            }
        };
        let handle = self.tasks.spawn(task.in_current_span());
        self.keys.insert(handle.id(), key);
    }

    pub(crate) fn cancel_all(&mut self) {
        self.tasks.abort_all();
    }

    /// How many have not been waited for.
    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// The next to end; never when none runs.
    pub(crate) async fn next(&mut self, counters: &Counters) -> (u64, Done) {
        let Some(ended) = self.tasks.join_next_with_id().await else {
            return std::future::pending().await;
        };
        counters.running.fetch_sub(1, Ordering::Relaxed);
        let (id, done) = match ended {
            Ok(ended) => ended,
            // Panics are caught in the task.
            Err(cancelled) => (cancelled.id(), Done::Cancelled),
        };
        if matches!(done, Done::Cancelled) {
            counters.cancelled.add(1);
        }
        let key = self.keys.remove(&id).expect("each task has its key");
        (key, done)
    }
}

/// Runs one handler, and says in the log why its event was not acknowledged.
async fn run<S: Handle>(service: S, payload: Bytes) -> Done {
    let now = SystemTime::now();
    let delivery = Delivery::parse_unauthenticated(payload, Transport::LongConnection, now);
    let delivery = match delivery {
        Ok(delivery) => delivery,
        Err(error) => {
            warn!(%error, "not acknowledged: no event");
            return Done::Failed;
        }
    };
    let header = &delivery.header;
    let (event_type, event_id) = (header.event_type.clone(), header.event_id.clone());
    let result = AssertUnwindSafe(service.oneshot(delivery))
        .catch_unwind()
        .await;
    let error: BoxError = match result {
        Ok(Ok(outcome)) => return Done::Outcome(outcome),
        Ok(Err(error)) => error.into(),
        Err(_) => "the handler panicked".into(),
    };
    let error = &*error as &(dyn Error + 'static);
    warn!(event_type, event_id, error, "not acknowledged");
    Done::Failed
}
