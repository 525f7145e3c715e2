//! Passing a delivery to the service inside a layer.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use lark_events::{BoxError, Delivery, Outcome};
use tower::ServiceExt as _;
use tower_service::Service;

use crate::run::unless_over;

/// Passes a delivery on once `inner` is ready, unless it may not be started any more.
pub(crate) async fn pass_on<S>(mut inner: S, delivery: Delivery) -> Result<Outcome, BoxError>
where
    S: Service<Delivery, Response = Outcome, Error: Into<BoxError>>,
{
    let ready = unless_over(inner.ready()).await?.map_err(Into::into)?;
    ready.call(delivery).await.map_err(Into::into)
}

/// The future of a delivery under a [`DedupLayer`](crate::DedupLayer) or an
/// [`InOrderLayer`](crate::InOrderLayer).
#[must_use = "futures do nothing unless polled"]
pub struct OutcomeFuture(Pin<Box<dyn Future<Output = Result<Outcome, BoxError>> + Send>>);

impl OutcomeFuture {
    pub(crate) fn new(
        future: impl Future<Output = Result<Outcome, BoxError>> + Send + 'static,
    ) -> Self {
        Self(Box::pin(future))
    }
}

impl Future for OutcomeFuture {
    type Output = Result<Outcome, BoxError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(context)
    }
}

impl fmt::Debug for OutcomeFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutcomeFuture").finish_non_exhaustive()
    }
}
