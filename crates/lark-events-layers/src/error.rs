//! The errors of this crate's layers.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use lark_events::BoxError;

/// A layer did not accept a delivery. Services recognize this error by downcast: `EventService` of
/// `lark-events-tower` chooses the HTTP status by it.
///
/// A layer of your own can return it, so that transports and metrics treat its failures like those of this crate's
/// layers:
///
/// ```
/// use lark_events_layers::{LayerError, LayerErrorKind};
///
/// fn stored(written: std::io::Result<()>) -> Result<(), LayerError> {
///     written.map_err(|error| LayerError::with_source(LayerErrorKind::Store, error))
/// }
/// ```
#[derive(Debug)]
pub struct LayerError {
    kind: LayerErrorKind,
    source: Option<BoxError>,
}

/// The kinds of [`LayerError`], each with the status of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LayerErrorKind {
    /// A limit of the layer is reached: 503.
    Overloaded,
    /// The layer is draining, or its transport was draining while the delivery waited: 503.
    Draining,
    /// The delivery waited for its turn in an [`InOrderLayer`](crate::InOrderLayer) for longer than
    /// [`max_wait`](crate::InOrderLayerBuilder::max_wait): 503.
    Late,
    /// The ack deadline passed while the delivery waited: 504.
    Deadline,
    /// Another process is handling the same event: 503.
    Held,
    /// No worker runs that could handle a stored event before the process ends: 503.
    NoWorker,
    /// The store of a [`DedupLayer`](crate::DedupLayer) or an inbox failed, for the reason in the source: 500.
    Store,
    /// An [`AllowLayer`](crate::AllowLayer) does not allow the chat or the user of a callback: 503. It acknowledges
    /// events instead.
    Denied,
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
            Self::NoWorker => "no_worker",
            Self::Store => "store",
            Self::Denied => "denied",
            Self::Panicked => "panicked",
        }
    }
}

impl LayerError {
    /// Creates an error without a cause.
    #[must_use]
    pub fn new(kind: LayerErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// Creates an error with its cause. Transports log the cause, so it must not contain a secret.
    #[must_use]
    pub fn with_source(kind: LayerErrorKind, source: impl Into<BoxError>) -> Self {
        Self {
            kind,
            source: Some(source.into()),
        }
    }

    /// The reason.
    #[must_use]
    pub fn kind(&self) -> LayerErrorKind {
        self.kind
    }
}

impl fmt::Display for LayerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            LayerErrorKind::Overloaded => "too many deliveries are waiting",
            LayerErrorKind::Draining => "the layer is draining",
            LayerErrorKind::Late => "the delivery waited too long for its turn",
            LayerErrorKind::Deadline => "the ack deadline passed while the delivery waited",
            LayerErrorKind::Held => "another process is handling the same event",
            LayerErrorKind::NoWorker => "no worker runs that could handle the event",
            LayerErrorKind::Store => "the store of a layer failed",
            LayerErrorKind::Denied => "the chat or the user is not allowed",
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

/// A layer cannot be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerBuildError {
    kind: LayerBuildErrorKind,
    /// The name of the setting, or the pointer.
    set: Cow<'static, str>,
}

/// The kinds of [`LayerBuildError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LayerBuildErrorKind {
    /// A limit or time is 0, so that no event could be handled.
    Zero,
    /// A JSON pointer does not begin with `/`.
    InvalidPointer,
}

impl LayerBuildError {
    /// Checks that none of these settings is 0, for the builder of a layer of your own.
    ///
    /// ```
    /// use lark_events_layers::LayerBuildError;
    ///
    /// let error = LayerBuildError::if_zero([("workers", true), ("attempts", false)]).unwrap_err();
    /// assert!(error.to_string().starts_with("`workers` must be greater than 0"));
    /// ```
    ///
    /// # Errors
    ///
    /// [`Zero`](LayerBuildErrorKind::Zero) with the name of the first setting that is.
    pub fn if_zero(settings: impl IntoIterator<Item = (&'static str, bool)>) -> Result<(), Self> {
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

    /// The reason.
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
                "`{set}` must be greater than 0, got 0: set a larger value or leave it unset"
            ),
            LayerBuildErrorKind::InvalidPointer => write!(
                f,
                "the JSON pointer {set:?} must begin with `/`, as in `/message/chat_id`"
            ),
        }
    }
}

impl Error for LayerBuildError {}

/// A drain ended before all handlers had finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrainError {
    kind: DrainErrorKind,
    cancelled: u64,
}

/// The kinds of [`DrainError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DrainErrorKind {
    /// Handlers still ran when the time limit of the drain was over.
    TimedOut,
}

impl DrainError {
    pub(crate) fn timed_out(cancelled: u64) -> Self {
        let kind = DrainErrorKind::TimedOut;
        Self { kind, cancelled }
    }

    /// The reason.
    #[must_use]
    pub fn kind(&self) -> DrainErrorKind {
        self.kind
    }

    /// The number of cancelled handlers. Their deliveries were not acknowledged: the platform redelivers events,
    /// but not callbacks.
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
