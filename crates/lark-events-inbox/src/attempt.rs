//! What a handler can learn about its attempt.

use std::sync::Arc;

/// The attempt that a handler runs in, among the extensions of its event.
///
/// An event can be handled more than once: an attempt is repeated if it fails, and if its process dies before its
/// success is stored. Use the event's id to apply an effect once.
///
/// ```
/// use lark_events::{Event, RawJson};
/// use lark_events_inbox::Attempt;
///
/// async fn on_any(event: Event<RawJson>) {
///     if let Some(attempt) = event.extensions.get::<Attempt>()
///         && attempt.is_last()
///     {
///         println!("attempt {} of {}", attempt.number(), attempt.max());
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Attempt {
    pub(crate) number: u32,
    pub(crate) max: u32,
    pub(crate) seq: u64,
    pub(crate) lane: Option<Arc<str>>,
}

impl Attempt {
    /// The number of the attempt: 1 for the first.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The number of attempts after which a failing event becomes a dead letter.
    #[must_use]
    pub fn max(&self) -> u32 {
        self.max
    }

    /// Whether a failure of this attempt makes the event a dead letter.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.number >= self.max
    }

    /// The number of the event in its store.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The lane of the event; `None` without one.
    #[must_use]
    pub fn lane(&self) -> Option<&str> {
        self.lane.as_deref()
    }
}
