//! A local Feishu/Lark platform, for tests and development. It checks webhooks and posts to them, serves long
//! connections, redelivers events that are not acknowledged, and injects faults on request. The clients of the
//! official SDKs work with it.
//!
//! # Test your handlers
//!
//! The app's webhook needs no server here, and [`push`](Platform::push) returns its answers:
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
//! [`Document::sample`] is the documented sample of the event, as a new event each time; see
//! [`Document`] for other ways to make one. Set the [path](PlatformBuilder::path) of a webhook that
//! is nested in a router. Set the URL of an app in another process: [`PlatformBuilder::webhook`].
//!
//! # Long connections
//!
//! Set the client's domain to [`Platform::base_url`]; [`Platform::until`] waits until it is connected.
//! [`Platform::violations`] lists its violations of the protocol.
//!
//! # The API
//!
//! At the same base URL, the platform answers the API calls that handlers of events need: for tokens, to send and
//! reply, to update, react and recall, to upload and download, for the bot, and for a user. [`Platform::messages`]
//! returns the messages that the app has sent, and [`Platform::api_calls`] all calls. [`Platform::set_result`] sets
//! the answer to any other call. Set the domain of `lark-events-api`, or of an official SDK, to
//! [`Platform::base_url`].
//!
//! # Inspect a delivery
//!
//! Each [`Attempt`] has the request or message that was sent ([`Sent`]), the whole answer or the cause of a
//! missing one, the faults that happened to it, and the time of the next attempt. [`Push::document`] is the
//! plain document. [`Platform::faults`] lists the faults that can still happen, and
//! [`Platform::connections`] the open long connections.
//!
//! # Time
//!
//! The platform uses tokio's time. In a test with a paused clock, a redelivery after six hours takes no time.
//! Pausing does not work with sockets, so use [`webhook_service`](PlatformBuilder::webhook_service) and
//! [`dial`](Platform::dial) there.
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
//! # Differences from the platform
//!
//! - It serves one app. Start a platform for each app.
//! - A redelivery repeats the first request byte for byte, with its signature and timestamp. The
//!   platform does not document whether it signs again; this is the harder case for an app.
//! - It posts each request on a new connection, and follows no redirect.
//! - The fragments of an event come 20 ms apart ([`FRAGMENT_GAP`]); how the platform spaces them is not
//!   documented.
//! - It reports a violation of the protocol without closing the connection, as long as the client speaks
//!   WebSocket. It does not report a client that never pings.
//! - It does not order events. Where the platform pushes an event only after the acknowledgement of the one
//!   before, wait for the acknowledgement in your test.
//!
//! # Features
//!
//! Both features are off by default.
//!
//! - `tls`: serves `https://` and `wss://` with a self-signed certificate.
//! - `webhook-tls`: posts to webhooks at `https://`, with a `rustls` configuration that you pass in
//!   (`Poster::tls_config`, `PlatformBuilder::webhook_tls_config`).

// docs.rs shows the required feature of each item.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod api;
mod attempt;
mod builder;
mod clock;
mod connection;
mod deliver;
mod document;
mod fault;
mod omitted;
mod platform;
mod push;
mod random;
mod sent;
mod shared;
mod span;
mod stats;
mod violation;
mod webhook;

pub use self::api::{ApiCall, ApiMessage, MAX_CALLS, MAX_MESSAGES, TOKEN_LIFETIME};
pub use self::attempt::{Answer, Attempt, Missing, Mode};
pub use self::builder::{
    ANSWER_LIMIT, APP_ID, APP_SECRET, FRAGMENT_BYTES, FRAGMENT_GAP, PlatformBuilder, REDELIVERIES,
    StartError, StartErrorKind, URL_CHECK_LIMIT, VERIFICATION_TOKEN,
};
pub use self::clock::clock;
pub use self::connection::{
    Ack, AckFate, ClientConfig, Connection, MAX_ACKS, MAX_CONNECTIONS, MAX_VIOLATIONS,
};
pub use self::document::{Document, ParseDocumentError, ParseDocumentErrorKind};
pub use self::fault::{Fault, InjectedFault, ParseFaultError, ParseFaultErrorKind};
pub use self::platform::Platform;
pub use self::push::{Attempts, CallbackError, Push, PushCallback, Report};
pub use self::sent::Sent;
pub use self::span::{ParseSpanError, Span};
pub use self::stats::PlatformStats;
pub use self::violation::{ProtocolViolation, ProtocolViolationKind};
pub use self::webhook::{
    PostError, PostErrorKind, Poster, WebhookConnection, WebhookError, WebhookErrorKind,
    WebhookUrl, WebhookUrlError, WebhookUrlErrorKind,
};

/// The version of rustls that [`Poster::tls_config`] and [`PlatformBuilder::webhook_tls_config`] use.
#[cfg(feature = "webhook-tls")]
pub use tokio_rustls::rustls;

/// The largest answer of a webhook that the platform reads: 4 MiB.
pub const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// Tests and tools move public types between threads.
const _: fn() = || {
    fn shareable<T: Send + Sync + 'static>() {}
    shareable::<Platform>();
    shareable::<Push>();
    shareable::<PushCallback>();
    shareable::<Attempts>();
    shareable::<Document>();
    shareable::<StartError>();
};
