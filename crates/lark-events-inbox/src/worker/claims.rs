//! Claiming events, as many as there are free workers and ready services, and starting their handlers.

use std::error::Error;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use lark_events::{BoxError, Delivery, LateHandler, Outcome};
use lark_events_layers::run::{Ended, NotStarted, Terms, after, poll_ready};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep, timeout};
use tower_service::Service;
use tracing::field::Empty;
use tracing::{Instrument as _, error, error_span};

use super::ending::Attempted;
use super::run::{Finished, Run};
use crate::attempt::Attempt;
use crate::measured;
use crate::store::{Claimed, StoreError, StoreErrorKind};

/// The maximum number of events in one claim.
const MAX_CLAIM: usize = 64;
/// How long a claim may take. The events of a claim that takes longer become visible at the latest when their
/// lease ends.
const CLAIM_TIMEOUT: Duration = Duration::from_secs(10);
/// The time between two polls of a store that wakes nobody, before jitter.
const POLL: Duration = Duration::from_secs(1);
/// The bounds of the delay after a failure of the store or of the service's readiness.
const MIN_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// A free worker with a service that is ready.
struct Place<S> {
    service: S,
    worker: OwnedSemaphorePermit,
}

impl Run {
    /// Claims events and starts their handlers until a shutdown begins; if the store dies with the
    /// process, until the store is empty.
    pub(super) async fn claim_all<S>(
        self: &Arc<Self>,
        service: S,
        finished: UnboundedSender<Finished>,
    ) where
        S: Service<Delivery, Response = Outcome, Error: Into<BoxError> + 'static, Future: Send>
            + Clone
            + Send
            + 'static,
    {
        let mut wanted = 1;
        let mut pause = MIN_PAUSE;
        while let Some(mut places) = self.places(&service, wanted).await {
            let claimed = self.claim(places.len()).await;
            self.claiming.report(&claimed);
            let Ok(claimed) = claimed else {
                drop(places);
                self.unless_stopped(sleep(pause.mul_f64(1.0 - fastrand::f64() / 2.0)))
                    .await;
                pause = pause.saturating_mul(2).min(MAX_PAUSE);
                if self.stop.is_cancelled() {
                    return;
                }
                continue;
            };
            pause = MIN_PAUSE;
            // A service that is ready may hold the permit of a limit, which callbacks need.
            places.truncate(claimed.len());
            wanted = if claimed.len() == wanted {
                wanted.saturating_mul(2).min(MAX_CLAIM)
            } else {
                claimed.len().max(1)
            };
            if claimed.is_empty() {
                if self.stop.is_cancelled() && self.leases.is_empty() && self.left().await == 0 {
                    return;
                }
                let poll = POLL.mul_f64(0.8 + 0.4 * fastrand::f64());
                // A timeout is a poll.
                let woken = timeout(poll, self.store().woken());
                if self.stop.is_cancelled() {
                    let _ = woken.await;
                } else {
                    self.unless_stopped(woken).await;
                }
            }
            for (claimed, place) in claimed.into_iter().zip(places) {
                self.start(place, claimed, finished.clone()).await;
            }
        }
    }

    /// Waits for `waiting`, but not beyond the begin of a shutdown.
    async fn unless_stopped(&self, waiting: impl Future) {
        let _ = self.stop.run_until_cancelled(waiting).await;
    }

    async fn claim(&self, max: usize) -> Result<Vec<Claimed>, StoreError> {
        let (began, lease) = (Instant::now(), self.settings.lease);
        let claimed = timeout(CLAIM_TIMEOUT, self.store().claim(max, lease)).await;
        let claimed = claimed.map_err(|_| StoreError::new(StoreErrorKind::TimedOut))??;
        for claimed in &claimed {
            self.leases.hold(claimed.fence, began, lease);
        }
        Ok(claimed)
    }

    /// Waits for a free worker and a ready service, and adds up to `wanted` more that are free and
    /// ready already. `None` when no more events are to be claimed.
    async fn places<S>(&self, service: &S, wanted: usize) -> Option<Vec<Place<S>>>
    where
        S: Service<Delivery, Error: Into<BoxError>> + Clone,
    {
        let first = self.first_place(service);
        let first = match self.stop.run_until_cancelled(first).await {
            Some(first) => first,
            None if self.empties_the_store() => self.first_place(service).await,
            None => return None,
        };
        let mut places = vec![first];
        while places.len() < wanted
            && let Ok(worker) = Arc::clone(&self.workers).try_acquire_owned()
        {
            let mut service = service.clone();
            let ready = poll_fn(|context| Poll::Ready(poll_ready(&mut service, context)));
            let Poll::Ready(Ok(())) = ready.await else {
                break;
            };
            places.push(Place { service, worker });
        }
        Some(places)
    }

    async fn first_place<S>(&self, service: &S) -> Place<S>
    where
        S: Service<Delivery, Error: Into<BoxError>> + Clone,
    {
        let mut pause = MIN_PAUSE;
        loop {
            let worker = Arc::clone(&self.workers).acquire_owned().await;
            let mut service = service.clone();
            let ready = poll_fn(|context| poll_ready(&mut service, context)).await;
            match (worker, ready) {
                (Ok(worker), Ok(())) => return Place { service, worker },
                (_, Err(error)) => {
                    let error = &*error as &(dyn Error + 'static);
                    error!(error, "the service is not ready: no events are claimed");
                }
                // Nothing closes the semaphore.
                (Err(_), Ok(())) => {}
            }
            sleep(pause).await;
            pause = pause.saturating_mul(2).min(MAX_PAUSE);
        }
    }

    /// Starts the handler of a claimed event.
    async fn start<S>(
        self: &Arc<Self>,
        place: Place<S>,
        claimed: Claimed,
        finished: UnboundedSender<Finished>,
    ) where
        S: Service<Delivery, Response = Outcome, Error: Into<BoxError> + 'static, Future: Send>
            + Send
            + 'static,
    {
        let attempted = Attempted::of(&claimed);
        let began = Instant::now();
        let Place { service, worker } = place;
        let finish = move |ended| {
            let finished_one = Finished {
                attempted,
                ended,
                took: began.elapsed(),
                _worker: worker,
            };
            // Nobody settles any more when the worker was dropped.
            let _ = finished.send(finished_one);
        };
        let Claimed {
            fence,
            attempt,
            entry,
            extensions,
            ..
        } = claimed;
        if attempt > self.settings.attempts {
            finish(None);
            return;
        }
        let mut delivery = entry.delivery;
        if attempt == 1 {
            measured::started(delivery.received_at);
        }
        delivery.extensions.extend(extensions);
        delivery.extensions.insert(Attempt {
            number: attempt,
            max: self.settings.attempts,
            seq: fence.seq(),
            lane: entry.lane.as_deref().map(Arc::from),
        });
        let span = error_span!(
            "attempt",
            seq = fence.seq(),
            attempt,
            lane = entry.lane,
            trace = Empty
        );
        if let Some(trace) = entry.trace.as_deref() {
            span.record("trace", trace);
            self.settings.link(&span, trace);
        }
        let terms = Terms {
            deadline: after(began, Duration::MAX),
            late: LateHandler::Finish,
        };
        let called = self.tasks.call(service, delivery, terms);
        match called.instrument(span.clone()).await {
            Ok(called) => {
                let _entered = span.enter();
                let slot = self.tasks.counted();
                self.tasks
                    .run(called, (slot, ()), move |ended| finish(Some(ended)));
            }
            Err(NotStarted::Failed(error)) => finish(Some(Ended::Finished(Err(error)))),
            Err(_) => finish(Some(Ended::Drained)),
        }
    }
}
