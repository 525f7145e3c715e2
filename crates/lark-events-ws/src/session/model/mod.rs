//! A model of everything around a session: a platform and handlers that do anything, a driver that is
//! late, and the invariants of the session. Property tests choose the [`Step`]s, and so does the
//! fuzzer.

#![expect(clippy::arithmetic_side_effects, reason = "a test's own numbers, which are small")]

mod large;
mod promises;
mod step;
mod world;

pub use self::step::Step;
#[cfg(test)]
pub(super) use self::world::LONGEST_SILENCE;
pub use self::world::World;

/// The number of fragmented messages at the same time.
pub const LARGE: usize = 8;
