//! An event in the life of a connection.

use std::time::Duration;

use bytes::Bytes;

/// An event in the life of a connection.
#[derive(Debug, Clone)]
pub enum Step {
    /// An event in one frame, with a payload of the given size.
    Event {
        /// The size of the payload.
        len: usize,
        /// Whether the frame has the headers of a single fragment.
        says_sum: bool,
    },
    /// A fragment of one of the [`LARGE`](super::LARGE) messages, which may have come before.
    Fragment {
        /// Which message.
        of: usize,
        /// The number of fragments that it claims.
        sum: usize,
        /// Which of them it is.
        seq: usize,
        /// How many bytes it adds.
        len: usize,
    },
    /// Fragments of a message, from an index on, with wrap-around.
    Run {
        /// Which message.
        of: usize,
        /// The number of its fragments.
        sum: usize,
        /// The index of the first.
        first: usize,
        /// How many arrive.
        count: usize,
    },
    /// A fragment of half the maximum event size, or a little more.
    Half {
        /// Which message.
        of: usize,
        /// Which half, or an index out of range.
        seq: usize,
        /// The number of extra bytes.
        more: usize,
    },
    /// One fragment each of many other messages.
    Crowd {
        /// The number of messages.
        count: u64,
    },
    /// A frame with any headers and an empty payload.
    Frame {
        /// The kind of frame.
        method: i32,
        /// Its headers.
        headers: Vec<(&'static str, &'static str)>,
    },
    /// A message of any bytes.
    Message(Bytes),
    /// The platform's answer to a ping.
    Pong {
        /// Its payload.
        settings: Bytes,
    },
    /// A text message.
    Text,
    /// Something that is not a message.
    SignOfLife,
    /// A running handler ends.
    Ends {
        /// Which of them.
        which: usize,
        /// The way in which it ends.
        how: usize,
    },
    /// Time passes; then the session learns the time, or something else happens first.
    Wait {
        /// How much.
        time: Duration,
        /// Whether the session learns the time.
        is_told: bool,
    },
    /// Time passes until the session's next timer.
    Sleep,
    /// A shutdown begins.
    Drain,
    /// The connection is lost, and another one opened.
    Lost,
    /// The same, after an event whose handler is not started yet.
    LostAtEvent,
}
