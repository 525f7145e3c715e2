//! What the benchmarks measure: each case as a closure that does it once, so that times,
//! instructions and allocations are those of the same thing.

mod cases;
pub mod event;
mod floor;
pub mod refused;
mod strict;

pub use self::cases::{Case, Workload};
pub use self::event::{Post, Size};
