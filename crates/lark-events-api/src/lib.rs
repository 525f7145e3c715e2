//! Calls of the Feishu/Lark API that handlers of events end in: reply, send, update a card, upload a file.
//! Small and correct, not complete: [`Api::call`] makes every other call.
//!
//! ```no_run
//! use lark_events::{Dispatcher, Event, RawJson};
//! use lark_events_api::{Api, ApiError, Message};
//!
//! async fn on_message(api: Api, event: Event<RawJson>) -> Result<(), ApiError> {
//!     # let message_id = "om_1";
//!     api.reply(message_id, Message::text("hello")).once(&event).await?;
//!     Ok(())
//! }
//!
//! let api = Api::builder("cli_a1b2c3d4e5f60718", "app-secret").build()?;
//! let dispatcher = Dispatcher::builder()
//!     .on_raw("im.message.receive_v1", move |event| on_message(api.clone(), event))
//!     .build()?;
//! # drop(dispatcher);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - **Tokens** are requested once for all callers, renewed five minutes before they expire, and renewed once
//!   more if the platform rejects one. They are kept per app, and for a store app per tenant.
//! - **Messages are sent once**: [`Once`] derives the platform's `uuid` from the event. A redelivery within an
//!   hour sends no second message.
//! - **Rate limits**: a call waits as long as the platform says, if that ends before its deadline. Otherwise
//!   it fails with [`ApiErrorKind::RateLimited`], and an inbox handles the event again after that time.
//! - **Lost connections**: a call is repeated only where that cannot have two effects, that is with
//!   [`Once`], and for GET.
//! - **Answers that take time**: [`Api::reply_stream`] shows a reply as it grows.
//! - **Cards**: [`Card::v2`] for messages, updates, and replies to callbacks. [`Api::card_handler`] continues
//!   after the answer to a callback.
//!
//! # Secrets
//!
//! No token and no secret is in a log line, an error or `Debug` output.
//!
//! # Features
//!
//! - `ring` (default) or `aws-lc`: the TLS cryptography provider. If both are enabled, `ring` is used.
//! - `webpki-roots` (default), `native-roots`: the root certificates, of Mozilla or of the machine.
//! - `tls`: TLS without a provider and roots, for your own
//!   [configuration](ApiBuilder::tls_config).

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

mod answer;
mod api;
mod builder;
mod calls;
mod card;
mod credentials;
mod error;
mod exchange;
mod late;
mod message;
mod multipart;
mod once;
mod post;
mod stream;
mod token;
mod transport;

pub use lark_events_dial::Domain;
#[cfg(feature = "tls")]
pub use lark_events_dial::rustls;

pub use self::api::Api;
pub use self::builder::{ApiBuilder, DEFAULT_DEADLINE};
pub use self::calls::{
    BotInfo, FileKind, MAX_DOWNLOAD_BYTES, Person, Replying, ResourceKind, Sending, Sent, User,
};
pub use self::card::{Button, Card, Color, Column, Element, Form, Input, Select};
pub use self::error::{ApiBuildError, ApiBuildErrorKind, ApiError, ApiErrorKind};
pub use self::late::{CardAnswer, CardUpdates};
pub use self::message::{Message, Receiver};
pub use self::once::Once;
pub use self::post::{Post, Span};
pub use self::stream::{MAX_STREAM_BYTES, ReplyStream, split_markdown};
pub use self::token::{AppTicket, AppTicketEvent, MemoryTickets, TicketStore};
pub use self::transport::{Transport, TransportError};

/// Runs the examples of the README as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Public types move to other threads.
const _: fn() = || {
    fn shareable<T: Send + Sync + 'static>() {}
    shareable::<Api>();
    shareable::<ApiBuilder>();
    shareable::<ApiError>();
    shareable::<Card>();
    shareable::<Message>();
};
