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
//! queue enters its lane in order. What waits in a lane counts among what the first runs, so that may be much,
//! and a limit inside bounds what runs: no busy tenant holds up another. A time-out inside of them bounds a
//! handler, and no waiting:
//!
//! ```
//! use std::time::Duration;
//!
//! use lark_events::Dispatcher;
//! use lark_events_layers::{AckFirstLayer, DedupLayer, InOrderLayer};
//! use tower::ServiceBuilder;
//!
//! let ack_first = AckFirstLayer::builder().max_running(1_000).build()?; // to drain, after the transport
//! let service = ServiceBuilder::new()
//!     .layer(DedupLayer::new())
//!     .layer(ack_first.clone())
//!     .layer(InOrderLayer::by_tenant())
//!     .concurrency_limit(16)
//!     .timeout(Duration::from_secs(60))
//!     .service(Dispatcher::builder().build()?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Settings
//!
//! `XLayer::new()` has the defaults, `XLayer::builder()` sets them. A bound of 0 admits nothing and a time of
//! 0 is over at once: where no event could be handled with it, `build` fails with
//! [`LayerBuildErrorKind::Zero`], as do the builders of both transports. All clones of a layer and the
//! services under them share their bounds and counts.
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

pub use self::ack_first::{AckFirst, AckFirstLayer, AckFirstLayerBuilder, AckFirstStats};
pub use self::dedup::{
    Claim, Dedup, DedupLayer, DedupLayerBuilder, DedupStats, DedupStore, MemoryStore,
};
pub use self::error::{
    DrainError, DrainErrorKind, LayerBuildError, LayerBuildErrorKind, LayerError, LayerErrorKind,
};
pub use self::future::OutcomeFuture;
pub use self::in_order::{InOrder, InOrderLayer, InOrderLayerBuilder, InOrderStats};
#[cfg(feature = "metrics")]
pub use self::metrics::{Measured, MetricsLayer};
