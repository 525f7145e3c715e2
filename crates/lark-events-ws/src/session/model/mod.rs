//! What surrounds a session, as a model: a platform and handlers that do anything, a driver that is
//! late, and what holds all the same. Property tests choose the [`Step`]s, and so does the fuzzer.

#![expect(clippy::arithmetic_side_effects, reason = "a test's own numbers, which are small")]

mod large;
mod promises;
mod step;
mod world;

pub use self::step::Step;
#[cfg(test)]
pub(super) use self::world::LONGEST_SILENCE;
pub use self::world::World;

/// Messages that come in fragments at the same time.
pub const LARGE: usize = 8;
