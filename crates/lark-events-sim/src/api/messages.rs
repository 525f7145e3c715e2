//! Messages that the app has sent: one for each `uuid` in an hour.

use std::fmt;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::answer::Answer;
use super::call::ApiCall;

/// The maximum number of messages that are kept: the last 1,000.
pub const MAX_MESSAGES: usize = 1000;
/// How long the platform recognises a `uuid`.
const UUID_LASTS: Duration = Duration::from_hours(1);
/// The longest `uuid`.
const MAX_UUID_CHARS: usize = 50;

const BAD_FIELD: i64 = 230_001;
const FIELD_VALIDATION: i64 = 99_992_402;
const NO_MESSAGE: i64 = 230_011;
const NOT_A_CARD: i64 = 230_054;

/// A message of the app: [`Platform::messages`](crate::Platform::messages).
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct ApiMessage {
    /// The id of the message.
    pub message_id: String,
    /// Who receives it: a chat or a user, by the id in the call. `None` for a reply.
    pub receive_id: Option<String>,
    /// The message that it replies to.
    pub reply_to: Option<String>,
    /// The type, such as `text` or `interactive`.
    pub message_type: String,
    /// The content. For a card, its content after all updates by message id.
    pub content: Value,
    /// The `uuid`.
    pub uuid: Option<String>,
    /// The number of calls that sent it. Calls with the same `uuid` within an hour are one message.
    pub sent: usize,
    /// The number of updates of its card by message id.
    pub updates: usize,
    /// The reactions of the app.
    pub reactions: Vec<String>,
    /// Whether it was recalled.
    pub is_recalled: bool,
    at: Instant,
}

impl ApiMessage {
    /// The text of a message of type `text`.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        let is_text = self.message_type == "text";
        self.content["text"].as_str().filter(|_| is_text)
    }
}

/// Omits the content.
impl fmt::Debug for ApiMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiMessage")
            .field("message_id", &self.message_id)
            .field("receive_id", &self.receive_id)
            .field("reply_to", &self.reply_to)
            .field("message_type", &self.message_type)
            .field("uuid", &self.uuid)
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}

#[derive(Default)]
pub(super) struct Messages {
    kept: Vec<ApiMessage>,
    sent: usize,
}

impl Messages {
    pub(super) fn all(&self) -> Vec<ApiMessage> {
        self.kept.clone()
    }

    /// Sends a message, or a reply.
    pub(super) fn send(
        &mut self,
        sent: &Value,
        reply_to: Option<&str>,
        call: &mut ApiCall,
    ) -> Answer {
        let text = |name: &str| sent[name].as_str();
        let receive_id = text("receive_id").filter(|_| reply_to.is_none());
        if reply_to.is_none() && receive_id.is_none() {
            return Answer::failed(400, FIELD_VALIDATION, "field validation failed: receive_id");
        }
        let Some(message_type) = text("msg_type") else {
            return Answer::failed(400, FIELD_VALIDATION, "field validation failed: msg_type");
        };
        let content = text("content").map(serde_json::from_str::<Value>);
        let Some(Ok(content)) = content else {
            let msg = "invalid content: expected JSON in a string";
            return Answer::failed(400, BAD_FIELD, msg);
        };
        let uuid = text("uuid").filter(|uuid| !uuid.is_empty());
        if uuid.is_some_and(|uuid| uuid.chars().count() > MAX_UUID_CHARS) {
            return Answer::failed(400, FIELD_VALIDATION, "field validation failed: uuid");
        }
        let is_known = |message: &&mut ApiMessage| {
            uuid.is_some() && message.uuid.as_deref() == uuid && message.at.elapsed() < UUID_LASTS
        };
        if let Some(message) = self.kept.iter_mut().find(is_known) {
            message.sent += 1;
            call.message_id = Some(message.message_id.clone());
            return sent_answer(message);
        }
        self.sent += 1;
        let message = ApiMessage {
            message_id: format!("om_{}", self.sent),
            receive_id: receive_id.map(str::to_owned),
            reply_to: reply_to.map(str::to_owned),
            message_type: message_type.to_owned(),
            content,
            uuid: uuid.map(str::to_owned),
            sent: 1,
            updates: 0,
            reactions: Vec::new(),
            is_recalled: false,
            at: Instant::now(),
        };
        if self.kept.len() >= MAX_MESSAGES {
            self.kept.remove(0);
        }
        call.message_id = Some(message.message_id.clone());
        let answer = sent_answer(&message);
        self.kept.push(message);
        answer
    }

    /// Changes a message that the app has sent.
    pub(super) fn change(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut ApiMessage) -> Answer,
    ) -> Answer {
        let is_it = |message: &&mut ApiMessage| message.message_id == id && !message.is_recalled;
        match self.kept.iter_mut().find(is_it) {
            Some(message) => change(message),
            None => Answer::failed(400, NO_MESSAGE, "the message was withdrawn or not found"),
        }
    }
}

/// Replaces the card of a message.
pub(super) fn update(message: &mut ApiMessage, sent: &Value) -> Answer {
    if message.message_type != "interactive" {
        return Answer::failed(400, NOT_A_CARD, "the message is not a card");
    }
    let content = sent["content"].as_str().map(serde_json::from_str);
    let Some(Ok(content)) = content else {
        return Answer::failed(400, BAD_FIELD, "invalid content: expected JSON in a string");
    };
    message.content = content;
    message.updates += 1;
    Answer::ok(serde_json::json!({}))
}

fn sent_answer(message: &ApiMessage) -> Answer {
    Answer::ok(serde_json::json!({
        "message_id": message.message_id,
        "chat_id": message.receive_id.as_deref().filter(|id| id.starts_with("oc_")),
        "msg_type": message.message_type,
    }))
}
