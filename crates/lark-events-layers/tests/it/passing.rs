//! Deliveries passed to a service by hand.

use lark_events::{BoxError, Delivery, EventHeader, Outcome, RawJson};
use lark_events_layers::{LayerError, LayerErrorKind};
use tower::{Service, ServiceExt as _};

/// A delivery of `event_type` as if from either transport, with an event id.
pub(crate) fn delivery(event_type: &str, event_id: &str) -> Delivery {
    let mut header = EventHeader::new(event_type);
    header.event_id = Some(event_id.to_owned());
    Delivery::new(header, RawJson::default())
}

/// Passes a delivery through a clone of `service`.
pub(crate) async fn pass<S>(service: &S, delivery: Delivery) -> Result<Outcome, S::Error>
where
    S: Service<Delivery, Response = Outcome> + Clone,
{
    service.clone().oneshot(delivery).await
}

/// Why a layer refused.
pub(crate) fn refusal(result: Result<Outcome, BoxError>) -> LayerErrorKind {
    let error = result.unwrap_err();
    error.downcast_ref::<LayerError>().unwrap().kind()
}
