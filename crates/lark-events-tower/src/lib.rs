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
//! # Features
//!
//! - `card-v1`: `CardActionService` for the card callback of the old scheme. Off by default.

mod answer;
mod body;
mod builder;
mod layer;
mod opener;
mod refused;
mod service;
mod tasks;

pub use lark_events::LateHandler;

pub use self::body::{Never, ResponseBody};
pub use self::builder::{
    DEFAULT_ACK_DEADLINE, DEFAULT_MAX_BYTES_IN_FLIGHT, DEFAULT_MAX_RUNNING, DEFAULT_READ_TIMEOUT,
    EventServiceBuilder,
};
pub use self::layer::{EventLayer, LayerFuture, WithEvents};
pub use self::opener::Opener;
#[cfg(feature = "card-v1")]
pub use self::service::CardActionService;
pub use self::service::{EventService, ResponseFuture};
pub use self::tasks::{DrainError, Stats};

/// README's own examples are tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
