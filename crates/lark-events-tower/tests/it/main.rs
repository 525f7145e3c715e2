//! What the service and the layer promise, tested from outside.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ack_first;
mod apps;
mod axum_mounts;
#[cfg(feature = "card-v1")]
mod card_v1;
mod combinations;
mod deadlines;
mod dedup;
mod dedup_stores;
mod faults;
mod hostile;
mod in_order;
mod limits;
#[cfg(feature = "metrics")]
mod metrics;
mod oracle;
mod pacing;
mod readiness;
mod refusals;
mod sockets;
mod statuses;
mod support;
mod threads;
mod transports;
