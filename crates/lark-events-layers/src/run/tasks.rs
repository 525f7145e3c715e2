//! Running handlers as separate tasks, limited in number, counted, and drained at the end.

use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use lark_events::event::DeliveryKind;
use lark_events::{BoxError, Delivery, LateHandler, Outcome};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tower_service::Service;
use tracing::Instrument as _;

use super::large::{MAX_INLINE_BYTES, off_the_workers, polled_off_the_workers};
use super::prompt::Prompt;
use super::running::{Running, Slot};
use super::start::Start;
use super::{Counter, panicked};
use crate::error::{DrainError, LayerError, LayerErrorKind};

/// The number of callback handlers that may run beyond the limit on handlers. Callbacks have reserved slots because
/// a user waits for each, and they are never redelivered.
pub const CALLBACK_SLOTS: usize = 32;

/// How long a drain waits for cancelled handlers to be dropped: 1 second. This takes one poll each, unless a
/// handler blocks its thread.
pub const CANCEL_GRACE: Duration = Duration::from_secs(1);

/// The running handlers of one transport.
#[derive(Debug)]
pub struct Tasks {
    running: Arc<Running>,
    /// Cancelled when a drain's time is over, so that running handlers are dropped.
    cancel: CancellationToken,
    cancelled: Arc<Counter>,
    /// The number of these that a drain cancelled.
    cut_off: Arc<Counter>,
    /// Allocated for transports that poll handlers in the tasks of requests.
    pub(super) prompt: OnceLock<Arc<Prompt>>,
}

/// The deadline of a handler, and what happens when it is missed.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// The ack deadline.
    pub deadline: Instant,
    /// What to do with a handler that misses the deadline.
    pub late: LateHandler,
}

/// The future of a called service, to [run](Tasks::run).
#[must_use = "a task does nothing until it is run"]
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
    /// The handler finished. A panic of the service is a [`LayerError`] of the kind
    /// [`Panicked`](LayerErrorKind::Panicked).
    Finished(T),
    /// The handler was cancelled at its deadline.
    Late,
    /// The handler was cancelled at the end of a drain.
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
    /// Creates slots for `max_running` handlers, and for [`CALLBACK_SLOTS`] more callback handlers.
    #[must_use]
    pub fn new(max_running: usize) -> Self {
        Self {
            running: Running::new(max_running),
            cancel: CancellationToken::new(),
            cancelled: Arc::default(),
            cut_off: Arc::default(),
            prompt: OnceLock::new(),
        }
    }

    /// Returns a permit to start the handler of a delivery, or `None` if too many run.
    pub fn slot(&self, kind: DeliveryKind) -> Option<Slot> {
        self.running.slot(kind)
    }

    /// Returns a permit to start a handler, for a transport that limits the number of handlers itself.
    #[must_use]
    pub fn counted(&self) -> Slot {
        self.running.counted()
    }

    /// Calls `service` when it is ready, in the caller's task, so that the calls keep the caller's
    /// order. A body of more than [`MAX_INLINE_BYTES`] is decoded on another thread.
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
        let start = self.start(terms);
        start.check()?;
        let at_once = poll_fn(|context| Poll::Ready(poll_ready(&mut service, context)));
        let ready = match at_once.await {
            Poll::Ready(ready) => ready,
            // Boxed, because every delivery would otherwise reserve the memory that few need.
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
            // Boxed, because the task would otherwise reserve the memory twice.
            handler: Box::pin(handler),
            start,
            late: terms.late,
            is_large,
        })
    }

    pub(super) fn start(&self, terms: Terms) -> Start {
        Start {
            deadline: terms.deadline,
            running: Arc::clone(&self.running),
        }
    }

    /// Runs a handler in a task that outlives its caller. The task passes the result to `then`, and
    /// drops the result if the handler panics while it is cancelled. `held` is dropped together with
    /// the slot.
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

    /// Runs `handler` in a task that outlives its caller, and cancels it at a given time, if any.
    pub(super) fn spawn<T: Send + 'static, R: Send + 'static>(
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
            // Dropped after its result is counted, because dropping may panic.
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

    /// Begins a drain: no further handlers start.
    pub fn begin_drain(&self) {
        self.running.begin_drain();
    }

    /// Cancels the running handlers, like the end of a drain.
    pub fn cancel_all(&self) {
        self.cancel.cancel();
    }

    /// Starts no further handlers, waits up to `within` for the running ones, and cancels the rest.
    /// Concurrent drains all report the handlers that any of them cancelled.
    ///
    /// # Errors
    ///
    /// [`DrainError`] when handlers had to be cancelled.
    pub async fn drain(&self, within: Duration) -> Result<(), DrainError> {
        self.begin_drain();
        let mut blocked = 0;
        if timeout(within, self.running.none_left()).await.is_err() {
            self.cancel_all();
            // A handler that is not dropped by then blocks its thread, which cannot be interrupted.
            if timeout(CANCEL_GRACE, self.running.none_left())
                .await
                .is_err()
            {
                blocked = u64::try_from(self.running.len()).unwrap_or(u64::MAX);
            }
        }
        match self.cut_off.get().saturating_add(blocked) {
            0 => Ok(()),
            cancelled => Err(DrainError::timed_out(cancelled)),
        }
    }

    /// The number of handlers with a slot.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// The number of handlers cancelled before they finished.
    #[must_use]
    pub fn cancelled(&self) -> u64 {
        self.cancelled.get()
    }
}

/// Without a limit, for a transport that limits the number of handlers itself.
impl Default for Tasks {
    fn default() -> Self {
        Self::new(usize::MAX)
    }
}

/// Polls whether the service is ready. A panic of the service is an error like any other.
///
/// # Errors
///
/// When the service is not going to be ready.
pub fn poll_ready<S>(service: &mut S, context: &mut Context<'_>) -> Poll<Result<(), BoxError>>
where
    S: Service<Delivery, Error: Into<BoxError>>,
{
    let ready = || service.poll_ready(context).map_err(Into::into);
    let ready = catch_unwind(AssertUnwindSafe(ready));
    ready.unwrap_or_else(|_| Poll::Ready(Err(panicked().into())))
}

/// Polls a handler. A panic of the handler is an error like any other.
pub(super) fn poll_caught<E: Into<BoxError>>(
    handler: Pin<&mut impl Future<Output = Result<Outcome, E>>>,
    context: &mut Context<'_>,
) -> Poll<Result<Outcome, BoxError>> {
    let polled = || handler.poll(context).map_err(Into::into);
    let polled = catch_unwind(AssertUnwindSafe(polled));
    polled.unwrap_or_else(|_| Poll::Ready(Err(panicked().into())))
}

/// The outcome of a handler.
pub(super) async fn caught<E: Into<BoxError>>(
    mut handler: Pin<Box<impl Future<Output = Result<Outcome, E>>>>,
) -> Result<Outcome, BoxError> {
    poll_fn(|context| poll_caught(handler.as_mut(), context)).await
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
        // Another thread requests a slot, and is about to notice the drain.
        let late = tasks.slot(DeliveryKind::Notification);
        assert_eq!(drain.as_mut().poll(&mut context), Poll::Ready(Ok(())));
        drop(late);
    }
}
