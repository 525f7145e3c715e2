//! The counts of a service.

use lark_events_layers::run::{Counter, Tasks};

/// The running handlers, and counts of failures. See [`EventService::stats`].
///
/// [`EventService::stats`]: crate::EventService::stats
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Handlers running now, and events waiting for the inner service to be ready.
    pub running: usize,
    /// Deliveries answered 504: the ack deadline, or that of a time-out layer, passed without an
    /// outcome.
    pub deadline_missed: u64,
    /// Deliveries answered 503: a limit was reached, the service was draining, or a load-shed layer
    /// rejected the delivery.
    pub overloaded: u64,
    /// Handlers cancelled before they finished, by [`LateHandler::Cancel`](crate::LateHandler::Cancel)
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
