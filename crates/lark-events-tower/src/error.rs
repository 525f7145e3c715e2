//! Why a service cannot be built.

use std::error::Error;
use std::fmt;

/// An [`EventService`](crate::EventService) cannot be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventServiceBuildError {
    kind: EventServiceBuildErrorKind,
    setting: &'static str,
}

/// The kinds of [`EventServiceBuildError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventServiceBuildErrorKind {
    /// A limit or a time is 0, so that no event could be handled.
    Zero,
}

impl EventServiceBuildError {
    pub(crate) fn zero(setting: &'static str) -> Self {
        let kind = EventServiceBuildErrorKind::Zero;
        Self { kind, setting }
    }

    /// The reason.
    #[must_use]
    pub fn kind(&self) -> EventServiceBuildErrorKind {
        self.kind
    }
}

impl fmt::Display for EventServiceBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, setting } = self;
        match kind {
            EventServiceBuildErrorKind::Zero => write!(
                f,
                "`{setting}` must be greater than 0, got 0: set a larger value or leave it unset"
            ),
        }
    }
}

impl Error for EventServiceBuildError {}
