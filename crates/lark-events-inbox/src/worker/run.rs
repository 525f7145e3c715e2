//! A running worker: its loops, and its shutdown.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use lark_events::{BoxError, Delivery, Outcome};
use lark_events_layers::run::{CANCEL_GRACE, Ended, Tasks, after};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, interval_at, sleep, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tower_service::Service;
use tracing::{debug, info, warn};

use super::ending::Attempted;
use super::leases::Leases;
use crate::builder::InboxBuilder;
use crate::error::InboxError;
use crate::health::Health;
use crate::measured;
use crate::store::{
    HEARTBEAT, Settlement, Store, StoreError, StoreErrorKind, WorkerId, WorkerState,
};

/// The maximum number of settlements in one call.
const MAX_SETTLED: usize = 256;
/// How long a heartbeat may take.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(2);
/// How often a worker removes some of the old events after a heartbeat.
const MAX_PRUNES: usize = 20;
/// How long the settlements of the last handlers may take after a shutdown.
const SETTLE_GRACE: Duration = Duration::from_secs(2);
/// The delay before a failed settlement is tried again.
const SETTLE_PAUSE: Duration = Duration::from_secs(1);

/// A running worker.
pub(super) struct Run {
    pub(super) settings: Arc<InboxBuilder>,
    pub(super) tasks: Tasks,
    pub(super) workers: Arc<Semaphore>,
    pub(super) leases: Leases,
    /// Cancelled when a shutdown begins.
    pub(super) stop: CancellationToken,
    /// When the shutdown began.
    stopped_at: OnceLock<Instant>,
    /// Whether the events that are left when the shutdown begins would be lost.
    empties: AtomicBool,
    pub(super) claiming: Health,
    settling: Health,
    extending: Health,
    id: WorkerId,
}

/// An attempt that is over and not settled. The worker is free again once it is.
pub(super) struct Finished {
    pub(super) attempted: Attempted,
    /// `None` if the event had its attempts already.
    pub(super) ended: Option<Ended>,
    pub(super) took: Duration,
    pub(super) _worker: OwnedSemaphorePermit,
}

/// Cancels the handlers of a worker that is dropped, and takes back its heartbeat.
struct Presence(Arc<Run>);

impl Drop for Presence {
    fn drop(&mut self) {
        self.0.tasks.cancel_all();
        self.0.store().dropped(self.0.id);
    }
}

impl Run {
    pub(super) async fn run<S>(
        settings: Arc<InboxBuilder>,
        service: S,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), InboxError>
    where
        S: Service<Delivery, Response = Outcome, Error: Into<BoxError> + 'static, Future: Send>
            + Clone
            + Send
            + 'static,
    {
        let workers = settings.workers.min(Semaphore::MAX_PERMITS);
        let run = Arc::new(Self {
            settings,
            tasks: Tasks::default(),
            workers: Arc::new(Semaphore::new(workers)),
            leases: Leases::default(),
            stop: CancellationToken::new(),
            stopped_at: OnceLock::new(),
            empties: AtomicBool::new(false),
            claiming: Health::new("no events are claimed"),
            settling: Health::new("handled events may be handled again"),
            extending: Health::new("events that are being handled may be handled again"),
            id: WorkerId::draw(),
        });
        let presence = Presence(Arc::clone(&run));
        run.beat(WorkerState::Running).await;
        info!(workers, "a worker of the inbox runs");
        let (finished, unsettled) = unbounded_channel();
        let stopping = async {
            shutdown.await;
            run.stopped_at.get_or_init(Instant::now);
            run.beat(WorkerState::Stopping).await;
            run.empties.store(run.left().await > 0, Ordering::Relaxed);
            run.stop.cancel();
        };
        let work = async {
            tokio::join!(stopping, async {
                let mut claims = std::pin::pin!(run.claim_all(service, finished));
                tokio::select! {
                    () = &mut claims => {}
                    () = run.stop.cancelled() => {
                        // A store that dies with the process is emptied, if there is time.
                        let _ = timeout_at(run.over(), claims).await;
                    }
                }
            });
            let left = run.over().saturating_duration_since(Instant::now());
            run.tasks.drain(left).await
        };
        let all = async { tokio::join!(work, run.settle_all(unsettled)).0 };
        let cancelled = tokio::select! {
            drained = all => drained.err().map_or(0, |error| error.cancelled()),
            () = run.over_by_far() => run.leases.held().len() as u64,
            never = run.extend_all() => match never {},
            never = run.beat_on() => match never {},
        };
        let left = run.left().await;
        run.beat(WorkerState::Stopped).await;
        if cfg!(feature = "metrics") {
            // The process may live on, with the last values.
            run.measure().await;
        }
        drop(presence);
        match (cancelled, left) {
            (0, 0) => Ok(()),
            _ => Err(InboxError::timed_out(cancelled, left)),
        }
    }

    pub(super) fn store(&self) -> &dyn Store {
        &*self.settings.store
    }

    pub(super) fn empties_the_store(&self) -> bool {
        self.empties.load(Ordering::Relaxed)
    }

    /// When the time of the shutdown is over; far away while none has begun.
    fn over(&self) -> Instant {
        let within = self.stopped_at.get().map(|_| self.settings.drain_timeout);
        let begin = self.stopped_at.get().copied().unwrap_or_else(Instant::now);
        after(begin, within.unwrap_or(Duration::MAX))
    }

