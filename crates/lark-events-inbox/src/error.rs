//! The errors of running an inbox.

use std::error::Error;
use std::fmt;

/// A worker stopped before it had handled all the events that it had to.
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
    /// The [time limit of the shutdown](crate::InboxBuilder::drain_timeout) was over.
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

    /// The number of handlers that were cancelled, or whose result could not be stored. If the store outlives the
    /// process, another worker claims their events again.
    #[must_use]
    pub fn cancelled(&self) -> u64 {
        self.cancelled
    }

    /// The number of lost events: those left in a store that does not outlive the process.
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
            "the time limit of the shutdown was over: {cancelled} handlers cancelled, {left} events lost"
        )
    }
}

impl Error for InboxError {}
