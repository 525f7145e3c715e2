//! The cases of the benchmarks, each as a closure, so that times, instructions and allocations are
//! of the same operation.

mod cases;
pub mod event;
mod floor;
mod latency;
pub mod refused;
mod strict;

pub use self::cases::{Case, Workload};
pub use self::event::{Post, Size};
pub use self::latency::percentile;
