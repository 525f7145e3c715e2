//! The platform, tested from an app's side.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod api;
mod attempts;
mod client;
mod connections;
mod documents;
mod faults;
#[cfg(all(feature = "tls", feature = "webhook-tls"))]
mod https;
mod long_connection;
mod sockets;
mod webhook;
