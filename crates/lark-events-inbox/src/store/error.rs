//! Failures of a store.

use std::error::Error;
use std::fmt;

use lark_events::BoxError;

/// The error of a call of a [`Store`](crate::Store).
///
/// Inboxes log it. Its text and its sources must contain no secret, such as a connection URL with a password.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    source: Option<BoxError>,
}

/// The kinds of [`StoreError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store cannot be reached, or failed; it may work again later.
    Unavailable,
    /// The store did not answer in time. The outcome of the call is unknown.
    TimedOut,
    /// The store has no room.
    Full,
    /// The schema of the store is of another version.
    Version,
    /// The store contains data that it cannot read.
    Corrupt,
    /// The store does not support this operation.
    Unsupported,
}

impl StoreErrorKind {
    /// The name used in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::TimedOut => "timed_out",
            Self::Full => "full",
            Self::Version => "version",
            Self::Corrupt => "corrupt",
            Self::Unsupported => "unsupported",
        }
    }
}

impl StoreError {
    /// Creates an error without a source.
    #[must_use]
    pub fn new(kind: StoreErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// Creates an error with a source, which may be an error or a text.
    pub fn with_source(kind: StoreErrorKind, source: impl Into<BoxError>) -> Self {
        let source = Some(source.into());
        Self { kind, source }
    }

    /// The reason.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            StoreErrorKind::Unavailable => "the store is unavailable",
            StoreErrorKind::TimedOut => "the store did not answer in time",
            StoreErrorKind::Full => "the store is full",
            StoreErrorKind::Version => "the schema of the store has another version",
            StoreErrorKind::Corrupt => "the store contains data that cannot be read",
            StoreErrorKind::Unsupported => "the store does not support this operation",
        })
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}
