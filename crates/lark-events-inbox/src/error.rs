//! The errors of running an inbox.

use std::error::Error;
use std::fmt;

/// A worker stopped with events left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboxError {
    kind: InboxErrorKind,
    cancelled: u64,
    left: u64,
}

/// The kinds of [`InboxError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InboxErrorKind {
    /// The time of the shutdown was over.
    TimedOut,
}

impl InboxError {
    pub(crate) fn timed_out(cancelled: u64, left: u64) -> Self {
        Self {
            kind: InboxErrorKind::TimedOut,
            cancelled,
            left,
        }
    }

    /// The reason.
    #[must_use]
    pub fn kind(&self) -> InboxErrorKind {
        self.kind
    }

    /// The number of handlers that were cancelled, or whose end could not be stored. Their events are
    /// claimed again by another worker, if the store outlives the process.
    #[must_use]
    pub fn cancelled(&self) -> u64 {
        self.cancelled
    }

    /// The number of events that are left in a store that dies with the process. They are lost.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left
    }
}

impl fmt::Display for InboxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            cancelled, left, ..
        } = self;
        write!(
            f,
            "the time of the shutdown was over: {cancelled} handlers cancelled, {left} events lost"
        )
    }
}

impl Error for InboxError {}
