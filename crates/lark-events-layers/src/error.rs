//! Why a layer of this crate does not pass a delivery on, or not yet.

use std::error::Error;
use std::fmt;

use lark_events::BoxError;

/// A delivery that a layer did not take. Whoever gets it is told by downcast, as
/// `EventService` of `lark-events-tower` does for the status.
#[derive(Debug)]
pub struct LayerError {
    kind: LayerErrorKind,
    source: Option<BoxError>,
}

/// Why a layer did not take a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LayerErrorKind {
    /// A bound of the layer is reached: 503.
    Overloaded,
    /// The layer is draining, or its transport was when the delivery waited: 503.
    Draining,
    /// It waited for its turn in an [`InOrderLayer`](crate::InOrderLayer) for as long as it may: 503.
    Late,
    /// Its ack deadline passed while it waited: 504.
    Deadline,
    /// Another process is at the same event: 503.
    Held,
    /// A callback, which needs its answer, came to an [`AckFirstLayer`](crate::AckFirstLayer): 500.
    Callback,
    /// The store of a [`DedupLayer`](crate::DedupLayer) failed, the source says how: 500.
    Store,
}

impl LayerErrorKind {
    /// The name used in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Overloaded => "overloaded",
            Self::Draining => "draining",
            Self::Late => "late",
            Self::Deadline => "deadline",
            Self::Held => "held",
            Self::Callback => "callback",
            Self::Store => "store",
        }
    }
}

impl LayerError {
    pub(crate) fn new(kind: LayerErrorKind) -> Self {
        Self { kind, source: None }
    }

    pub(crate) fn store(source: BoxError) -> Self {
        Self {
            kind: LayerErrorKind::Store,
            source: Some(source),
        }
    }

    /// Why it was not taken.
    #[must_use]
    pub fn kind(&self) -> LayerErrorKind {
        self.kind
    }
}

impl fmt::Display for LayerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            LayerErrorKind::Overloaded => "too many deliveries wait",
            LayerErrorKind::Draining => "the layer is draining",
            LayerErrorKind::Late => "its turn did not come in time",
            LayerErrorKind::Deadline => "its ack deadline passed while it waited",
            LayerErrorKind::Held => "another process is at the same event",
            LayerErrorKind::Callback => "a callback cannot be acknowledged before it is handled",
            LayerErrorKind::Store => "the store of handled events failed",
        })
    }
}

impl Error for LayerError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}
