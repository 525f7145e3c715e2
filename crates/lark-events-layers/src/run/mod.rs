//! Running handlers: what both transports, and [`AckFirstLayer`](crate::AckFirstLayer), do alike. Another transport,
//! or a layer that makes deliveries wait, uses it too; an app needs none of it.
//!
//! [`Tasks`] are the handlers of one transport: bounded in number, counted, and drained at the end.
//! [`Tasks::call`] waits until the service is ready and calls it, [`Tasks::run`] runs the handler as a task of its own, which
//! neither the sender nor dropping the transport cancels.
//!
//! A delivery is not started once its ack deadline has passed or a drain has begun, wherever it waits: the
//! platform delivers it again, and it would be handled twice or cut off. The transport sees to that for
//! what waits for the service, and each layer, by [`unless_over`], for what waits in it.

mod counter;
mod failure;
mod large;
mod start;
mod tasks;

use std::time::Duration;

use lark_events::limits::MAX_EVENT_BYTES;
use tokio::time::Instant;

pub use self::counter::Counter;
pub use self::failure::{causes, is_logged, is_not_started, panicked, unless_rejected};
pub use self::large::{MAX_INLINE_BYTES, off_the_workers};
pub use self::start::unless_over;
pub(crate) use self::start::{acknowledged, is_acknowledged};
pub use self::tasks::{
    CALLBACK_SLOTS, CANCEL_GRACE, Called, Ended, NotStarted, Slot, Tasks, Terms,
};

/// Handlers that run at once.
pub const DEFAULT_MAX_RUNNING: usize = 1_024;
/// Bytes of events held at once: sixteen of the largest, or tens of thousands of the usual kind.
pub const DEFAULT_MAX_BYTES_IN_FLIGHT: usize = 16 * MAX_EVENT_BYTES;
/// The platform waits 3 seconds; this leaves half a second for the way of an answer that says that
/// there is no outcome.
pub const DEFAULT_ACK_DEADLINE: Duration = Duration::from_millis(2_500);

/// A moment so long after `start`, or far in the future where no moment is.
#[expect(clippy::arithmetic_side_effects, reason = "in 30 years time goes on")]
#[must_use]
pub fn after(start: Instant, duration: Duration) -> Instant {
    const FAR: Duration = Duration::from_hours(262_800); // 30 years
    start.checked_add(duration).unwrap_or_else(|| start + FAR)
}
