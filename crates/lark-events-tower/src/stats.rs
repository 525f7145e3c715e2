//! What a service counts.

use lark_events_layers::run::{Counter, Tasks};

/// Handlers that run, and counts of what went wrong. See [`EventService::stats`].
///
/// [`EventService::stats`]: crate::EventService::stats
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Handlers running now, and events waiting for the inner service to be ready.
    pub running: usize,
    /// Deliveries answered 504: no outcome was there by the ack deadline, or by that of a time-out
    /// layer.
    pub deadline_missed: u64,
    /// Deliveries answered 503: a bound of the service was reached, it was draining, or a load-shed
    /// layer refused.
    pub overloaded: u64,
    /// Handlers cancelled before their end, by [`LateHandler::Cancel`](crate::LateHandler::Cancel)
    /// or at the end of a drain.
    pub cancelled: u64,
    /// Requests rejected by the webhook.
    pub rejected_requests: u64,
    /// Events [rejected](lark_events::Reject) by their handler, and acknowledged.
    pub rejected_events: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) deadline_missed: Counter,
    pub(crate) overloaded: Counter,
    pub(crate) rejected_requests: Counter,
    pub(crate) rejected_events: Counter,
}

impl Counters {
    pub(crate) fn stats(&self, tasks: &Tasks) -> Stats {
        Stats {
            running: tasks.running(),
            deadline_missed: self.deadline_missed.get(),
            overloaded: self.overloaded.get(),
            cancelled: tasks.cancelled(),
            rejected_requests: self.rejected_requests.get(),
            rejected_events: self.rejected_events.get(),
        }
    }
}
