//! Failures of handlers and of what is around them.

use std::error::Error;
use std::fmt;

use lark_events::DispatchError;

use crate::error::{LayerError, LayerErrorKind};

/// An error and its causes.
pub fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// Whether the dispatcher has logged the error or one of its causes: a failure is logged once.
pub fn is_logged(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(<dyn Error>::is::<DispatchError>)
}

/// Whether a delivery was not started, since its deadline had passed or a drain had begun while it
/// waited in a layer.
pub fn is_not_started(error: &(dyn Error + 'static)) -> bool {
    let layers = causes(error).filter_map(|error| error.downcast_ref::<LayerError>());
    let mut kinds = layers.map(LayerError::kind);
    kinds.any(|kind| matches!(kind, LayerErrorKind::Deadline | LayerErrorKind::Draining))
}

/// A layer around the handler panicked; the handler's own panic is a
/// [`DispatchError`](lark_events::DispatchError).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Panicked;

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a layer around the handler panicked")
    }
}

impl Error for Panicked {}
