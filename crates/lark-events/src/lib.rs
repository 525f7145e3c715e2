//! Typed Feishu/Lark events for any Rust app: the envelope, the cryptography, the opening of
//! webhook requests and the dispatch to typed handlers, without any I/O.
//!
//! Everything meets at one [`tower_service::Service`]:
//!
//! ```text
//! transport  ->  Delivery  ->  [layers]  ->  Dispatcher  ->  Outcome  ->  transport
//! ```
//!
//! A transport turns bytes into a [`Delivery`], and an [`Outcome`] back into bytes. A
//! [`Dispatcher`] decodes the delivery into the type that its handler takes. `lark-events-tower` is the
//! transport for HTTP servers; the typed events are in crates such as `vc-events`.
//!
//! ```
//! use http::HeaderMap;
//! use lark_events::callback::{CardActionReply, CardActionTrigger, Toast};
//! use lark_events::{Dispatcher, Event, Opened, Webhook};
//! use tower::ServiceExt;
//!
//! async fn on_card(event: Event<CardActionTrigger>) -> CardActionReply {
//!     CardActionReply::new().toast(Toast::success(format!("hello {}", event.header.tenant_key.unwrap_or_default())))
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
//! - `old-card`: the card callback of the old scheme (`card.action.trigger_v1`), which is plain and
//!   signed with SHA-1, with a separate opener. Off by default.
//! - `derive`: `#[derive(EventType)]` and `#[derive(Lenient)]`, for events of your own. Off by
//!   default.
//! - `testing`: the module of that name, for tests of your handlers. Off by default.

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

pub mod callback;
mod credentials;
mod crypto;
pub mod dispatch;
pub mod error;
pub mod event;
mod generated {
    pub(crate) mod tables;
}
mod json;
pub mod limits;
#[cfg(feature = "testing")]
pub mod testing;
mod time;
pub mod webhook;

pub use self::credentials::{EncryptKey, VerificationToken};
pub use self::dispatch::{
    Dispatcher, LateHandler, Outcome, RawReply, Reject, RetryAfter, UnhandledPolicy,
};
pub use self::error::{BoxError, DecodeError, DispatchError};
pub use self::event::{
    Delivery, Event, EventHeader, EventInfo, EventSet, EventType, Transport, UserId, Validate,
};
pub use self::json::RawJson;
pub use self::json::lenient;
pub use self::webhook::{Opened, Webhook, Webhooks};

/// Implements [`EventType`](trait@EventType) for the body of your own event, and decodes it
/// [leniently](derive@lenient::Lenient).
///
/// `#[event("…")]` names the event type. Add `reply = Type` for a callback, and `schema = "1.0"` for an
/// event of the old envelope.
///
/// ```
/// use lark_events::lenient::Lenient;
/// use lark_events::{EventType, RawJson};
/// use serde::Serialize;
///
/// #[derive(Debug, Default, Serialize, EventType)]
/// #[event("kitchen.tea.ready_v1")]
/// struct TeaReadyV1 {
///     kind: Option<String>,
///     amount: Option<u32>,
///     cups: Vec<Cup>,
/// }
///
/// #[derive(Debug, Default, Serialize, Lenient)]
/// struct Cup {
///     #[serde(rename = "type")]
///     shape: Option<String>,
/// }
///
/// assert_eq!(TeaReadyV1::EVENT_TYPE, "kitchen.tea.ready_v1");
///
/// let sent = r#"{"kind": 7, "amount": "3", "cups": [{"type": "mug"}, null, {"type": []}]}"#;
/// let tea: TeaReadyV1 = RawJson::parse(sent)?.decode_leniently()?;
/// assert_eq!((tea.kind.as_deref(), tea.amount), (Some("7"), Some(3)));
/// assert_eq!(tea.cups.len(), 2);
/// assert_eq!(tea.cups[0].shape.as_deref(), Some("mug"));
/// # Ok::<(), lark_events::DecodeError>(())
/// ```
#[cfg(feature = "derive")]
pub use lark_events_macros::EventType;

/// The code of the derives refers to this.
#[cfg(feature = "derive")]
#[doc(hidden)]
pub mod __derive {
    pub use serde;

    pub use crate::event::{EventInfo, EventType, Schema};
}

/// Public types move to other threads with the services that hold them.
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
