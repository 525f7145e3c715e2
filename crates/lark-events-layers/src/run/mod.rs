//! Running handlers, for both transports and the workers of `lark-events-inbox`. Use it to write another
//! transport, or a layer that makes deliveries wait; an app does not need it.
//!
//! [`Tasks`] runs the handlers of one transport: limited in number, counted, and drained at the end.
//! [`Tasks::call`] waits until the service is ready and calls it. [`Tasks::run`] runs the handler in its own task,
//! which neither the sender nor dropping the transport cancels. [`Tasks::begin`] does both, and polls a handler
//! once in the caller's task first if handlers of its event type do not block.
//!
//! A delivery is not started after its ack deadline has passed or a drain has begun, wherever it waits:
//! the platform redelivers it, so it would be handled twice or cancelled. The transport checks this
//! while a delivery waits for the service, and each layer with [`unless_over`] while a delivery waits
//! in it.

mod begin;
mod counter;
mod failure;
mod large;
mod prompt;
mod running;
mod start;
mod tasks;

use std::time::Duration;

use lark_events::limits::MAX_EVENT_BYTES;
use tokio::time::Instant;

pub use self::begin::{Begun, Pending};
pub use self::counter::Counter;
pub use self::failure::{causes, is_logged, is_not_started, panicked, unless_rejected};
pub use self::large::{MAX_INLINE_BYTES, off_the_workers};
pub use self::running::Slot;
pub use self::start::unless_over;
pub use self::tasks::{
    CALLBACK_SLOTS, CANCEL_GRACE, Called, Ended, NotStarted, Tasks, Terms, poll_ready,
};

/// The default number of handlers that run at once: 1,024.
pub const DEFAULT_MAX_RUNNING: usize = 1_024;
/// The default number of bytes of events held at once: sixteen of the largest, or tens of thousands of
/// typical events.
pub const DEFAULT_MAX_BYTES_IN_FLIGHT: usize = 16 * MAX_EVENT_BYTES;
/// The default ack deadline: 2.5 seconds. The platform waits 3 seconds; the remaining half second is for the answer
/// to arrive.
pub const DEFAULT_ACK_DEADLINE: Duration = Duration::from_millis(2_500);

/// The instant `duration` after `start`, or one far in the future if that overflows.
#[expect(clippy::arithmetic_side_effects, reason = "in 30 years time goes on")]
#[must_use]
pub fn after(start: Instant, duration: Duration) -> Instant {
    const FAR: Duration = Duration::from_hours(262_800); // 30 years
    start.checked_add(duration).unwrap_or_else(|| start + FAR)
}
