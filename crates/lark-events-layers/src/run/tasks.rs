//! The handlers that run, as tasks of their own: bounded in number, counted, and drained at the end.

use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use lark_events::event::DeliveryKind;
use lark_events::{BoxError, Delivery, LateHandler, Outcome};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tower_service::Service;
use tracing::Instrument as _;

use super::large::{MAX_INLINE_BYTES, off_the_workers, polled_off_the_workers};
use super::start::Start;
use super::{Counter, panicked};
use crate::error::{DrainError, LayerError, LayerErrorKind};

/// Handlers of callbacks that may run when as many handlers run as may: a user waits for each, and none
/// is delivered again. More than users click within an ack deadline, and few beside the events that run.
pub const CALLBACK_SLOTS: usize = 32;

/// How long the end of a drain waits for cancelled handlers to be dropped, which takes one poll
/// each unless a handler blocks its thread.
pub const CANCEL_GRACE: Duration = Duration::from_secs(1);

/// The running handlers of one transport.
#[derive(Debug)]
pub struct Tasks {
    tracker: TaskTracker,
    /// Cancelled when a drain begins: what waits to be started gives up.
    draining: CancellationToken,
    /// Cancelled when a drain's time is over: what still runs is dropped.
    cancel: CancellationToken,
    slots: Arc<Semaphore>,
    callback_slots: Arc<Semaphore>,
    cancelled: Arc<Counter>,
    /// Of those: by a drain.
    cut_off: Arc<Counter>,
}

/// The right to start one handler. A drain waits until it is given back.
#[derive(Debug)]
pub struct Slot {
    _permit: Option<OwnedSemaphorePermit>,
    _tracked: TaskTrackerToken,
}

/// Until when a handler is waited for, and what becomes of it then.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// The ack deadline.
    pub deadline: Instant,
    /// What becomes of a handler that misses it.
    pub late: LateHandler,
}

/// What a service was called for, to be [run](Tasks::run).
#[must_use = "it does nothing unless it is run"]
pub struct Called<F> {
    handler: Pin<Box<F>>,
    start: Start,
    late: LateHandler,
    is_large: bool,
}

impl<F> fmt::Debug for Called<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Called").finish_non_exhaustive()
    }
}

/// How a handler's task ended.
#[derive(Debug)]
pub enum Ended<T = Result<Outcome, BoxError>> {
    /// By itself; a panic of the service is a
    /// [`LayerError`] of the kind [`Panicked`](LayerErrorKind::Panicked).
    Finished(T),
    /// It was cancelled at its deadline.
    Late,
    /// It was cancelled at the end of a drain.
    Drained,
}

/// Why a handler was not started.
#[derive(Debug)]
pub enum NotStarted {
    /// A drain had begun.
    Draining,
    /// The deadline had passed.
    Late,
    /// The service failed before it was called, or panicked.
    Failed(BoxError),
}

impl From<LayerError> for NotStarted {
    fn from(over: LayerError) -> Self {
        match over.kind() {
            LayerErrorKind::Draining => Self::Draining,
            _ => Self::Late,
        }
    }
}

impl Tasks {
    /// With room for so many handlers at once, and for [`CALLBACK_SLOTS`] of callbacks besides.
    #[must_use]
    pub fn new(max_running: usize) -> Self {
        Self {
            tracker: TaskTracker::new(),
            draining: CancellationToken::new(),
            cancel: CancellationToken::new(),
            slots: Arc::new(Semaphore::new(max_running.min(Semaphore::MAX_PERMITS))),
            callback_slots: Arc::new(Semaphore::new(CALLBACK_SLOTS)),
            cancelled: Arc::default(),
            cut_off: Arc::default(),
        }
    }

    /// The right to start the handler of a delivery, unless too many run.
    pub fn slot(&self, kind: DeliveryKind) -> Option<Slot> {
        let one_of = |slots: &Arc<Semaphore>| Arc::clone(slots).try_acquire_owned().ok();
        let tracked = self.tracker.token();
        let permit = one_of(&self.slots).or_else(|| match kind {
            DeliveryKind::Callback => one_of(&self.callback_slots),
            _ => None,
        })?;
        Some(Slot {
            _tracked: tracked,
            _permit: Some(permit),
        })
    }

    /// The right to start a handler that the transport has counted itself.
    #[must_use]
    pub fn counted(&self) -> Slot {
        Slot {
            _permit: None,
            _tracked: self.tracker.token(),
        }
    }

    /// Whether a drain has begun. Asked with a slot in hand, so that a drain that begins just after
    /// waits for what is then started.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Calls `service` when it is ready. It is called in the caller's task, so that calls are in the order of these; but for a
    /// body of more than [`MAX_INLINE_BYTES`], which is decoded on another thread.
    ///
    /// # Errors
    ///
    /// [`NotStarted`] when the service is not ready before the deadline or a drain, or fails.
    pub async fn call<S>(
        &self,
        mut service: S,
        delivery: Delivery,
        terms: Terms,
    ) -> Result<Called<S::Future>, NotStarted>
    where
        S: Service<Delivery, Response = Outcome, Error: Into<BoxError>, Future: Send>
            + Send
            + 'static,
    {
        let start = Start {
            deadline: terms.deadline,
            draining: self.draining.clone(),
        };
        start.check()?;
        let at_once = poll_fn(|context| Poll::Ready(poll_ready(&mut service, context)));
        let ready = match at_once.await {
            Poll::Ready(ready) => ready,
            // Boxed, as every delivery would otherwise hold the room for what few do.
            Poll::Pending => {
                let ready = poll_fn(|context| poll_ready(&mut service, context));
                Box::pin(start.unless_over(ready)).await?
            }
        };
        ready.map_err(NotStarted::Failed)?;
        start.check()?;
        let is_large = delivery.raw.as_bytes().len() > MAX_INLINE_BYTES;
        let call = move || catch_unwind(AssertUnwindSafe(|| service.call(delivery)));
        let called = if is_large {
            Box::pin(start.unless_over(off_the_workers(call))).await?
        } else {
            call()
        };
        let handler = called.map_err(|_| NotStarted::Failed(panicked().into()))?;
        Ok(Called {
            // Boxed, as the task would otherwise hold the room for it twice.
            handler: Box::pin(handler),
            start,
            late: terms.late,
            is_large,
        })
    }

