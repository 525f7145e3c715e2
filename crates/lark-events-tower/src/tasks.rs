//! The handlers that run, as tasks of their own: bounded in number, counted, and drained at the end.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

/// What becomes of a handler that is still running when its ack deadline passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LateHandler {
    /// It goes on to its end, and the redelivery starts another.
    #[default]
    Finish,
    /// It is dropped where it awaits, and the redelivery starts afresh.
    Cancel,
}

/// Handlers that run, and counts of what went wrong. See [`EventService::stats`].
///
/// [`EventService::stats`]: crate::EventService::stats
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Handlers running now.
    pub running: usize,
    /// Deliveries answered 504 because no outcome was there by the ack deadline.
    pub deadline_missed: u64,
    /// Deliveries answered 503 because a bound of the service was reached, or it was draining.
    pub overloaded: u64,
    /// Requests refused by the webhook.
    pub rejected: u64,
}

/// The running handlers of one service.
#[derive(Debug)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    cancel: CancellationToken,
    slots: Arc<Semaphore>,
    pub(crate) deadline_missed: Counter,
    pub(crate) overloaded: Counter,
    pub(crate) rejected: Counter,
}

/// A count that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Tasks {
    pub(crate) fn new(max_running: usize) -> Self {
        Self {
            tracker: TaskTracker::new(),
            cancel: CancellationToken::new(),
            slots: Arc::new(Semaphore::new(max_running.min(Semaphore::MAX_PERMITS))),
            deadline_missed: Counter::default(),
            overloaded: Counter::default(),
            rejected: Counter::default(),
        }
    }

    /// The right to start one handler, unless too many run or the service is draining.
    pub(crate) fn slot(&self) -> Option<OwnedSemaphorePermit> {
        if self.tracker.is_closed() {
            return None;
        }
        Arc::clone(&self.slots).try_acquire_owned().ok()
    }

    /// Runs `handler` as a task that outlives whoever waits for it. It yields `None` when it was
    /// cancelled, by its deadline or by the end of a drain.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        handler: impl Future<Output = T> + Send + 'static,
        late: LateHandler,
        deadline: Instant,
    ) -> JoinHandle<Option<T>> {
        let cancel = self.cancel.clone();
        let bounded = async move {
            match late {
                LateHandler::Finish => Some(handler.await),
                LateHandler::Cancel => timeout_at(deadline, handler).await.ok(),
            }
        };
        let task = async move { cancel.run_until_cancelled(bounded).await.flatten() };
        self.tracker.spawn(task.in_current_span())
    }

    /// Takes no more, waits for what runs, and cancels what still does after `within`.
    pub(crate) async fn drain(&self, within: Duration) -> Result<(), DrainError> {
        self.tracker.close();
        if timeout(within, self.tracker.wait()).await.is_ok() {
            return Ok(());
        }
        let cancelled = self.tracker.len();
        self.cancel.cancel();
        Err(DrainError { cancelled })
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            running: self.tracker.len(),
            deadline_missed: self.deadline_missed.get(),
            overloaded: self.overloaded.get(),
            rejected: self.rejected.get(),
        }
    }
}

/// Handlers were still running when the time for draining was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DrainError {
    /// How many were cancelled. None of their events was acknowledged, so the platform delivers
    /// them again.
    pub cancelled: usize,
}

impl fmt::Display for DrainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cancelled } = self;
        write!(
            f,
            "{cancelled} handlers were cancelled before they finished"
        )
    }
}

impl std::error::Error for DrainError {}
