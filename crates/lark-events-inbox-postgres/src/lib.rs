//! The durable inbox of [`lark_events_inbox`] on PostgreSQL, for any number of receivers and workers.
//!
//! ```no_run
//! # async fn open() -> Result<(), lark_events_inbox::StoreError> {
//! use std::sync::Arc;
//!
//! use lark_events_inbox::Inbox;
//! use lark_events_inbox_postgres::PostgresStore;
//!
//! let store = PostgresStore::connect("postgres://app@db.example.com/app").await?;
//! let builder = Inbox::builder(Arc::new(store)).lane_by_chat();
//! # Ok(())
//! # }
//! ```
//!
//! Each store opens up to three connections, and a fourth one for the reads of operators. Every call is one unnamed
//! statement, so a pooler in transaction mode, such as PgBouncer, can be used: see
//! [`without_notifications`](PostgresStoreBuilder::without_notifications).
//!
//! # Features
//!
//! - `rustls`: TLS, with a rustls configuration that you pass in. Off by default.

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
mod builder;
mod completion;
mod dedup;
mod facts;
mod failure;
mod grants;
mod list;
mod look;
mod query;
mod rows;
mod schema;
mod session;
mod settle;
mod sql;
mod store;
mod target;

pub use self::builder::PostgresStoreBuilder;
pub use self::completion::Completion;
pub use self::facts::{PostgresFacts, Standby};
pub use self::store::PostgresStore;

/// Runs the example of the README as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
