//! Layers around a dispatcher of Feishu/Lark events, for any transport: webhooks (`lark-events-tower`),
//! the long connection (`lark-events-ws`), or both.
//!
//! # Layers
//!
//! The layers work on events, with any transport:
//!
//! - [`DedupLayer`] handles an event once, even if it is delivered several times.
//! - [`InOrderLayer`] handles the events of one key in order.
//! - [`StaleLayer`], [`AllowLayer`] and [`MentionLayer`] acknowledge events without handling them: those that are
//!   too old, those of chats and users that are not allowed, and messages in groups that do not mention the bot.
//!   Put them around the other layers, or inside an inbox.
//!
//! Combine layers in the order below. A duplicate then takes no place in a lane, and an event that waits in a lane
//! holds no permit of the concurrency limit, so that a busy tenant does not delay another. A time-out inside the
//! layers limits the handler, but not the time of waiting:
//!
//! ```
//! use std::time::Duration;
//!
//! use lark_events::Dispatcher;
//! use lark_events_layers::{DedupLayer, InOrderLayer};
//! use tower::ServiceBuilder;
//!
//! let service = ServiceBuilder::new()
//!     .layer(DedupLayer::new())
//!     .layer(InOrderLayer::by_tenant())
//!     .concurrency_limit(16)
//!     .timeout(Duration::from_secs(60))
//!     .service(Dispatcher::builder().build()?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A handler that takes longer than the platform waits needs a queue. `lark-events-inbox` stores an
//! event, acknowledges it, and handles it afterwards. Its lanes replace `InOrderLayer`, and it
//! recognises duplicates.
//!
//! # Settings
//!
//! `XLayer::new()` uses the defaults, and `XLayer::builder()` changes them. If a limit or time of 0 would keep
//! every event from being handled, `build` fails with [`LayerBuildErrorKind::Zero`]. The same holds for the
//! builders of both transports. All clones of a layer and their services share limits and counts.
//!
//! # Features
//!
//! - `metrics`: `MetricsLayer` for the `metrics` facade. Off by default.

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

mod dedup;
mod error;
mod filter;
mod future;
mod in_order;
pub mod key;
mod label;
mod lanes;
#[cfg(feature = "metrics")]
mod metrics;
pub mod record;
pub mod run;

pub use self::dedup::{
    Claim, Dedup, DedupLayer, DedupLayerBuilder, DedupStats, DedupStore, MemoryStore,
};
pub use self::error::{
    DrainError, DrainErrorKind, LayerBuildError, LayerBuildErrorKind, LayerError, LayerErrorKind,
};
pub use self::filter::{
    AllowLayer, AllowList, AllowStats, Filtered, MentionLayer, MentionStats, StaleLayer, StaleStats,
};
pub use self::future::OutcomeFuture;
pub use self::in_order::{InOrder, InOrderLayer, InOrderLayerBuilder, InOrderStats};
#[cfg(feature = "metrics")]
pub use self::metrics::{Measured, MetricsLayer};
