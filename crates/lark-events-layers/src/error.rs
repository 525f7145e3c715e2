//! Why a layer of this crate cannot be built, or does not pass a delivery on, or not yet.

use std::borrow::Cow;
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
    /// A layer around the handler panicked: 500. The handler's own panic is a
    /// [`DispatchError`](lark_events::DispatchError).
    Panicked,
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
            Self::Panicked => "panicked",
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
            LayerErrorKind::Panicked => "a layer around the handler panicked",
        })
    }
}

impl Error for LayerError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}

/// Why a layer cannot be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerBuildError {
    kind: LayerBuildErrorKind,
    /// What was set: the name of a setting, or the pointer.
    set: Cow<'static, str>,
}

/// The kinds of [`LayerBuildError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LayerBuildErrorKind {
    /// A bound or a time is 0 with which no event could be handled.
    Zero,
    /// A JSON pointer does not begin with `/`.
    InvalidPointer,
}

impl LayerBuildError {
    /// An error if any of these settings is 0.
    pub(crate) fn if_zero(
        settings: impl IntoIterator<Item = (&'static str, bool)>,
    ) -> Result<(), Self> {
        match settings.into_iter().find(|(_, is_zero)| *is_zero) {
            None => Ok(()),
            Some((setting, _)) => Err(Self {
                kind: LayerBuildErrorKind::Zero,
                set: setting.into(),
            }),
        }
    }

    pub(crate) fn invalid_pointer(pointer: String) -> Self {
        Self {
            kind: LayerBuildErrorKind::InvalidPointer,
            set: pointer.into(),
        }
    }

    /// Why it cannot be built.
    #[must_use]
    pub fn kind(&self) -> LayerBuildErrorKind {
        self.kind
    }
}

impl fmt::Display for LayerBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = &*self.set;
        match self.kind {
            LayerBuildErrorKind::Zero => write!(
                f,
                "`{set}` is 0, with which no event could be handled: set more, or leave it unset"
            ),
            LayerBuildErrorKind::InvalidPointer => write!(
                f,
                "the JSON pointer {set:?} does not begin with `/`: write it as in `/message/chat_id`"
            ),
        }
    }
}

impl Error for LayerBuildError {}

/// Why a drain did not let all handlers finish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrainError {
    kind: DrainErrorKind,
    cancelled: u64,
}

/// The kinds of [`DrainError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DrainErrorKind {
    /// Handlers still ran when the time of the drain was over.
    TimedOut,
}

impl DrainError {
    pub(crate) fn timed_out(cancelled: u64) -> Self {
        let kind = DrainErrorKind::TimedOut;
        Self { kind, cancelled }
    }

    /// Why not all finished.
    #[must_use]
    pub fn kind(&self) -> DrainErrorKind {
        self.kind
    }

    /// How many handlers were cancelled. None of their deliveries was acknowledged, so the platform sends the
    /// events among them again; callbacks are not sent again. Under an
    /// [`AckFirstLayer`](crate::AckFirstLayer) all of them were, and are lost.
    #[must_use]
    pub fn cancelled(&self) -> u64 {
        self.cancelled
    }
}

impl fmt::Display for DrainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cancelled, .. } = self;
        write!(f, "handlers cancelled before they finished: {cancelled}")
    }
}

impl Error for DrainError {}
