//! The store of a [`DedupLayer`](lark_events_layers::DedupLayer) on Redis or Valkey, for bots that run in several
//! processes.
//!
//! ```no_run
//! # async fn wrap(dispatcher: lark_events::Dispatcher) -> Result<(), lark_events::BoxError> {
//! use std::sync::Arc;
//!
//! use lark_events_layers::DedupLayer;
//! use lark_events_redis::RedisStore;
//! use tower::ServiceBuilder;
//!
//! let store = RedisStore::builder("redis://bot:password@redis.example.com/0").build()?;
//! store.check().await?;
//! let dedup = DedupLayer::builder().store(Arc::new(store)).build()?;
//! let service = ServiceBuilder::new().layer(dedup).service(dispatcher);
//! # Ok(())
//! # }
//! ```
//!
//! The server is Redis 6.0 or newer, or Valkey.
//!
//! # Keys and memory
//!
//! Each event is one key: `lark-events:dedup:` followed by the [key](lark_events_layers::key::DuplicateKeys) of the
//! event. A key of the event that is longer than 512 bytes is shortened, and ends with its SHA-256. While an event
//! is handled, its key holds the owner for the length of the [lease](lark_events_layers::DedupLayerBuilder::lease).
//! Once it is handled, the key holds the outcome for as long as the layer
//! [keeps](lark_events_layers::DedupLayerBuilder::keep_for) it: 8 hours and 11 minutes by default for a webhook, 8
//! hours for a long connection. The server removes each key when it expires.
//!
//! An event takes about 250 bytes of the server's memory: an app with 10 events per second needs 75 MB. Set
//! `maxmemory-policy noeviction`. With it, a full server rejects new events, and the platform redelivers them. With
//! another policy, a full server forgets events early, and they may be handled again.
//!
//! Each call is one script with one key, and therefore atomic. Its user on the server needs only these rights:
//!
//! ```text
//! ACL SETUSER bot on >password ~lark-events:dedup:* +eval +evalsha +get +set +del +pttl
//! ```
//!
//! For a database other than 0, add `+select`.
//!
//! # When the server fails
//!
//! The store connects with its first call, and again after a connection was lost. A call whose connection is lost is
//! repeated once, on a new connection. A call that has no answer within the
//! [time limit](RedisStoreBuilder::time_limit), 1 s by default, fails, and the next one opens a new connection.
//!
//! When a claim fails, the event is not handled and the delivery fails, so that the platform redelivers it. When a
//! handled event cannot be recorded, the layer logs the failure and acknowledges the event.
//!
//! A lost key never causes a lost event. It means that its event is handled again if the platform redelivers it:
//!
//! | failure | lost keys |
//! | --- | --- |
//! | the server stops, without a file | all |
//! | the server is killed or crashes, with `save` but without `appendonly` | those since the last snapshot: minutes to an hour |
//! | the server is killed or crashes, with `appendonly yes` and `appendfsync no` | none |
//! | the server or its machine crashes, with `appendfsync everysec` | those of the last 2 s |
//! | the server or its machine crashes, with `appendfsync always` | none |
//! | the machine crashes or loses power, with `appendfsync no` | those that the operating system has not written: up to 30 s on Linux |
//! | a replica takes over (Sentinel, a cluster, a managed service) | those that it has not received: replication is asynchronous, also with `appendfsync always` |
//!
//! If a key is lost while a handler runs, two processes may also handle its event at the same time. A handler whose
//! effect must not happen twice must check the event's id itself, as with every store.
//!
//! # Replicas and clusters
//!
//! The URL must name the primary: a replica rejects the scripts. After a failover, the next call to the former
//! primary fails. The store then connects again, to the server that the name resolves to at that time.
//!
//! The URL may also be that of any node of a cluster. The store follows the redirections to the other nodes, with
//! the same login, and asks the node of the URL again when one of them has failed: use a name that resolves to
//! several nodes. With TLS, the nodes must announce names that are in their certificates
//! (`cluster-preferred-endpoint-type hostname`). A failover of a node can lose keys like that of a single primary.
//! The setting `min-replicas-to-write 1` of a primary limits the loss: the primary rejects writes while its replica
//! is away.
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

mod builder;
mod error;
mod key;
mod nodes;
mod script;
mod session;
mod store;
mod target;

pub use self::builder::RedisStoreBuilder;
pub use self::error::{RedisStoreError, RedisStoreErrorKind};
pub use self::store::RedisStore;

/// Runs the example of the README as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
