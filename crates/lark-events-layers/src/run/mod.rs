//! Running handlers: what both transports, and [`AckFirstLayer`](crate::AckFirstLayer), do alike. For whoever writes another
//! transport; an app needs none of it.
//!
//! [`Tasks`] are the handlers of one transport: bounded in number, counted, cancelled at their ack deadline if so chosen, and
//! drained at the end. A handler runs as a task of its own, which neither the sender nor dropping the transport cancels.

mod counter;
mod failure;
mod tasks;

use std::time::Duration;

use tokio::time::Instant;

pub use self::counter::Counter;
pub use self::failure::{Panicked, causes, is_logged};
pub use self::tasks::{DrainError, Ended, Slot, Tasks};

/// A moment so long after `start`, or far in the future where no moment is.
#[expect(clippy::arithmetic_side_effects, reason = "in 30 years time goes on")]
pub fn after(start: Instant, duration: Duration) -> Instant {
    const FAR: Duration = Duration::from_hours(262_800); // 30 years
    start.checked_add(duration).unwrap_or_else(|| start + FAR)
}
