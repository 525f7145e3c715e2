//! What messages say: every message type, the mentions in their texts, and what may come instead.

mod cards;
mod files;
mod helpers;
mod mentions;
mod posts;
mod readable;
mod types;
mod unread;

use lark_events::UserId;
use lark_events_types::im::{Content, EventMessage, MentionEvent};

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn message(message_type: &str, content: &str) -> EventMessage {
    let mut message = EventMessage::default();
    message.message_type = some(message_type);
    message.content = some(content);
    message
}

fn text_message(text: &str, mentions: Vec<MentionEvent>) -> EventMessage {
    let content = serde_json::json!({ "text": text }).to_string();
    let mut message = message("text", &content);
    message.mentions = Some(mentions);
    message
}

fn mention(key: &str, open_id: &str, name: &str) -> MentionEvent {
    let mut id = UserId::default();
    id.open_id = some(open_id);
    let mut mention = MentionEvent::default();
    mention.key = some(key);
    mention.id = Some(id);
    mention.name = some(name);
    mention
}

fn unknown(message_type: &str, raw: &str) -> Content {
    Content::Unknown {
        message_type: message_type.to_owned(),
        raw: raw.to_owned(),
    }
}

/// A content of its type and no other.
#[track_caller]
fn parsed(message_type: &str, content: &str) -> Content {
    let parsed = Content::parse(message_type, content);
    let is_known = !matches!(parsed, Content::Unknown { .. });
    assert!(is_known, "{message_type}: {content}");
    parsed
}
