//! A delivery under de-duplication: claiming it, handling it, and recording the result.

use std::error::Error;
use std::task::{Context, Poll};
use std::time::Duration;

use lark_events::{BoxError, Delivery, Outcome};
use tokio::runtime::Handle;
use tower_service::Service;
use tracing::{Instrument as _, debug, warn};

use super::store::Claim;
use super::{DedupLayer, MAX_WAITING};
use crate::error::{LayerError, LayerErrorKind};
use crate::future::{OutcomeFuture, pass_on};
use crate::key::remembered_for;
use crate::lanes::{MaxWaiting, Turn};
use crate::run::{unless_over, unless_rejected};

/// A service under a [`DedupLayer`]. It is always ready, and waits for the inner service only to handle
/// an event.
#[derive(Debug, Clone)]
pub struct Dedup<S> {
    pub(super) layer: DedupLayer,
    pub(super) inner: S,
}

impl<S> Service<Delivery> for Dedup<S>
where
    S: Service<Delivery, Response = Outcome> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = Outcome;
    type Error = BoxError;
    type Future = OutcomeFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, delivery: Delivery) -> OutcomeFuture {
        let inner = self.inner.clone();
        let Some(key) = self.layer.keys.of(&delivery) else {
            return OutcomeFuture::new(pass_on(inner, delivery));
        };
        let turn = self.layer.lanes.enter(key, MaxWaiting::of_all(MAX_WAITING));
        let layer = self.layer.clone();
        OutcomeFuture::new(async move { layer.handle(turn?, inner, delivery).await })
    }
}

impl DedupLayer {
    /// Handles a delivery in its turn, unless its event was handled already.
    async fn handle<S>(self, turn: Turn, inner: S, delivery: Delivery) -> Result<Outcome, BoxError>
    where
        S: Service<Delivery, Response = Outcome, Error: Into<BoxError>>,
    {
        if turn.had_to_wait() {
            self.counters.waited.add_one();
        }
        unless_over(turn.granted()).await?;
        let mut claiming = Claiming(None);
        let claimed = claiming.0.insert(Claimed {
            event_type: delivery.header.event_type.clone(),
            event_id: delivery.header.event_id.clone(),
            kept: remembered_for(self.kept, &delivery),
            layer: self.clone(),
            turn,
            done: None,
        });
        match claimed.claim().await? {
            Claim::Granted => {}
            Claim::Held => {
                claiming.0 = None;
                self.counters.held.add_one();
                return Err(LayerError::new(LayerErrorKind::Held).into());
            }
            Claim::Done(outcome) => {
                // A signature of the duplicate starts a new replay window.
                if delivery.replayable_for.is_some() {
                    claimed.done = Some(outcome.clone());
                    claimed.settle().await;
                }
                claiming.0 = None;
                self.counters.duplicates.add_one();
                #[cfg(feature = "metrics")]
                crate::metrics::duplicate(&delivery.header.event_type);
                let header = &delivery.header;
                debug!(
                    event_type = header.event_type,
                    event_id = header.event_id.as_deref(),
                    "duplicate: acknowledged, not handled again"
                );
                return Ok(outcome);
            }
        }
        let kind = delivery.kind;
        let result = pass_on(inner, delivery).await;
        let named = (&*claimed.event_type, claimed.event_id.as_deref());
        let result = result.or_else(|error| unless_rejected(kind, named, error));
        claimed.done = match &result {
            Ok(Outcome::Unhandled) => Some(Outcome::Unhandled),
            Ok(_) => Some(Outcome::Handled),
            Err(_) => None,
        };
        claimed.settle().await;
        claiming.0 = None;
        result
    }
}

/// A key of the store that a delivery has claimed, or is about to claim.
struct Claimed {
    layer: DedupLayer,
    turn: Turn,
    event_type: String,
    event_id: Option<String>,
    kept: Duration,
    /// The outcome to record.
    done: Option<Outcome>,
}

impl Claimed {
    async fn claim(&self) -> Result<Claim, LayerError> {
        let Self { layer, turn, .. } = self;
        let claim = layer.store.claim(turn.key(), layer.owner, layer.lease);
        claim.await.map_err(|error| self.store_failed(error))
    }

    /// Records a success in the store, or releases the key.
    async fn settle(&self) {
        let Self { layer, turn, .. } = self;
        let settled = match self.done.clone() {
            Some(outcome) => layer.store.done(turn.key(), outcome, self.kept).await,
            None => layer.store.release(turn.key(), layer.owner).await,
        };
        if let Err(error) = settled {
            let error = &self.store_failed(error) as &dyn Error;
            let (event_type, event_id) = (&self.event_type, self.event_id.as_deref());
            let handled = self.done.is_some();
            warn!(
                event_type,
                event_id, handled, error, "the store failed to record the event"
            );
        }
    }

    fn store_failed(&self, error: BoxError) -> LayerError {
        self.layer.counters.store_errors.add_one();
        LayerError::with_source(LayerErrorKind::Store, error)
    }
}

/// Settles a delivery that was dropped before it finished, in a task with one call to the store. The
/// next delivery of the key waits for the task, and so does [`DedupLayer::settled`]. If the runtime is
/// gone, the claim ends with its lease.
struct Claiming(Option<Claimed>);

impl Drop for Claiming {
    fn drop(&mut self) {
        if let (Some(claimed), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            let settling = claimed.layer.settling.clone();
            let settle = async move { claimed.settle().await };
            settling.spawn_on(settle.in_current_span(), &runtime);
        }
    }
}
