//! Events that are acknowledged and not handled: too old, not allowed, or not for this bot.

mod allow;
mod mention;
mod stale;

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use lark_events::{BoxError, Delivery, Outcome};
use tower_service::Service;
use tracing::debug;

pub use self::allow::{AllowLayer, AllowList, AllowStats};
pub use self::mention::{MentionLayer, MentionStats};
pub use self::stale::{StaleLayer, StaleStats};
use crate::error::{LayerError, LayerErrorKind};
use crate::future::{OutcomeFuture, pass_on};

/// Decides about deliveries, and counts its decisions.
trait Filter: Send + Sync {
    /// The reason to leave a delivery out.
    fn leaves_out(&self, delivery: &Delivery) -> Option<&'static str>;
}

/// A service under a [`StaleLayer`], an [`AllowLayer`] or a [`MentionLayer`].
#[derive(Clone)]
pub struct Filtered<S> {
    filter: Arc<dyn Filter>,
    inner: S,
}

impl<S> Service<Delivery> for Filtered<S>
where
    S: Service<Delivery, Response = Outcome> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = Outcome;
    type Error = BoxError;
    type Future = OutcomeFuture;

    /// Always ready: an event that is left out needs no inner service.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, delivery: Delivery) -> OutcomeFuture {
        let Some(reason) = self.filter.leaves_out(&delivery) else {
            return OutcomeFuture::new(pass_on(self.inner.clone(), delivery));
        };
        let event_type = &*delivery.header.event_type;
        debug!(%event_type, event_id = delivery.header.event_id, reason, "left out");
        let is_callback = delivery.is_callback();
        OutcomeFuture::new(async move {
            if is_callback {
                // Without a reply, its user must not see a success.
                return Err(LayerError::new(LayerErrorKind::Denied).into());
            }
            Ok(Outcome::Unhandled)
        })
    }
}

impl<S: fmt::Debug> fmt::Debug for Filtered<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filtered")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
