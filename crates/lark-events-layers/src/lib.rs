//! Layers around a dispatcher of Feishu/Lark events, for whatever transport: a webhook
//! (`lark-events-tower`), the long connection (`lark-events-ws`), or both.
//!
//! # Layers
//!
//! Layers of events, for whatever transport:
//!
//! - [`DedupLayer`] handles an event once, however often it is delivered.
//! - [`AckFirstLayer`] acknowledges an event before it is handled.
//! - [`InOrderLayer`] handles the events of one key in order.
//!
//! Together they go in this order: a duplicate then takes no place in the queue, and what leaves the
//! queue enters its lane in order. What waits in a lane holds a worker, so there are many of those, and a
//! limit inside bounds what runs: no busy tenant holds up another. A time-out inside of them bounds a
//! handler, and no waiting:
//!
//! ```
//! use std::time::Duration;
//!
//! use lark_events::Dispatcher;
//! use lark_events_layers::{AckFirstLayer, DedupLayer, InOrderLayer};
//! use tower::ServiceBuilder;
//!
//! let ack_first = AckFirstLayer::new().workers(1_000); // to drain, after the transport
//! let service = ServiceBuilder::new()
//!     .layer(DedupLayer::new())
//!     .layer(ack_first.clone())
//!     .layer(InOrderLayer::by_tenant())
//!     .concurrency_limit(16)
//!     .timeout(Duration::from_secs(60))
//!     .service(Dispatcher::builder().build()?);
//! # Ok::<(), lark_events::BuildError>(())
//! ```
//!
//! # Features
//!
//! - `metrics`: `MetricsLayer` for the `metrics` facade. Off by default.

// Each item says which feature it needs, on docs.rs.
#![cfg_attr(docsrs, feature(doc_cfg))]
// Nothing that comes from the network makes this panic or miscount.
#![cfg_attr(
    not(test),
    warn(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unreachable
    )
)]

mod ack_first;
mod dedup;
mod error;
mod future;
mod in_order;
mod key;
mod lanes;
#[cfg(feature = "metrics")]
mod metrics;
pub mod run;

pub use self::ack_first::{
    AckFirst, AckFirstLayer, AckFirstStats, DEFAULT_MAX_BYTES, DEFAULT_MAX_QUEUED, DEFAULT_WORKERS,
};
pub use self::dedup::{
    Claim, DEFAULT_CAPACITY, DEFAULT_KEPT, DEFAULT_LEASE, Dedup, DedupLayer, DedupStats,
    DedupStore, MemoryStore,
};
pub use self::error::{LayerError, LayerErrorKind};
pub use self::future::OutcomeFuture;
pub use self::in_order::{
    DEFAULT_MAX_WAITING, DEFAULT_MAX_WAITING_PER_KEY, InOrder, InOrderLayer, InOrderStats,
};
#[cfg(feature = "metrics")]
pub use self::metrics::{Measured, MetricsLayer};
pub use self::run::DrainError;
