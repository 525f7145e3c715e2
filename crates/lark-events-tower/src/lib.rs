//! Receives Feishu/Lark events in any HTTP server that speaks [tower](https://docs.rs/tower):
//! [`EventService`] as a route, [`EventLayer`] around an existing service.
//!
//! Both open requests with a [`Webhook`](lark_events::Webhook) and pass authentic deliveries to a
//! [`Service`](tower_service::Service) of [`Delivery`](lark_events::Delivery): a
//! [`Dispatcher`](lark_events::Dispatcher), alone or under tower's layers. A limit around the dispatcher counts
//! authentic events only:
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
//! For de-duplication, ordering and metrics, use the layers of
//! [`lark-events-layers`](https://docs.rs/lark-events-layers), which work with any transport. For
//! handlers that take longer than the platform waits, use an inbox of
//! [`lark-events-inbox`](https://docs.rs/lark-events-inbox).
//!
//! # Features
//!
//! - `old-card`: `OldCardService` for the card callback of the old scheme. Off by default.
//! - `metrics`: counts requests for the `metrics` facade. Off by default.
//!
//! | name | kind | labels | what |
//! | --- | --- | --- | --- |
//! | `lark_events_answers_total` | counter | `status` | answers of an [`EventService`], by HTTP status: 504 for a handler that misses the ack deadline, even if it succeeds later |
//! | `lark_events_rejections_total` | counter | `reason` | requests that the webhook rejected. It begins at 0 for each reason, if the recorder is installed before the service is built |
//!
//! `MetricsLayer` of `lark-events-layers` has the metrics of deliveries.

// docs.rs shows the required feature of each item.
#![cfg_attr(docsrs, feature(doc_cfg))]
// Input from the network must not cause a panic or an overflow.
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

mod answer;
mod body;
mod builder;
mod error;
mod layer;
#[cfg(feature = "metrics")]
mod metrics;
mod name;
mod opener;
mod refused;
mod request;
mod response;
mod service;
mod stats;
mod unverified;

pub use lark_events::LateHandler;
pub use lark_events_layers::run::{
    DEFAULT_ACK_DEADLINE, DEFAULT_MAX_BYTES_IN_FLIGHT, DEFAULT_MAX_RUNNING,
};
pub use lark_events_layers::{DrainError, DrainErrorKind};

pub use self::body::{Never, ResponseBody};
pub use self::builder::{DEFAULT_READ_TIMEOUT, EventServiceBuilder};
pub use self::error::{EventServiceBuildError, EventServiceBuildErrorKind};
pub use self::layer::{EventLayer, LayerFuture, WithEvents};
pub use self::opener::Opener;
pub use self::response::ResponseFuture;
pub use self::service::EventService;
#[cfg(feature = "old-card")]
pub use self::service::OldCardService;
pub use self::stats::Stats;

/// Runs the examples of the README as tests.
#[cfg(doctest)]
mod readmes {
    #[doc = include_str!("../../lark-events/README.md")]
    mod lark_events {}
    #[doc = include_str!("../../lark-events-layers/README.md")]
    mod lark_events_layers {}
    #[doc = include_str!("../README.md")]
    mod lark_events_tower {}
    #[doc = include_str!("../../lark-events-sim/README.md")]
    mod lark_events_sim {}
    #[doc = include_str!("../../lark-events-ws/README.md")]
    mod lark_events_ws {}
}
