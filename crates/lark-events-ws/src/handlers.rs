//! Running handlers: each event in a task of its own, all of them owned here.

use std::collections::HashMap;
use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::FutureExt as _;
use lark_events::{BoxError, Delivery, DispatchError, LateHandler, Outcome, Transport};
use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceExt as _};
use tracing::{Instrument as _, warn};

use crate::session::Done;
use crate::stats::Counters;

/// The handlers that run. They are cancelled when this is dropped.
pub(crate) struct Handlers<S> {
    service: S,
    app_id: Arc<str>,
    tasks: JoinSet<Done>,
    keys: HashMap<Id, u64>,
    draining: CancellationToken,
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
    /// Handlers of the events of one app.
    pub(crate) fn new(service: S, app_id: Arc<str>) -> Self {
        Self {
            service,
            app_id,
            tasks: JoinSet::new(),
            keys: HashMap::new(),
            draining: CancellationToken::new(),
        }
    }

    /// Starts the handler of an event.
    pub(crate) fn start(&mut self, key: u64, payload: Bytes, deadline: Instant, late: LateHandler) {
        let running = run(
            self.service.clone(),
            Arc::clone(&self.app_id),
            payload,
            deadline,
            self.draining.clone(),
        );
        let task = async move {
            match late {
                LateHandler::Cancel => {
                    let ended = timeout_at(deadline, running).await;
                    ended.unwrap_or(Done::Cancelled)
                }
                _ => running.await,
            }
        };
        let handle = self.tasks.spawn(task.in_current_span());
        self.keys.insert(handle.id(), key);
    }

    /// What waits for the service to be ready is not started any more.
    pub(crate) fn drain(&self) {
        self.draining.cancel();
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

/// Runs one handler, and logs why its event was not acknowledged, unless the dispatcher has.
async fn run<S: Handle>(
    mut service: S,
    app_id: Arc<str>,
    payload: Bytes,
    deadline: Instant,
    draining: CancellationToken,
) -> Done {
    let now = SystemTime::now();
    let delivery = Delivery::parse_unauthenticated(payload, Transport::LongConnection, now);
    let mut delivery = match delivery {
        Ok(delivery) => delivery,
        Err(error) => {
            warn!(%error, "not acknowledged: no event");
            return Done::Failed;
        }
    };
    let header = &mut delivery.header;
    if header.app_id.is_empty() {
        header.app_id = app_id.as_ref().to_owned();
    }
    let (event_type, event_id) = (header.event_type.clone(), header.event_id.clone());
    if *header.app_id != *app_id {
        warn!(event_type, event_id, "not acknowledged: for another app");
        return Done::Failed;
    }
    // What has not been started by the deadline, or when a drain begins, is not started: better
    // delivered again than handled and delivered again.
    let handling = async {
        let ready = async { service.ready().await.map(drop).map_err(Into::into) };
        let ready = draining.run_until_cancelled(timeout_at(deadline, ready));
        match ready.await {
            Some(Ok(ready)) => ready?,
            Some(Err(_)) | None => return Ok(Done::NotStarted),
        }
        if Instant::now() >= deadline {
            return Ok(Done::NotStarted);
        }
        let outcome = service.call(delivery).await.map_err(Into::into)?;
        Ok(Done::Outcome(outcome))
    };
    let error: BoxError = match AssertUnwindSafe(handling).catch_unwind().await {
        Ok(Ok(done)) => return done,
        Ok(Err(error)) => error,
        // A panic of the handler itself is an error of the dispatcher's.
        Err(_) => "a layer around the handler panicked".into(),
    };
    let error = &*error as &(dyn Error + 'static);
    if !is_logged(error) {
        warn!(event_type, event_id, error, "not acknowledged");
    }
    Done::Failed
}

/// Whether the dispatcher has logged the error or one of its causes.
fn is_logged(error: &(dyn Error + 'static)) -> bool {
    let mut chain = std::iter::successors(Some(error), |&error| error.source());
    chain.any(<dyn Error>::is::<DispatchError>)
}
