//! Sending messages and replies, once for each event.

use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::api::{Api, json, segment};
use crate::error::ApiError;
use crate::exchange::Call;
use crate::message::{Message, Receiver};
use crate::once::Once;

type SentFuture = Pin<Box<dyn Future<Output = Result<Sent, ApiError>> + Send>>;

/// A message that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Sent {
    /// The id of the message, for [`update_card`](Api::update_card) and other calls.
    pub message_id: String,
    /// The chat with the message.
    #[serde(default)]
    pub chat_id: Option<String>,
    /// The thread with the message, if it is in one.
    #[serde(default)]
    pub thread_id: Option<String>,
}

/// What sending and replying share.
struct Draft {
    api: Api,
    message: Message,
    once: Option<Once>,
}

impl Draft {
    async fn send(
        self,
        path: String,
        target: &str,
        mut body: Map<String, Value>,
    ) -> Result<Sent, ApiError> {
        body.insert("msg_type".to_owned(), self.message.kind.into());
        body.insert("content".to_owned(), self.message.content.into());
        let is_once = self.once.is_some();
        if let Some(once) = &self.once {
            let uuid = once.uuid(self.api.app_id(), target);
            body.insert("uuid".to_owned(), uuid.into());
        }
        let call = Call::new(Method::POST, path)
            .json(json(&body)?)
            .repeatable(is_once);
        self.api.exchange(&call).await?.decode()
    }
}

/// A message that is sent when this is awaited.
#[must_use = "a message is sent when this is awaited"]
pub struct Sending {
    draft: Draft,
    receiver: Receiver,
}

/// A reply that is sent when this is awaited.
#[must_use = "a reply is sent when this is awaited"]
pub struct Replying {
    draft: Draft,
    message_id: String,
    in_thread: bool,
}

impl Api {
    /// Sends a message. Call [`once`](Sending::once) on the result to send only one message for an event that is
    /// handled twice.
    ///
    /// Permission: `im:message:send_as_bot` or `im:message`. The bot must be in the chat, or available to the
    /// user.
    pub fn send(&self, to: Receiver, message: impl Into<Message>) -> Sending {
        Sending {
            draft: Draft {
                api: self.clone(),
                message: message.into(),
                once: None,
            },
            receiver: to,
        }
    }

    /// Replies to a message. Call [`once`](Replying::once) on the result to send only one reply for an event that
    /// is handled twice.
    ///
    /// Permission: `im:message:send_as_bot` or `im:message`.
    pub fn reply(&self, message_id: impl Into<String>, message: impl Into<Message>) -> Replying {
        Replying {
            draft: Draft {
                api: self.clone(),
                message: message.into(),
                once: None,
            },
            message_id: message_id.into(),
            in_thread: false,
        }
    }
}

impl Sending {
    /// Sends the message at most once an hour for this event or key: see [`Once`]. The call can then also be
    /// repeated after a lost connection.
    pub fn once(mut self, once: impl Into<Once>) -> Self {
        self.draft.once = Some(once.into());
        self
    }
}

impl Replying {
    /// Sends the reply at most once an hour for this event or key: see [`Once`]. The call can then also be repeated
    /// after a lost connection.
    pub fn once(mut self, once: impl Into<Once>) -> Self {
        self.draft.once = Some(once.into());
        self
    }

    /// Replies in the thread of the message, and begins a thread if it has none.
    pub fn in_thread(mut self) -> Self {
        self.in_thread = true;
        self
    }
}

impl IntoFuture for Sending {
    type Output = Result<Sent, ApiError>;
    type IntoFuture = SentFuture;

    fn into_future(self) -> SentFuture {
        Box::pin(async move {
            let Receiver { kind, id } = self.receiver;
            let target = format!("send {kind} {id}");
            let path = format!("/open-apis/im/v1/messages?receive_id_type={kind}");
            let body = Map::from_iter([("receive_id".to_owned(), id.into())]);
            self.draft.send(path, &target, body).await
        })
    }
}

impl IntoFuture for Replying {
    type Output = Result<Sent, ApiError>;
    type IntoFuture = SentFuture;

    fn into_future(self) -> SentFuture {
        Box::pin(async move {
            let id = segment("message id", &self.message_id)?;
            let target = format!("reply {id}");
            let path = format!("/open-apis/im/v1/messages/{id}/reply");
            let mut body = Map::new();
            if self.in_thread {
                body.insert("reply_in_thread".to_owned(), true.into());
            }
            self.draft.send(path, &target, body).await
        })
    }
}

impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending")
            .field("receiver", &self.receiver)
            .field("message", &self.draft.message)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Replying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replying")
            .field("message_id", &self.message_id)
            .field("message", &self.draft.message)
            .finish_non_exhaustive()
    }
}
