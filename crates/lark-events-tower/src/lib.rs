//! Receives Feishu/Lark events in any HTTP server that speaks [tower](https://docs.rs/tower):
//! [`EventService`] as a route, [`EventLayer`] around an existing service.
//!
//! Either opens requests with a [`Webhook`](lark_events::Webhook) and passes authentic deliveries
//! to a [`Service`](tower_service::Service) of [`Delivery`](lark_events::Delivery): a
//! [`Dispatcher`](lark_events::Dispatcher), bare or under tower's layers. A limit around the
//! dispatcher is a limit on authentic events only:
//!
//! ```
//! use std::time::Duration;
//!
//! use lark_events::{Dispatcher, Webhook};
//! use lark_events_tower::EventService;
//! use tower::ServiceBuilder;
//!
//! let webhook = Webhook::builder().encrypt_key("key").build()?;
//! let limited = ServiceBuilder::new()
//!     .load_shed() // 503 instead of waiting
//!     .concurrency_limit(32)
//!     .timeout(Duration::from_secs(2)) // 504
//!     .service(Dispatcher::builder().build()?);
//! let app: axum::Router =
//!     axum::Router::new().route_service("/webhook/event", EventService::new(webhook, limited));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
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
//! use lark_events_tower::{AckFirstLayer, DedupLayer, InOrderLayer};
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
//! - `card-v1`: `CardActionService` for the card callback of the old scheme. Off by default.
//! - `metrics`: `MetricsLayer` for the `metrics` facade. Off by default.

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
mod answer;
mod body;
mod builder;
mod dedup;
mod error;
mod future;
mod in_order;
mod key;
mod lanes;
mod layer;
#[cfg(feature = "metrics")]
mod metrics;
mod opener;
mod refused;
mod service;
mod tasks;
mod unverified;

pub use lark_events::LateHandler;

pub use self::ack_first::{
    AckFirst, AckFirstLayer, AckFirstStats, DEFAULT_MAX_QUEUED, DEFAULT_WORKERS,
};
pub use self::body::{Never, ResponseBody};
pub use self::builder::{
    DEFAULT_ACK_DEADLINE, DEFAULT_MAX_BYTES_IN_FLIGHT, DEFAULT_MAX_RUNNING, DEFAULT_READ_TIMEOUT,
    EventServiceBuilder,
};
pub use self::dedup::{
    Claim, DEFAULT_CAPACITY, DEFAULT_KEPT, DEFAULT_LEASE, Dedup, DedupLayer, DedupStats,
    DedupStore, MemoryStore,
};
pub use self::error::{LayerError, LayerErrorKind};
pub use self::future::OutcomeFuture;
pub use self::in_order::{DEFAULT_MAX_WAITING, InOrder, InOrderLayer, InOrderStats};
pub use self::layer::{EventLayer, LayerFuture, WithEvents};
#[cfg(feature = "metrics")]
pub use self::metrics::{Measured, MetricsLayer};
pub use self::opener::Opener;
#[cfg(feature = "card-v1")]
pub use self::service::CardActionService;
pub use self::service::{EventService, ResponseFuture};
pub use self::tasks::{DrainError, Stats};

/// The examples of READMEs are tests.
#[cfg(doctest)]
mod readmes {
    #[doc = include_str!("../../../README.md")]
    mod workspace {}
    #[doc = include_str!("../../lark-events/README.md")]
    mod lark_events {}
    #[doc = include_str!("../README.md")]
    mod lark_events_tower {}
    #[doc = include_str!("../../lark-events-sim/README.md")]
    mod lark_events_sim {}
    #[doc = include_str!("../../lark-events-ws/README.md")]
    mod lark_events_ws {}
}
