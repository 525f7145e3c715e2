//! Whether a delivery may still be started, for layers that make it wait.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::task::futures::TaskLocalFuture;
use tokio::time::{Instant, timeout_at};

use super::running::Running;
use crate::error::{LayerError, LayerErrorKind};

tokio::task_local! {
    /// The limits of the delivery that a transport's task runs. Tasks that a layer spawns have none.
    static START: Start;
}

/// When a delivery must not be started any more.
#[derive(Debug, Clone)]
pub(super) struct Start {
    pub(super) deadline: Instant,
    pub(super) running: Arc<Running>,
}

impl Start {
    /// Runs `handler` with these limits.
    pub(super) fn scope<F: Future>(self, handler: F) -> TaskLocalFuture<Self, F> {
        START.scope(self, handler)
    }

    /// Runs `poll` with these limits, and returns them.
    pub(super) fn polled<T: Unpin>(
        self,
        context: &mut Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> (Option<Self>, Poll<T>) {
        let mut scoped = pin!(self.scope(poll_fn(|context| Poll::Ready(poll(context)))));
        let polled = match scoped.as_mut().poll(context) {
            Poll::Ready(polled) => polled,
            Poll::Pending => Poll::Pending,
        };
        (scoped.take_value(), polled)
    }

    /// Checks that the delivery may be started now. Returns the current time.
    pub(super) fn check(&self) -> Result<Instant, LayerError> {
        if self.running.has_drain_begun() {
            return Err(LayerError::new(LayerErrorKind::Draining));
        }
        let now = Instant::now();
        if now >= self.deadline {
            return Err(LayerError::new(LayerErrorKind::Deadline));
        }
        Ok(now)
    }

    pub(super) async fn unless_over<T>(
        &self,
        waiting: impl Future<Output = T>,
    ) -> Result<T, LayerError> {
        self.check()?;
        let waited = timeout_at(self.deadline, waiting);
        let waited = self.running.unless_drained(waited).await;
        // The deadline or the drain may have come at the same time as the awaited value.
        self.check()?;
        match waited {
            Some(Ok(waited)) => Ok(waited),
            Some(Err(_)) | None => Err(LayerError::new(LayerErrorKind::Deadline)),
        }
    }
}

/// Returns the output of `waiting`, unless the ack deadline of the delivery passes or its transport
/// begins to drain first. Call it within the future that a layer returns: outside a transport's task
/// there is no deadline.
///
/// ```
/// use std::sync::Arc;
///
/// use lark_events::{BoxError, Delivery, Dispatcher, Outcome};
/// use lark_events_layers::run::unless_over;
/// use tokio::sync::Semaphore;
/// use tower::{ServiceBuilder, ServiceExt as _};
///
/// let two = Arc::new(Semaphore::new(2));
/// let service = ServiceBuilder::new().service_fn(move |delivery: Delivery| {
///     let (two, dispatcher) = (Arc::clone(&two), Dispatcher::builder().build());
///     async move {
///         let _one = unless_over(two.acquire()).await??;
///         Ok::<Outcome, BoxError>(dispatcher?.oneshot(delivery).await?)
///     }
/// });
/// ```
///
/// # Errors
///
/// [`Deadline`](LayerErrorKind::Deadline) or [`Draining`](LayerErrorKind::Draining); the layer should
/// fail with this error.
pub async fn unless_over<T>(waiting: impl Future<Output = T>) -> Result<T, LayerError> {
    match START.try_with(Clone::clone) {
        Ok(start) => start.unless_over(waiting).await,
        Err(_) => Ok(waiting.await),
    }
}
