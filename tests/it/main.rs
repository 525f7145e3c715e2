//! The whole library together: the design's decisions as tests, and the examples as processes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod auto_traits;
#[path = "../../examples/bounded_listener/mod.rs"]
mod bounded_listener;
mod catalogue;
mod decisions;
mod docs;
mod examples;
mod hostile;
#[cfg(unix)]
mod killed;
mod listener;
mod long_connection;
mod platform;
mod security;
