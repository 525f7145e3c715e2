//! The durable inbox of [`lark_events_inbox`] on NATS JetStream, for any number of receivers and workers.
//!
//! ```no_run
//! # async fn open() -> Result<(), lark_events_inbox::StoreError> {
//! use std::sync::Arc;
//!
//! use lark_events_inbox::Inbox;
//! use lark_events_inbox_nats::NatsStore;
//!
//! let store = NatsStore::connect("nats://nats.example.com").await?;
//! let builder = Inbox::builder(Arc::new(store)).lane_by_chat();
//! # Ok(())
//! # }
//! ```

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

mod admin;
mod append;
mod batch;
mod builder;
mod facts;
mod failure;
mod held;
mod link;
mod log;
mod look;
mod message;
mod reports;
mod setup;
mod status;
mod store;
mod subject;

pub use self::builder::NatsStoreBuilder;
pub use self::facts::{Follower, NatsFacts, StreamFacts};
pub use self::store::NatsStore;

/// Runs the example of the README as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
