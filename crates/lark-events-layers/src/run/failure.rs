//! Failures of handlers, layers and services.

use std::error::Error;

use lark_events::dispatch::Verdict;
use lark_events::event::DeliveryKind;
use lark_events::{BoxError, DispatchError, Outcome};
use tracing::error;

use crate::error::{LayerError, LayerErrorKind};

/// An error and its causes.
pub fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// Whether the dispatcher has logged the error or one of its causes. A failure is logged once.
pub fn is_logged(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(<dyn Error>::is::<DispatchError>)
}

/// Turns an error that [rejects](lark_events::Reject) an event into its outcome, and logs it; returns
/// any other error unchanged. A dispatcher does so itself: use this for the errors of layers and other
/// services.
///
/// # Errors
///
/// Errors that do not reject the event.
pub fn unless_rejected(
    kind: DeliveryKind,
    (event_type, event_id): (&str, Option<&str>),
    error: BoxError,
) -> Result<Outcome, BoxError> {
    if kind == DeliveryKind::Callback || Verdict::of(&*error) != Some(Verdict::Reject) {
        return Err(error);
    }
    let error = &*error as &(dyn Error + 'static);
    error!(
        event_type,
        event_id, error, "rejected: acknowledged, not retried"
    );
    Ok(Outcome::rejected_by(error))
}

/// The error of a service that panicked.
#[must_use]
pub fn panicked() -> LayerError {
    LayerError::new(LayerErrorKind::Panicked)
}

/// Whether a delivery was not started because its deadline passed, or a drain began, while it waited in
/// a layer.
pub fn is_not_started(error: &(dyn Error + 'static)) -> bool {
    let layers = causes(error).filter_map(|error| error.downcast_ref::<LayerError>());
    let mut kinds = layers.map(LayerError::kind);
    kinds.any(|kind| matches!(kind, LayerErrorKind::Deadline | LayerErrorKind::Draining))
}
