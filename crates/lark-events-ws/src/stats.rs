//! What happened on a connection, in numbers.

use std::sync::Arc;

use lark_events_layers::run::{Counter, Tasks};

/// Counts since [`LongConnection`](crate::LongConnection) was built, over all its reconnections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Frames received, of any kind.
    pub frames: u64,
    /// Messages received that are no frame, or of a kind that this client does not take.
    pub ignored: u64,
    /// Events and callbacks received whole.
    pub events: u64,
    /// Acknowledgements of success, put on their way.
    pub acked: u64,
    /// Of those: events [rejected](lark_events::Reject) by their handler.
    pub rejected_events: u64,
    /// Acknowledgements of failure, put on their way for whatever reason: the platform delivers an
    /// event again.
    pub failed: u64,
    /// Of those: no outcome was there by the ack deadline.
    pub deadline_missed: u64,
    /// Of those: too many events waited, or too many bytes were in flight, or the connection was
    /// draining.
    pub overloaded: u64,
    /// Events that were not answered, since the connection was gone: the platform delivers them
    /// again.
    pub unsent: u64,
    /// Handlers cancelled before their end, by [`LateHandler::Cancel`](crate::LateHandler::Cancel)
    /// or at the end of a drain.
    pub cancelled: u64,
    /// Fragments dropped: of events that never got whole, or that broke a bound.
    pub fragments_dropped: u64,
    /// Connections opened after the first one.
    pub reconnects: u64,
    /// Handlers running now.
    pub running: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) frames: Counter,
    pub(crate) ignored: Counter,
    pub(crate) events: Counter,
    pub(crate) acked: Counter,
    pub(crate) rejected_events: Counter,
    pub(crate) failed: Counter,
    pub(crate) deadline_missed: Counter,
    pub(crate) overloaded: Counter,
    pub(crate) unsent: Counter,
    pub(crate) fragments_dropped: Counter,
    pub(crate) reconnects: Counter,
    /// The handlers, which the session bounds.
    pub(crate) tasks: Arc<Tasks>,
}

impl Counters {
    pub(crate) fn stats(&self) -> Stats {
        Stats {
            frames: self.frames.get(),
            ignored: self.ignored.get(),
            events: self.events.get(),
            acked: self.acked.get(),
            rejected_events: self.rejected_events.get(),
            failed: self.failed.get(),
            deadline_missed: self.deadline_missed.get(),
            overloaded: self.overloaded.get(),
            unsent: self.unsent.get(),
            cancelled: self.tasks.cancelled(),
            fragments_dropped: self.fragments_dropped.get(),
            reconnects: self.reconnects.get(),
            running: self.tasks.running(),
        }
    }
}
