//! A client for the calls of the Feishu/Lark API that handlers of events need: reply, send, update a card, upload a
//! file. [`Api::call`] makes every other call.
//!
//! ```no_run
//! use lark_events::{Dispatcher, Event, RawJson};
//! use lark_events_api::{Api, ApiError};
//!
//! async fn on_message(api: Api, event: Event<RawJson>) -> Result<(), ApiError> {
//!     # let message_id = "om_1";
//!     api.reply(message_id, "hello").once(&event).await?;
//!     Ok(())
//! }
//!
//! let api = Api::builder("cli_a1b2c3d4e5f60718", "app-secret").build()?;
//! let dispatcher = Dispatcher::builder()
//!     .with_state(api)
//!     .on_raw_with("im.message.receive_v1", on_message)
//!     .build()?;
//! # drop(dispatcher);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - **Tokens** are shared by all callers, and renewed five minutes before they expire, or when the platform
//!   rejects one. A store app has a token for each tenant.
//! - **Mentions**: a string that is sent as a message mentions nobody, even if it repeats what a user wrote. For text
//!   that may, see [`Message::text`]; for text of users in cards, [`escape_mentions`].
//! - **Messages are sent once**: [`Once`] derives the platform's `uuid` from the event, so that a redelivery within
//!   an hour sends no second message.
//! - **Rate limits**: a call waits as long as the platform says, if that ends before its deadline. Otherwise
//!   it fails with [`ApiErrorKind::RateLimited`], and an inbox handles the event again after that time.
//! - **Lost connections**: a call is repeated only if it cannot take effect twice: with [`Once`], or if it is a
//!   GET.
//! - **Long answers**: [`Api::reply_stream`] shows a reply as it grows.
//! - **Cards**: [`Card::v2`] for messages, updates, and replies to callbacks. [`Api::card_handler`] continues
//!   after the answer to a callback.
//!
//! # Secrets
//!
//! Log lines, errors and `Debug` output contain no tokens and no secrets.
//!
//! # Features
//!
//! - `ring` (default) or `aws-lc`: the TLS cryptography provider. If both are enabled, `ring` is used.
//! - `webpki-roots` (default): the root certificates of Mozilla. `native-roots`: those of the machine.
//! - `tls`: TLS without a provider or root certificates, for your own [configuration](ApiBuilder::tls_config).

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
mod mentions;
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
    UserStatus,
};
pub use self::card::{Button, Card, Color, Column, Element, Form, Input, Select};
pub use self::error::{ApiBuildError, ApiBuildErrorKind, ApiError, ApiErrorKind};
pub use self::late::{CardAnswer, CardUpdates};
pub use self::mentions::escape_mentions;
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