    /// Ends when a shutdown has taken so long that even settlements are given up.
    async fn over_by_far(&self) {
        self.stop.cancelled().await;
        sleep_until(after(
            self.over(),
            CANCEL_GRACE.saturating_add(SETTLE_GRACE),
        ))
        .await;
    }

    /// Settles attempts until the last sender is gone.
    async fn settle_all(&self, mut unsettled: UnboundedReceiver<Finished>) {
        let mut finished = Vec::new();
        while unsettled.recv_many(&mut finished, MAX_SETTLED).await > 0 {
            let (mut settlements, mut places) = (Vec::new(), Vec::new());
            for one in finished.drain(..) {
                let Finished {
                    attempted,
                    ended,
                    took,
                    _worker,
                } = one;
                settlements.push(match ended {
                    Some(ended) => attempted.settle(&self.settings, ended, took),
                    None => attempted.lost(),
                });
                places.push((attempted, _worker));
            }
            self.settle(&settlements).await;
            for (attempted, _) in &places {
                self.leases.release(attempted.fence);
            }
        }
    }

    async fn settle(&self, settlements: &[Settlement]) {
        loop {
            let now = Instant::now();
            let fences = self.store().capabilities().fences;
            let held = settlements.iter();
            let held = held.filter(|one| fences || !self.leases.is_over(one.fence, now));
            let held: Vec<_> = held.cloned().collect();
            let expired = settlements.len().saturating_sub(held.len());
            let outcomes: Vec<_> = held.iter().map(|one| one.outcome).collect();
            let settled = self.store().settle(held).await;
            self.settling.report(&settled);
            let Ok(settled) = settled else {
                sleep(SETTLE_PAUSE).await;
                continue;
            };
            for (outcome, _) in outcomes
                .into_iter()
                .zip(&settled)
                .filter(|(_, held)| **held)
            {
                measured::attempted(outcome);
            }
            let lost = settled.iter().filter(|held| !**held).count();
            let lost = lost.saturating_add(expired);
            if lost > 0 {
                measured::lost(lost);
                warn!(
                    lost,
                    "claims were lost: another worker handles the events again"
                );
            }
            return;
        }
    }

    /// Extends the leases of the events that are being handled.
    async fn extend_all(&self) -> Infallible {
        let lease = self.settings.lease;
        let third = lease.checked_div(3).unwrap_or(lease);
        loop {
            sleep(third).await;
            let (began, fences) = (Instant::now(), self.leases.held());
            if fences.is_empty() {
                continue;
            }
            let extended = timeout(third, self.store().extend(&fences, lease)).await;
            let extended = extended.map_err(|_| StoreError::new(StoreErrorKind::TimedOut));
            let extended = extended.and_then(|extended| extended);
            self.extending.report(&extended);
            // The next extension comes before the lease ends.
            if let Ok(extended) = extended {
                let extended = fences.into_iter().zip(extended);
                for (fence, _) in extended.filter(|(_, held)| *held) {
                    self.leases.extend(fence, began, lease);
                }
            }
        }
    }

    /// Repeats the heartbeat, and measures the store.
    async fn beat_on(&self) -> Infallible {
        let mut beats = interval_at(after(Instant::now(), HEARTBEAT), HEARTBEAT);
        loop {
            beats.tick().await;
            let state = if self.stop.is_cancelled() {
                WorkerState::Stopping
            } else {
                WorkerState::Running
            };
            self.beat(state).await;
            self.prune().await;
            self.measure().await;
        }
    }

    async fn measure(&self) {
        let status = timeout(HEARTBEAT_TIMEOUT, self.store().status()).await;
        if let Ok(Ok(status)) = status {
            measured::status(&status);
        }
    }

    /// Removes old events, some at a time, so that no call takes long.
    async fn prune(&self) {
        for _ in 0..MAX_PRUNES {
            match timeout(HEARTBEAT_TIMEOUT, self.store().prune_some()).await {
                Ok(Ok(0)) => return,
                Ok(Ok(pruned)) => measured::pruned(pruned),
                // The next heartbeat tries again.
                Ok(Err(error)) => {
                    let error = &error as &dyn std::error::Error;
                    debug!(error, "the store did not remove old events");
                    return;
                }
                Err(_) => {
                    debug!("removing old events takes longer than expected");
                    return;
                }
            }
        }
    }

    /// A heartbeat that fails is repeated; that the store fails shows in the claims.
    async fn beat(&self, state: WorkerState) {
        let beat = timeout(HEARTBEAT_TIMEOUT, self.store().heartbeat(self.id, state)).await;
        let beat = beat.map_err(|_| StoreError::new(StoreErrorKind::TimedOut));
        if let Err(error) = beat.and_then(|beat| beat) {
            let error = &error as &dyn std::error::Error;
            debug!(error, "the store did not record the heartbeat");
        }
    }

    /// The number of events that are lost with the process if this worker, which is shutting down, does
    /// not handle them.
    pub(super) async fn left(&self) -> u64 {
        if self.store().capabilities().durable {
            return 0;
        }
        let Ok(status) = self.store().status().await else {
            return 0;
        };
        if status.workers > 0 {
            return 0;
        }
        let undone = status.ready.saturating_add(status.waiting);
        undone.saturating_add(status.leased)
    }
}
