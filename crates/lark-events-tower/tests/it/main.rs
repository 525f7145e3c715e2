//! What the service and the layer promise, tested from outside.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod apps;
mod axum_mounts;
#[cfg(feature = "card-v1")]
mod card_v1;
mod combinations;
mod deadlines;
mod hostile;
mod limits;
mod oracle;
mod pacing;
mod refusals;
mod sockets;
mod statuses;
mod support;
mod transports;
