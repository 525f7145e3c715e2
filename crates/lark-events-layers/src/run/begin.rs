//! The first poll of a handler in the task of its request: one that never waits needs no task.

use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use lark_events::{BoxError, Delivery, LateHandler, Outcome};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::Instant;
use tower_service::Service;

use super::large::MAX_INLINE_BYTES;
use super::panicked;
use super::prompt::{Key, Prompt};
use super::running::Slot;
use super::tasks::{Ended, NotStarted, Tasks, Terms, caught, poll_caught, poll_ready};

/// A delivery that was [passed on](Tasks::begin).
#[derive(Debug)]
#[must_use = "dropping a delivery that is not started loses it"]
pub enum Begun<'t> {
    /// Its handler finished in its first poll.
    Finished(Result<Outcome, BoxError>),
    /// Its handler finished in its first poll, which lasted beyond the deadline.
    Late,
    /// Its handler runs in a task, or the service is not ready yet.
    Pending(Pending<'t>),
}

/// Completes when a handler that did not finish in its first poll has ended. Dropping this cancels a delivery that
/// is not started, but not a running handler.
#[must_use = "dropping a delivery that is not started loses it"]
pub struct Pending<'t>(State<'t>);

enum State<'t> {
    Running(JoinHandle<Ended>),
    Unready(Pin<Box<dyn Future<Output = Result<Ended, NotStarted>> + Send + 't>>),
}

impl Future for Pending<'_> {
    type Output = Result<Ended, NotStarted>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Running(task) => Pin::new(task).poll(context).map(|ended| Ok(joined(ended))),
            State::Unready(called) => called.as_mut().poll(context),
        }
    }
}

impl fmt::Debug for Pending<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").finish_non_exhaustive()
    }
}

impl Tasks {
    /// [Calls](Self::call) `service` and [runs](Self::run) the handler. The first poll of the handler happens in
    /// the caller's task if the handlers of its event type have not blocked so far. A handler that then waits
    /// continues in a task of its own. It sees the task id and the task-local values of the caller in the first
    /// poll, and those of its own task afterwards.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub fn begin<'t, S>(
        &'t self,
        mut service: S,
        delivery: Delivery,
        terms: Terms,
        held: (Slot, impl Send + 'static),
        context: &mut Context<'_>,
    ) -> Result<Begun<'t>, NotStarted>
    where
        S: Service<Delivery, Response = Outcome, Error: Into<BoxError>, Future: Send>
            + Send
            + 'static,
        S::Future: 'static,
    {
        let start = self.start(terms);
        let began = start.check()?;
        let is_large = delivery.raw.as_bytes().len() > MAX_INLINE_BYTES;
        let ready = if is_large {
            Poll::Pending
        } else {
            poll_ready(&mut service, context)
        };
        let Poll::Ready(ready) = ready else {
            let called = Box::pin(async move {
                let called = self.call(service, delivery, terms).await?;
                Ok(joined(self.run(called, held, |ended| ended).await))
            });
            return Ok(Begun::Pending(Pending(State::Unready(called))));
        };
        ready.map_err(NotStarted::Failed)?;
        let prompt = self.prompt.get_or_init(Arc::default);
        let key = prompt.key(&delivery.header.event_type);
        let called = catch_unwind(AssertUnwindSafe(move || service.call(delivery)));
        let called = called.map_err(|_| NotStarted::Failed(panicked().into()))?;
        let mut handler = Box::pin(called);
        let cancel_at = (terms.late == LateHandler::Cancel).then_some(terms.deadline);
        let running = |task| Ok(Begun::Pending(Pending(State::Running(task))));
        if !prompt.is_known(key) {
            let handler = start.scope(observed(handler, Arc::clone(prompt), key));
            return running(self.spawn(held, handler, cancel_at, |ended| ended));
        }
        let (start, polled) =
            start.polled(context, |context| poll_caught(handler.as_mut(), context));
        let now = Instant::now();
        prompt.polled(key, now.saturating_duration_since(began));
        if let Poll::Ready(result) = polled {
            let dropped = catch_unwind(AssertUnwindSafe(|| drop(handler)));
            let dropped = dropped.map_err(|_| panicked().into());
            return Ok(if now < terms.deadline {
                Begun::Finished(dropped.and(result))
            } else {
                Begun::Late
            });
        }
        let start = start.unwrap_or_else(|| self.start(terms));
        running(self.spawn(held, start.scope(caught(handler)), cancel_at, |ended| ended))
    }
}

/// The outcome of a handler, whose first poll is timed.
async fn observed<E: Into<BoxError>>(
    mut handler: Pin<Box<impl Future<Output = Result<Outcome, E>>>>,
    prompt: Arc<Prompt>,
    key: Key,
) -> Result<Outcome, BoxError> {
    let mut prompt = Some(prompt);
    poll_fn(|context| {
        let Some(prompt) = prompt.take() else {
            return poll_caught(handler.as_mut(), context);
        };
        let began = Instant::now();
        let polled = poll_caught(handler.as_mut(), context);
        prompt.polled(key, began.elapsed());
        polled
    })
    .await
}

/// The end of a task. A panic in it, such as of a handler that is dropped, is an error like any other.
fn joined(ended: Result<Ended, JoinError>) -> Ended {
    ended.unwrap_or_else(|_| Ended::Finished(Err(panicked().into())))
}
