//! Handles messages for the bot.

use std::time::{Duration, SystemTime};

use lark_events::{BoxError, Event};
use lark_events_api::{Api, Once};
use lark_events_types::im::{Content, EventMessage, EventSender, MessageReceiveV1};
use tracing::{info, warn};

/// The API drops a `uuid` after an hour, and would then send a second answer. The other 10 minutes
/// allow for clocks that differ.
const MAX_AGE: Duration = Duration::from_mins(50);

/// Answers a text with the same text.
pub(crate) async fn on_message(api: Api, event: Event<MessageReceiveV1>) -> Result<(), BoxError> {
    // By the message's id: a message may come as two events.
    let once = Once::of(&event);
    let MessageReceiveV1 {
        sender: Some(sender),
        message: Some(message),
        ..
    } = event.body
    else {
        return Ok(());
    };
    let (Some(text), Some(id)) = (echo(&sender, &message), &message.message_id) else {
        return Ok(());
    };
    if !is_id(id) {
        warn!("ignored a message: its id is not well-formed");
        return Ok(());
    }
    if is_too_old(event.header.created_at(), SystemTime::now()) {
        info!("ignored a message: it is too old");
        return Ok(());
    }
    // A string mentions nobody, whatever tags the user typed.
    api.reply(id, text).once(once).await?;
    Ok(())
}

/// Whether the id is well-formed. A call with another one would fail each time that the message is
/// redelivered.
fn is_id(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    (1..=50).contains(&id.len()) && id.bytes().all(is_plain)
}

/// Whether the message was sent too long ago; `false` if it has no time.
fn is_too_old(created: Option<SystemTime>, now: SystemTime) -> bool {
    let age = created.and_then(|created| now.duration_since(created).ok());
    age.is_some_and(|age| age > MAX_AGE)
}

/// The text of the answer; `None` for messages of bots, such as this one, and messages without text.
fn echo(sender: &EventSender, message: &EventMessage) -> Option<String> {
    if !sender.is_user() || !matches!(message.parsed_content(), Content::Text(_)) {
        return None;
    }
    let text = message.text_without_mentions()?;
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent_by(sender_type: &str, message_type: &str, content: &str) -> Option<String> {
        let mut sender = EventSender::default();
        sender.sender_type = Some(sender_type.to_owned());
        let mut message = EventMessage::default();
        message.message_type = Some(message_type.to_owned());
        message.content = Some(content.to_owned());
        echo(&sender, &message)
    }

    #[test]
    fn a_users_text_is_echoed_and_nothing_else() {
        let hello = r#"{"text":"hello"}"#;
        assert_eq!(sent_by("user", "text", hello).as_deref(), Some("hello"));
        for (sender, kind, content) in [
            ("app", "text", hello),
            ("", "text", hello),
            ("user", "image", r#"{"image_key":"img_1"}"#),
            ("user", "text", "hello"),
            ("user", "text", r#"{"text":" "}"#),
        ] {
            assert_eq!(sent_by(sender, kind, content), None, "{sender} {content}");
        }
    }

    #[test]
    fn what_could_be_more_than_a_part_of_a_path_is_no_id() {
        let longest = "m".repeat(50);
        for id in ["om_dc13264520392913993dd051dba21dcf", "a-Z_0", &longest] {
            assert!(is_id(id), "{id}");
        }
        let too_long = "m".repeat(51);
        for id in [
            "", "..", "om_1/x", "om_1?x", "om_1#", "om 1", "om_%31", "ömöm", &too_long,
        ] {
            assert!(!is_id(id), "{id}");
        }
    }

    #[test]
    fn what_the_api_may_have_forgotten_is_too_old() {
        let created = SystemTime::now();
        let after = |minutes| is_too_old(Some(created), created + Duration::from_mins(minutes));
        assert!(!after(0));
        assert!(!after(50));
        assert!(after(51));
        assert!(!is_too_old(None, created));
        let ahead = created + Duration::from_mins(60);
        assert!(!is_too_old(Some(ahead), created), "a clock that is ahead");
    }
}
