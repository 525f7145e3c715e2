//! Something that happens to a connection.

use std::time::Duration;

use bytes::Bytes;

/// Something that happens to a connection.
#[derive(Debug, Clone)]
pub enum Step {
    /// An event in one frame, with so many bytes of payload.
    Event {
        /// How many.
        len: usize,
        /// Whether the frame says that it is one of one.
        says_sum: bool,
    },
    /// A fragment of one of the [`LARGE`](super::LARGE) messages, which may have come before.
    Fragment {
        /// Which message.
        of: usize,
        /// How many fragments it says there are.
        sum: usize,
        /// Which of them it is.
        seq: usize,
        /// How many bytes it adds.
        len: usize,
    },
    /// Fragments of a message, from a place on and around.
    Run {
        /// Which message.
        of: usize,
        /// How many fragments it has.
        sum: usize,
        /// The first to come.
        first: usize,
        /// How many come.
        count: usize,
    },
    /// A fragment that is half of what an event may have, or a little more.
    Half {
        /// Which message.
        of: usize,
        /// Which half, or no possible place.
        seq: usize,
        /// How many bytes more.
        more: usize,
    },
    /// One fragment each of many other messages.
    Crowd {
        /// How many.
        count: u64,
    },
    /// A frame of anything, with an empty payload.
    Frame {
        /// The kind of frame.
        method: i32,
        /// Its headers.
        headers: Vec<(&'static str, &'static str)>,
    },
    /// A message of any bytes.
    Message(Bytes),
    /// What the platform answers to a ping.
    Pong {
        /// Its payload.
        settings: Bytes,
    },
    /// A text.
    Text,
    /// Something that is no message.
    SignOfLife,
    /// One of the handlers that run ends.
    Ends {
        /// Which of them.
        which: usize,
        /// In which of the ways that there are.
        how: usize,
    },
    /// Time goes by; then the session is told, or something else comes first.
    Wait {
        /// How much.
        time: Duration,
        /// Whether the session is told.
        is_told: bool,
    },
    /// Time goes by until the session wants to be told.
    Sleep,
    /// A shutdown begins.
    Drain,
    /// The connection is lost, and another one opened.
    Lost,
    /// The same, when an event has come whose handler is not started.
    LostAtEvent,
}
