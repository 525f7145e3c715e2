//! A durable inbox for Feishu/Lark events. An event is acknowledged once it is stored, and handled afterwards: with
//! retries, dead letters, and in order where you ask for it.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use lark_events::{Delivery, Dispatcher, EventHeader, Outcome, RawJson};
//! use lark_events_inbox::{Inbox, VolatileStore};
//! use tower::ServiceExt as _;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let dispatcher = Dispatcher::builder()
//!     .on_raw("vc.room.created_v1", |_event| async { tokio::time::sleep(Duration::from_millis(5)).await })
//!     .build()?;
//! let store = Arc::new(VolatileStore::new());
//! let inbox = Inbox::builder(store).workers(16).lane_by_tenant().attempts(10).build(dispatcher)?;
//!
//! // `EventService::new(webhook, inbox.clone())` and `connection.run(inbox.clone())` are the receivers.
//! let receive = async {
//!     let created = Delivery::new(EventHeader::new("vc.room.created_v1"), RawJson::default());
//!     assert_eq!(inbox.clone().oneshot(created).await?, Outcome::Queued); // acknowledged
//!     Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
//! };
//! let (stop, stopped) = tokio::sync::oneshot::channel();
//! let work = inbox.run(async { stopped.await.unwrap_or_default() });
//! let received = async {
//!     tokio::task::yield_now().await; // a worker runs
//!     receive.await?;
//!     stop.send(()).map_err(|()| "no worker")?;
//!     Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
//! };
//! let (work, received) = tokio::join!(work, received);
//! work?; // handled
//! received?;
//! # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
//! # }).unwrap();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it works
//!
//! ```text
//! transport  ->  Inbox  ->  Store            the append is the acknowledgement
//!                             |
//!                           Inbox::run  ->  [layers]  ->  Dispatcher
//! ```
//!
//! - An [`Inbox`] is a `Service<Delivery>` for every transport. It appends events to its [`Store`]. A callback
//!   needs its reply, so it goes to the inner service at once.
//! - [`Inbox::run`] claims events and calls the same inner service, so that layers inside, such as
//!   limits and time-outs, cover events and callbacks alike. `workers` limits events, never callbacks.
//! - A handler that fails is retried with a growing delay. After the last attempt the event becomes a
//!   dead letter, which an operator can inspect and retry ([`Admin`]).
//! - Events of the same *lane*, such as a chat, are handled one at a time and in the order of their
//!   appends. Lanes take turns: a busy lane does not delay the others.
//! - A redelivery of an event that the store knows is acknowledged and dropped. An attempt that dies with its
//!   process is repeated, so an event can still be handled more than once: see [`Attempt`].
//!
//! [`Inbox::receiver`] and [`Inbox::worker`] are the two halves for separate processes.
//!
//! # Stores
//!
//! `SqliteStore` keeps events in a file, for the processes of one machine. [`VolatileStore`] keeps them in
//! the memory of the process. `PostgresStore`, of the crate `lark-events-inbox-postgres`, keeps them in a
//! database, and `NatsStore`, of the crate `lark-events-inbox-nats`, in a stream of NATS JetStream, both for
//! several machines. To write a store of your own, implement [`Store`], and run the checks of
//! the feature `testing` on it.
//!
//! # Features
//!
//! - `sqlite`: `SqliteStore`. On by default.
//! - `console`: a web page for operators, the module of that name. Off by default.
//! - `metrics`: counts, gauges and times with names of `lark_events_inbox_…`. Off by default.
//! - `testing`: the module of that name. Off by default.

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
mod attempt;
mod builder;
#[cfg(feature = "console")]
pub mod console;
mod error;
mod health;
mod inbox;
mod measured;
mod monitor;
mod queue;
mod receiver;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod volatile;
mod worker;

pub use self::admin::{
    Admin, AttemptRecord, Count, Filter, Glance, Group, GroupLimits, Grouping, Groups, Listed,
    Looked, Operation, Order, Page, Shown, State,
};
pub use self::attempt::Attempt;
pub use self::builder::InboxBuilder;
pub use self::error::{InboxError, InboxErrorKind};
pub use self::inbox::Inbox;
pub use self::monitor::Monitor;
pub use self::queue::{Pushed, Queue};
pub use self::receiver::{ReceiveFuture, Receiver};
#[cfg(feature = "sqlite")]
pub use self::sqlite::{SqliteFile, SqliteStore, SqliteStoreBuilder};
pub use self::store::{
    Appended, AttemptOutcome, Capabilities, Claimed, Entry, Fence, HEARTBEAT, MAX_ERROR_BYTES,
    Refused, Settled, Settlement, Status, Store, StoreError, StoreErrorKind, WorkerId, WorkerState,
};
pub use self::volatile::{VolatileStore, VolatileStoreBuilder};
pub use self::worker::Worker;

/// Runs the example of the README as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
