//! The store on real servers.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod connecting;
mod contract;
mod operators;
mod server;
