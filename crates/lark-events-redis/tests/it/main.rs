//! The store on real servers.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cluster;
mod contract;
mod durability;
mod layers;
mod outages;
mod rejected;
mod server;
mod tls;
