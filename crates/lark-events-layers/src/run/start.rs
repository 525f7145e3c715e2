//! Whether a delivery may still be started, for whatever makes it wait.

use tokio::task::futures::TaskLocalFuture;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::error::{LayerError, LayerErrorKind};

tokio::task_local! {
    /// Of the delivery that a transport's task runs. What a layer runs in tasks of its own has none.
    static START: Start;

    /// Of what an [`AckFirstLayer`](crate::AckFirstLayer) runs: what fails is lost.
    static ACKNOWLEDGED: ();
}

/// When a delivery must not be started any more.
#[derive(Debug, Clone)]
pub(super) struct Start {
    pub(super) deadline: Instant,
    pub(super) draining: CancellationToken,
}

impl Start {
    /// Has `handler` find this.
    pub(super) fn scope<F: Future>(self, handler: F) -> TaskLocalFuture<Self, F> {
        START.scope(self, handler)
    }

    pub(super) fn check(&self) -> Result<(), LayerError> {
        if self.draining.is_cancelled() {
            return Err(LayerError::new(LayerErrorKind::Draining));
        }
        if Instant::now() >= self.deadline {
            return Err(LayerError::new(LayerErrorKind::Deadline));
        }
        Ok(())
    }

    pub(super) async fn unless_over<T>(
        &self,
        waiting: impl Future<Output = T>,
    ) -> Result<T, LayerError> {
        self.check()?;
        let waited = timeout_at(self.deadline, waiting);
        let waited = self.draining.run_until_cancelled(waited).await;
        // What it waited for may have come with the deadline or the drain.
        self.check()?;
        match waited {
            Some(Ok(waited)) => Ok(waited),
            Some(Err(_)) | None => Err(LayerError::new(LayerErrorKind::Deadline)),
        }
    }
}

/// Has `handler` find that its event is acknowledged already.
pub(crate) fn acknowledged<F: Future>(handler: F) -> TaskLocalFuture<(), F> {
    ACKNOWLEDGED.scope((), handler)
}

/// Whether the event was acknowledged before it was handled.
pub(crate) fn is_acknowledged() -> bool {
    ACKNOWLEDGED.try_with(|()| ()).is_ok()
}

/// What `waiting` comes to, unless the ack deadline of the delivery passes before, or a drain of its transport begins. To be
/// asked in the future that a layer returns: there is no deadline outside of a transport's task.
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
/// [`Deadline`](LayerErrorKind::Deadline) or [`Draining`](LayerErrorKind::Draining), with which the layer is to fail.
pub async fn unless_over<T>(waiting: impl Future<Output = T>) -> Result<T, LayerError> {
    match START.try_with(Clone::clone) {
        Ok(start) => start.unless_over(waiting).await,
        Err(_) => Ok(waiting.await),
    }
}
