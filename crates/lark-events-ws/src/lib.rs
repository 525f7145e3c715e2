//! The long connection of Feishu/Lark: the app opens a WebSocket and receives events over it, without a
//! public address. It passes deliveries to any `tower::Service`, so that the same dispatcher and layers
//! serve it and webhooks.
//!
//! ```no_run
//! use lark_events::{Dispatcher, Event};
//! use lark_events_ws::LongConnection;
//! use vc_events::ReserveConfigUpdatedV1;
//!
//! async fn on_updated(event: Event<ReserveConfigUpdatedV1>) {
//!     println!("{:?} changed {:?}", event.header.tenant_key, event.body.scope_id);
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let dispatcher = Dispatcher::builder().on::<ReserveConfigUpdatedV1>(on_updated).build()?;
//! let shutdown = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
//! LongConnection::builder("cli_a1b2c3d4e5f60718", "app-secret")
//!     .build()?
//!     .run(dispatcher)
//!     .with_graceful_shutdown(shutdown)
//!     .await?;
//! # Ok(())
//! # }
//! ```
//!
//! - An event is acknowledged when its handler has succeeded. The platform redelivers it after a
//!   failure, a panic, or when there is no outcome by the [ack
//!   deadline](LongConnectionBuilder::ack_deadline). Callbacks are never redelivered.
//! - The connection is kept open with pings. When it is lost or silent, it is opened again, with back-off and
//!   jitter. The platform sets the intervals. If its interval is short, the wait doubles with each attempt, up to
//!   two minutes, until a connection has lasted a minute. A permanent failure ends [`run`](LongConnection::run).
//! - [`Monitor`] shows the state of the connection, for readiness probes.
//! - The platform sends each event on one of the app's connections, at random, so every process must
//!   register every handler. [`LongConnections`] runs several connections in one process.
//!
//! # Logs
//!
//! Each line about a connection and its events is in a span `long_connection` with the `app_id`. A
//! failure that ends `run` is logged as an error at once, before handlers finish. An event that is not
//! acknowledged has one line for its failure, from the dispatcher or from this crate.
//!
//! No line of this crate contains a secret, an address or a payload. The `tungstenite` crate logs all
//! of them at TRACE: disable that level for it.
//!
//! # Metrics
//!
//! With the feature `metrics`, for any recorder of the `metrics` facade that the program installs:
//!
//! | name | kind | labels | what |
//! | --- | --- | --- | --- |
//! | `lark_events_connections` | gauge | `app_id` | connections that are open |
//! | `lark_events_connection_failures_total` | counter | `app_id`, `reason` | lost connections and failed attempts, by [`ConnectErrorKind::as_str`] |
//!
//! `MetricsLayer` of `lark-events-layers` has the metrics of deliveries.
//!
//! # Features
//!
//! - `ring` (default) or `aws-lc`: the TLS cryptography provider. If both are enabled, `ring` is used.
//! - `webpki-roots` (default): the root certificates of Mozilla. `native-roots`: those of the machine.
//! - `tls`: TLS without a provider or root certificates, for your own
//!   [configuration](LongConnectionBuilder::tls_config).

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
mod connection;
mod dial;
mod error;
#[cfg(any(test, feature = "internals"))]
#[doc(hidden)]
pub mod internals;
#[cfg(feature = "metrics")]
mod metrics;
mod monitor;
mod run;
mod serve;
mod session;
mod stats;
mod wire;

pub use lark_events::LateHandler;
pub use lark_events_dial::Domain;
pub use lark_events_layers::run::{
    DEFAULT_ACK_DEADLINE, DEFAULT_MAX_BYTES_IN_FLIGHT, DEFAULT_MAX_RUNNING,
};

pub use self::builder::{DEFAULT_CONNECT_TIMEOUT, DEFAULT_DRAIN_TIMEOUT, LongConnectionBuilder};
pub use self::connection::{LongConnection, LongConnections};
pub use self::error::{
    ConnectError, ConnectErrorKind, LongConnectionBuildError, LongConnectionBuildErrorKind,
};
pub use self::monitor::{Monitor, State};
pub use self::serve::{Run, RunFuture};
pub use self::stats::Stats;
pub use self::wire::frame;
#[cfg(feature = "tls")]
pub use tokio_rustls::rustls;

/// Runs the examples of the documents as tests.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../../docs/coming-from-the-official-sdks.md")]
    struct ComingFromTheOfficialSdks;
    #[doc = include_str!("../../../docs/develop-offline.md")]
    struct DevelopOffline;
}
