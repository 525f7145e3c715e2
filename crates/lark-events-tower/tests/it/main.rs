//! What the service and the layer promise, tested from outside.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod apps;
mod axum_mounts;
mod combinations;
mod deadlines;
mod hostile;
mod inline;
mod limits;
#[cfg(feature = "old-card")]
mod old_card;
mod oracle;
mod pacing;
mod refusals;
mod sockets;
mod statuses;
mod support;
mod transports;
