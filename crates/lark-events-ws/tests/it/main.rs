//! The long connection against the simulator: in memory with a paused clock where time counts,
//! over sockets where those do.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod connecting;
mod events;
mod faults;
mod layers;
mod proxies;
mod shutdown;
mod sockets;
mod support;
mod writes;
