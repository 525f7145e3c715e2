//! Typed Feishu/Lark events for any Rust app: the envelope, the cryptography, the opening of
//! webhook requests and the dispatch to typed handlers, without any I/O.
//!
//! Everything meets at one [`tower_service::Service`]:
//!
//! ```text
//! transport  ->  Delivery  ->  [layers]  ->  Dispatcher  ->  Outcome  ->  transport
//! ```
//!
//! A transport turns bytes into a [`Delivery`] and an [`Outcome`] back into bytes; a
//! [`Dispatcher`] decodes the delivery into the type its handler wants. `lark-events-tower` is the
//! transport for HTTP servers; the typed events are in crates such as `vc-events`.
//!
//! ```
//! use http::HeaderMap;
//! use lark_events::callback::{CardActionReply, CardActionTrigger, Toast};
//! use lark_events::{Dispatcher, Event, Opened, Webhook};
//! use tower::ServiceExt;
//!
//! async fn on_card(event: Event<CardActionTrigger>) -> CardActionReply {
//!     CardActionReply::new().toast(Toast::success(format!("hello {}", event.header.tenant_key)))
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let webhook = Webhook::builder().verification_token("v-token").build()?;
//! let dispatcher = Dispatcher::builder().on::<CardActionTrigger>(on_card).build()?;
//!
//! let body = r#"{"schema":"2.0","header":{"event_type":"card.action.trigger",
//!     "token":"v-token","tenant_key":"t-1"},"event":{"action":{"tag":"button"}}}"#;
//! let Opened::Delivery(delivery) = webhook.open(&HeaderMap::new(), body.into())? else {
//!     panic!("an event opens into a delivery");
//! };
//! let outcome = dispatcher.oneshot(delivery).await?;
//! # assert_eq!(outcome.as_str(), "replied");
//! # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
//! # }).unwrap();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! - `card-v1`: the card callback of the old scheme (`card.action.trigger_v1`), which is plain and
//!   signed with SHA-1, with an opener of its own. Off by default.
//! - `testing`: the module of that name, for tests of your own handlers. Off by default.

// Nothing that comes from the network makes this panic or miscount.
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
pub mod callback;
#[cfg(feature = "card-v1")]
mod card_v1;
mod credentials;
mod crypto;
mod decimal;
mod delivery;
mod dispatcher;
mod duplicate_key;
mod envelope;
mod error;
mod event;
mod event_set;
mod generated {
    pub(crate) mod tables;
}
mod handler;
mod info;
mod late;
pub mod lenient;
mod manifest;
mod object;
mod outcome;
mod pointer;
mod raw_json;
mod steps;
#[cfg(feature = "testing")]
pub mod testing;
mod unhandled;
mod unread;
mod user_id;
mod validate;
mod webhook;

pub use self::builder::DispatcherBuilder;
#[cfg(feature = "card-v1")]
pub use self::card_v1::{CardAdmission, CardWebhook};
pub use self::credentials::{EncryptKey, VerificationToken};
pub use self::crypto::{
    CipherError, SIGNATURE_HEADER, SIGNATURE_NONCE_HEADER, SIGNATURE_TIMESTAMP_HEADER,
};
pub use self::delivery::{Delivery, DeliveryKind, Transport};
pub use self::dispatcher::{DispatchFuture, Dispatcher, UnhandledPolicy};
pub use self::duplicate_key::duplicate_key;
pub use self::envelope::MAX_ENVELOPE_TEXT_BYTES;
pub use self::error::{
    BoxError, BuildError, DecodeError, DispatchError, DispatchErrorKind, EncodeError,
};
pub use self::event::{Event, EventHeader, EventType, Schema};
pub use self::event_set::EventSet;
pub use self::handler::{Handler, HandlerWith, SetHandler};
pub use self::info::{EventInfo, TypedBody};
pub use self::late::LateHandler;
pub use self::manifest::{Manifest, ManifestEntry};
pub use self::outcome::{IntoReply, Outcome, RawReply};
pub use self::raw_json::RawJson;
pub use self::user_id::UserId;
pub use self::validate::{Length, Number, Validate, Violation, Violations};
pub use self::webhook::{
    Admission, Challenge, MAX_EVENT_BYTES, MAX_KEYS_BY_SIGNATURE, MAX_LIVE_SECRETS,
    MAX_UNSIGNED_BYTES, Opened, REFUSAL_DELAY, Rejection, RejectionReason, Webhook,
    WebhookBuildError, WebhookBuilder, Webhooks,
};

/// Public types go to other threads with the services that hold them.
const _: fn() = || {
    fn shareable<T: Send + Sync + 'static>() {}
    shareable::<Webhook>();
    shareable::<Dispatcher>();
    shareable::<Delivery>();
    shareable::<Event<RawJson>>();
    shareable::<Outcome>();
    shareable::<DispatchError>();
    shareable::<EncryptKey>();
};
