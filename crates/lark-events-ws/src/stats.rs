//! The counts of a connection.

use std::sync::Arc;

use lark_events_layers::run::{Counter, Tasks};

/// Counts since the [`LongConnection`](crate::LongConnection) was built, across reconnects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Frames received, of any kind.
    pub frames: u64,
    /// Messages received that are not a frame, or of a kind that this client does not support.
    pub ignored: u64,
    /// Complete events and callbacks received.
    pub events: u64,
    /// Acknowledgements of success that were queued for sending.
    pub acked: u64,
    /// Of [`acked`](Self::acked): events [rejected](lark_events::Reject) by their handler.
    pub rejected_events: u64,
    /// Acknowledgements of failure that were queued for sending, for any reason: the platform
    /// redelivers the event.
    pub failed: u64,
    /// Of [`failed`](Self::failed): the ack deadline passed without an outcome.
    pub deadline_missed: u64,
    /// Of [`failed`](Self::failed): too many events waited, too many bytes were in flight, or the
    /// connection was draining.
    pub overloaded: u64,
    /// Events that were not answered because the connection was lost: the platform redelivers them.
    pub unsent: u64,
    /// Handlers cancelled before they finished, by [`LateHandler::Cancel`](crate::LateHandler::Cancel)
    /// or at the end of a drain.
    pub cancelled: u64,
    /// Dropped fragments, of events that stayed incomplete or exceeded a limit.
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
    /// The running handlers, which the session limits.
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
