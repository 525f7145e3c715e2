//! A local Feishu/Lark platform, for tests and development: it checks webhooks and posts to them,
//! serves long connections, delivers again what was not acknowledged, and has go wrong what a test
//! wants to go wrong. The official SDKs' own clients work with it.
//!
//! # Test your handlers
//!
//! An app's webhook needs no server for that, and [`push`](Platform::push) tells what it answered:
//!
//! ```
//! use lark_events::{Dispatcher, Event, Webhook};
//! use lark_events_sim::{Document, Platform};
//! use lark_events_tower::EventService;
//! use vc_events::ReserveConfigUpdatedV1;
//!
//! async fn on_updated(event: Event<ReserveConfigUpdatedV1>) -> Result<(), &'static str> {
//!     event.body.scope_id.map(drop).ok_or("no room")
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let webhook = Webhook::builder().encrypt_key("key").verification_token("token").build()?;
//! let dispatcher = Dispatcher::builder().on::<ReserveConfigUpdatedV1>(on_updated).build()?;
//! let app = EventService::new(webhook, dispatcher);
//!
//! let platform = Platform::builder().encrypt_key("key").verification_token("token");
//! let platform = platform.webhook_service(app).start().await?;
//! let report = platform.push(Document::sample::<ReserveConfigUpdatedV1>()).await;
//! assert!(report.acknowledged());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `ReserveConfigUpdatedV1::INFO` stands for the documented sample of the event, as a new event each
//! time; [`Document`] has the other things that can be pushed. A webhook that is nested in a whole
//! router is reached by its [path](PlatformBuilder::path). An app in a process of its own is reached by its URL:
//! [`PlatformBuilder::webhook`].
//!
//! # Long connections
//!
//! Clients take [`Platform::base_url`] for the platform's domain; [`Platform::until`] waits for them
//! to be connected. [`Platform::violations`] tells what they do against the protocol.
//!
//! # Time
//!
//! All of it is tokio's. In a test with a paused clock a redelivery of six hours comes at once, as
//! long as nothing waits for a socket, which pausing knows nothing of: use
//! [`webhook_service`](PlatformBuilder::webhook_service) and [`dial`](Platform::dial) there.
//!
//! ```
//! use std::time::Duration;
//! use lark_events_sim::{Document, Fault, Platform};
//! # use http::{Request, Response};
//! # use http_body_util::{BodyExt, Full};
//! # use lark_events::{Dispatcher, Webhook};
//! # use lark_events_tower::EventService;
//!
//! # let mut runtime = tokio::runtime::Builder::new_current_thread();
//! # runtime.enable_all().start_paused(true).build()?.block_on(async {
//! # let webhook = Webhook::builder().verification_token("token").build()?;
//! # let dispatcher = Dispatcher::builder().ignore(["kitchen.tea.ready_v1"]).build()?;
//! # let app = EventService::new(webhook, dispatcher);
//! let platform = Platform::builder().verification_token("token").webhook_service(app);
//! let platform = platform.start().await?;
//! platform.inject(Fault::LoseAnswer);
//! let report = platform.push(Document::v2("kitchen.tea.ready_v1", &["green"])?).await;
//! // Three seconds without an answer, and fifteen until the next attempt.
//! assert_eq!(report.attempts[1].after, Duration::from_secs(18));
//! assert!(report.attempts[1].accepted());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where it is stricter or plainer than the platform
//!
//! - It serves one app; several apps are several platforms.
//! - A redelivery repeats the first request byte for byte, its signature and timestamp included:
//!   whether the platform signs anew is not documented, and this is the harder case.
//! - Each request is posted on a connection of its own, and never redirected.
//! - The fragments of an event come 20 ms apart ([`FRAGMENT_GAP`]); how the platform spaces them is not
//!   documented.
//! - What a client must not do is reported and does not end its connection, as long as it speaks
//!   WebSocket. That it does not ping is not reported.
//! - Of the events that the platform pushes one after another, each after the acknowledgement of the
//!   one before, it knows nothing: push them so.
//!
//! # Features
//!
//! Both are off by default.
//!
//! - `tls`: serves `https://` and `wss://` with a certificate of its own making.
//! - `webhook-tls`: posts to webhooks at `https://`, by a configuration of `rustls` that it is given
//!   (`Poster::tls_config`, `PlatformBuilder::webhook_tls_config`).

// Each item says which feature it needs, on docs.rs.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod attempt;
mod builder;
mod clock;
mod connection;
mod deliver;
mod document;
mod fault;
mod platform;
mod push;
mod random;
mod shared;
mod span;
mod stats;
mod violation;
mod webhook;

pub use self::attempt::{Answer, Attempt, Missing, Mode};
pub use self::builder::{
    ANSWER_LIMIT, APP_ID, APP_SECRET, FRAGMENT_BYTES, FRAGMENT_GAP, PlatformBuilder, REDELIVERIES,
    StartError, StartErrorKind, VERIFICATION_TOKEN,
};
pub use self::clock::clock;
pub use self::connection::{Ack, AckFate, ClientConfig, MAX_ACKS, MAX_CONNECTIONS, MAX_VIOLATIONS};
pub use self::document::{Document, ParseDocumentError, ParseDocumentErrorKind};
pub use self::fault::{Fault, ParseFaultError};
pub use self::platform::Platform;
pub use self::push::{CallbackError, Push, PushCallback, Report};
pub use self::span::{ParseSpanError, Span};
pub use self::stats::PlatformStats;
pub use self::violation::{ProtocolViolation, ProtocolViolationKind};
pub use self::webhook::{
    PostError, PostErrorKind, Poster, WebhookConnection, WebhookError, WebhookUrl, WebhookUrlError,
};

/// The version of rustls that [`Poster::tls_config`] and [`PlatformBuilder::webhook_tls_config`] take.
#[cfg(feature = "webhook-tls")]
pub use tokio_rustls::rustls;

/// The largest answer of a webhook that is read.
pub const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// Public types go to other threads with the tests and tools that hold them.
const _: fn() = || {
    fn shareable<T: Send + Sync + 'static>() {}
    shareable::<Platform>();
    shareable::<Push>();
    shareable::<PushCallback>();
    shareable::<Document>();
    shareable::<StartError>();
};
