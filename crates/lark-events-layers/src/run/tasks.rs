//! The handlers that run, as tasks of their own: bounded in number, counted, and drained at the end.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::Instrument as _;

use super::Counter;

/// How long the end of a drain waits for cancelled handlers to be dropped, which takes one poll
/// each unless a handler blocks its thread.
const CANCEL_GRACE: Duration = Duration::from_secs(1);

/// The running handlers of one service.
#[derive(Debug)]
pub struct Tasks {
    tracker: TaskTracker,
    /// Cancelled when a drain begins: what waits to be started gives up.
    draining: CancellationToken,
    /// Cancelled when a drain's time is over: what still runs is dropped.
    cancel: CancellationToken,
    slots: Arc<Semaphore>,
    cancelled: Arc<Counter>,
    /// Of those: by a drain.
    cut_off: Arc<Counter>,
}

/// The right to start one handler. A drain waits until it is given back.
#[derive(Debug)]
pub struct Slot {
    _permit: OwnedSemaphorePermit,
    _tracked: TaskTrackerToken,
}

/// How a handler's task ended.
#[derive(Debug)]
pub enum Ended<T> {
    /// By itself.
    Finished(T),
    /// It was cancelled at its deadline.
    Late,
    /// It was cancelled at the end of a drain.
    Drained,
}

impl Tasks {
    /// With room for so many handlers at once.
    pub fn new(max_running: usize) -> Self {
        Self {
            tracker: TaskTracker::new(),
            draining: CancellationToken::new(),
            cancel: CancellationToken::new(),
            slots: Arc::new(Semaphore::new(max_running.min(Semaphore::MAX_PERMITS))),
            cancelled: Arc::default(),
            cut_off: Arc::default(),
        }
    }

    /// The right to start one handler, unless too many run.
    pub fn slot(&self) -> Option<Slot> {
        Some(Slot {
            _tracked: self.tracker.token(),
            _permit: Arc::clone(&self.slots).try_acquire_owned().ok()?,
        })
    }

    /// What `waiting` comes to, unless a drain begins before. Asked with a slot in hand, so that a
    /// drain that begins just after waits for what is then started.
    pub async fn unless_draining<T>(&self, waiting: impl Future<Output = T>) -> Option<T> {
        self.draining.run_until_cancelled(waiting).await
    }

    /// Whether a drain has begun. Asked with a slot in hand, as [`unless_draining`] is.
    ///
    /// [`unless_draining`]: Self::unless_draining
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Waits for ever once a drain's time is over, for what would be started only to be cut off.
    pub async fn unless_drained(&self) {
        if self.cancel.is_cancelled() {
            std::future::pending::<()>().await;
        }
    }

    /// Runs `handler` as a task that outlives whoever waits for it, to be cancelled at a moment if
    /// there is one.
    pub fn spawn<T: Send + 'static>(
        &self,
        held: impl Send + 'static,
        handler: impl Future<Output = T> + Send + 'static,
        cancel_at: Option<Instant>,
    ) -> JoinHandle<Ended<T>> {
        let cancel = self.cancel.clone();
        let (cancelled, cut_off) = (Arc::clone(&self.cancelled), Arc::clone(&self.cut_off));
        let task = async move {
            let _held = held;
            // Dropped after what became of it is counted, as that may panic.
            let mut handler = pin!(handler);
            let bounded = async {
                match cancel_at {
                    Some(moment) => match timeout_at(moment, handler.as_mut()).await {
                        Ok(finished) => Ended::Finished(finished),
                        Err(_) => Ended::Late,
                    },
                    None => Ended::Finished(handler.as_mut().await),
                }
            };
            let ended = cancel.run_until_cancelled(bounded).await;
            let ended = ended.unwrap_or(Ended::Drained);
            match ended {
                Ended::Finished(_) => {}
                Ended::Late => cancelled.add_one(),
                Ended::Drained => {
                    cancelled.add_one();
                    cut_off.add_one();
                }
            }
            ended
        };
        tokio::spawn(task.in_current_span())
    }

    /// Takes no more, waits for what runs, and cancels what still does after `within`. Of several drains
    /// all hear of what one of them has cancelled.
    pub async fn drain(&self, within: Duration) -> Result<(), DrainError> {
        self.draining.cancel();
        self.tracker.close();
        let mut blocked = 0;
        if timeout(within, self.tracker.wait()).await.is_err() {
            self.cancel.cancel();
            // Whatever is not dropped by then blocks its thread: nothing more can be done about it.
            if timeout(CANCEL_GRACE, self.tracker.wait()).await.is_err() {
                blocked = u64::try_from(self.tracker.len()).unwrap_or(u64::MAX);
            }
        }
        match self.cut_off.get().saturating_add(blocked) {
            0 => Ok(()),
            cancelled => Err(DrainError { cancelled }),
        }
    }

    /// How many have a slot.
    pub fn running(&self) -> usize {
        self.tracker.len()
    }

    /// How many handlers were cancelled before their end.
    pub fn cancelled(&self) -> u64 {
        self.cancelled.get()
    }
}

/// Handlers were still running when the time for draining was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DrainError {
    /// How many were cancelled. None of their deliveries was acknowledged, so the platform sends the
    /// events among them again; callbacks are not sent again. Under an
    /// [`AckFirstLayer`](crate::AckFirstLayer) all of them were, and are lost.
    pub cancelled: u64,
}

impl fmt::Display for DrainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cancelled } = self;
        write!(f, "handlers cancelled before they finished: {cancelled}")
    }
}

impl std::error::Error for DrainError {}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_slot_given_back_by_who_came_during_a_drain_counts_for_nothing() {
        let tasks = Tasks::new(2);
        let running = tasks.slot();
        let mut drain = pin!(tasks.drain(Duration::from_secs(1)));
        let mut context = Context::from_waker(Waker::noop());
        assert!(drain.as_mut().poll(&mut context).is_pending());
        drop(running);
        // Another thread asks for a slot, and is about to see that there is a drain.
        let late = tasks.slot();
        assert_eq!(drain.as_mut().poll(&mut context), Poll::Ready(Ok(())));
        drop(late);
    }
}
