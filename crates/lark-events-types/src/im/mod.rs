//! Typed `im` events: messages, reactions, chats and their members.
//!
//! Every field is an `Option`, because the platform does not document which fields it always sends. A
//! value of an unexpected type leaves only its field empty (see [`lark_events::lenient`]).
//! [`EVENTS`] lists what the platform documents of each event.
//!
//! # An echo bot
//!
//! A message arrives as [`MessageReceiveV1`]. Its content is JSON in a string, in a form that depends
//! on the message type; [`EventMessage::parsed_content`] parses it into a [`Content`]. If you only need
//! the words, use the text methods: when the sender wrote `@Bot hello`, the content has `@_user_1
//! hello`, and the bot wants `hello`.
//!
//! ```
//! use lark_events_types::im::{Content, EventMessage, MessageReceiveV1};
//! use lark_events::{Dispatcher, Event};
//!
//! /// The answer: the words of a text or post.
//! fn echo(message: &EventMessage) -> Option<String> {
//!     if let Some(words) = message.text_without_mentions() {
//!         return Some(words);
//!     }
//!     match message.parsed_content() {
//!         Content::Image(_) => Some("a picture!".to_owned()),
//!         Content::File(file) => Some(format!("a file named {:?}", file.file_name?)),
//!         _ => None,
//!     }
//! }
//!
//! # async fn send(_chat_id: String, _text: String) {}
//! async fn on_message(event: Event<MessageReceiveV1>) {
//!     let Some(message) = event.body.message else { return };
//!     let Some(answer) = echo(&message) else { return };
//!     let Some(chat_id) = message.chat_id else { return };
//!     // A message can be delivered more than once, with the same `message_id`.
//!     send(chat_id, answer).await;
//! }
//!
//! let dispatcher = Dispatcher::builder()
//!     .on::<MessageReceiveV1>(on_message)
//!     .build()?;
//!
//! let message: EventMessage = serde_json::from_str(
//!     r#"{"message_type":"text","content":"{\"text\":\"@_user_1 hello\"}",
//!         "mentions":[{"key":"@_user_1","id":{"open_id":"ou_bot"},"name":"Bot"}]}"#,
//! )?;
//! assert_eq!(echo(&message).as_deref(), Some("hello"));
//! assert_eq!(message.text().as_deref(), Some("@Bot hello"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! To leave out only the mention of the bot, use [`EventMessage::text_without_mention_of`]; to format
//! mentions yourself, [`Content::segments`]; to read commands, [`Command`].
//!
//! [`EventMessage::readable`] describes a message of any type as text, [`Content::resources`] lists its
//! pictures and files, and [`EventMessage::unread_content`] lists the parts of its content that no type
//! reads.

mod content;

pub use self::content::*;
pub use crate::generated::im::*;