    /// Runs a handler as a task that outlives its caller. In the task `then` makes something of
    /// how it ended; it is dropped where the handler panics when it is cancelled. What is `held` is
    /// given back with the slot.
    pub fn run<F, E, T>(
        &self,
        called: Called<F>,
        (slot, held): (Slot, impl Send + 'static),
        then: impl FnOnce(Ended) -> T + Send + 'static,
    ) -> JoinHandle<T>
    where
        F: Future<Output = Result<Outcome, E>> + Send + 'static,
        E: Into<BoxError> + 'static,
        T: Send + 'static,
    {
        let Called {
            handler,
            start,
            late,
            is_large,
        } = called;
        let cancel_at = (late == LateHandler::Cancel).then_some(start.deadline);
        let handler = start.scope(caught(handler));
        if is_large {
            let handler = polled_off_the_workers(Box::pin(handler));
            self.spawn((slot, held), handler, cancel_at, then)
        } else {
            self.spawn((slot, held), handler, cancel_at, then)
        }
    }

    /// Waits for ever once a drain's time is over, for what would be started only to be cut off.
    pub(crate) async fn unless_drained(&self) {
        if self.cancel.is_cancelled() {
            std::future::pending::<()>().await;
        }
    }

    /// Runs `handler` as a task that outlives its caller, to be cancelled at a moment if
    /// there is one.
    pub(crate) fn spawn<T: Send + 'static, R: Send + 'static>(
        &self,
        held: impl Send + 'static,
        handler: impl Future<Output = T> + Send + 'static,
        cancel_at: Option<Instant>,
        then: impl FnOnce(Ended<T>) -> R + Send + 'static,
    ) -> JoinHandle<R> {
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
            then(ended)
        };
        tokio::spawn(task.in_current_span())
    }

    /// Begins a drain: no handler is started any more.
    pub fn begin_drain(&self) {
        self.draining.cancel();
        self.tracker.close();
    }

    /// Cancels what runs, as the end of a drain does.
    pub fn cancel_all(&self) {
        self.cancel.cancel();
    }

    /// Takes no more, waits for what runs, and cancels what still does after `within`. Of several drains
    /// all hear of what one of them has cancelled.
    ///
    /// # Errors
    ///
    /// [`DrainError`] when handlers had to be cancelled.
    pub async fn drain(&self, within: Duration) -> Result<(), DrainError> {
        self.begin_drain();
        let mut blocked = 0;
        if timeout(within, self.tracker.wait()).await.is_err() {
            self.cancel_all();
            // Whatever is not dropped by then blocks its thread: nothing more can be done about it.
            if timeout(CANCEL_GRACE, self.tracker.wait()).await.is_err() {
                blocked = u64::try_from(self.tracker.len()).unwrap_or(u64::MAX);
            }
        }
        match self.cut_off.get().saturating_add(blocked) {
            0 => Ok(()),
            cancelled => Err(DrainError::timed_out(cancelled)),
        }
    }

    /// How many have a slot.
    #[must_use]
    pub fn running(&self) -> usize {
        self.tracker.len()
    }

    /// How many handlers were cancelled before their end.
    #[must_use]
    pub fn cancelled(&self) -> u64 {
        self.cancelled.get()
    }
}

/// Without a bound of its own, for a transport that counts itself.
impl Default for Tasks {
    fn default() -> Self {
        Self::new(Semaphore::MAX_PERMITS)
    }
}

/// Whether the service is ready. A panic in there is an error like any other.
fn poll_ready<S>(service: &mut S, context: &mut Context<'_>) -> Poll<Result<(), BoxError>>
where
    S: Service<Delivery, Error: Into<BoxError>>,
{
    match catch_unwind(AssertUnwindSafe(|| service.poll_ready(context))) {
        Ok(ready) => ready.map_err(Into::into),
        Err(_) => Poll::Ready(Err(panicked().into())),
    }
}

/// The outcome of a handler. A panic in there is an error like any other.
async fn caught<E: Into<BoxError>>(
    mut handler: Pin<Box<impl Future<Output = Result<Outcome, E>>>>,
) -> Result<Outcome, BoxError> {
    poll_fn(
        |context| match catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(context))) {
            Ok(polled) => polled.map_err(Into::into),
            Err(_) => Poll::Ready(Err(panicked().into())),
        },
    )
    .await
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_slot_given_back_by_who_came_during_a_drain_counts_for_nothing() {
        let tasks = Tasks::new(2);
        let running = tasks.slot(DeliveryKind::Notification);
        let mut drain = pin!(tasks.drain(Duration::from_secs(1)));
        let mut context = Context::from_waker(Waker::noop());
        assert!(drain.as_mut().poll(&mut context).is_pending());
        drop(running);
        // Another thread asks for a slot, and is about to see that there is a drain.
        let late = tasks.slot(DeliveryKind::Notification);
        assert_eq!(drain.as_mut().poll(&mut context), Poll::Ready(Ok(())));
        drop(late);
    }
}
