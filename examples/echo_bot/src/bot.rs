//! What the bot does with a message.

use std::sync::Arc;
use std::time::Duration;

use im_events::{Content, EventMessage, EventSender, MessageReceiveV1};
use lark_events::{BoxError, Event};
use tokio::time::timeout;

use crate::api::Api;

/// Within the ack deadline of 2.5 seconds: an answer that was given up fails the message, and so it is
/// delivered again.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// Answers a text with the same text.
pub(crate) async fn on_message(
    api: Arc<Api>,
    event: Event<MessageReceiveV1>,
) -> Result<(), BoxError> {
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
    // The id of the message rather than of the event: a message may come as two events.
    timeout(ANSWER_LIMIT, api.reply(id, &text, id)).await??;
    Ok(())
}

/// The text to answer with: none for what a bot has sent, this one included, and for what is no text.
fn echo(sender: &EventSender, message: &EventMessage) -> Option<String> {
    if sender.sender_type.as_deref() != Some("user") {
        return None;
    }
    if !matches!(message.parsed_content(), Content::Text(_)) {
        return None;
    }
    let text = message.text_without_mentions()?;
    // Mentions are gone; what is left of a tag is text, and would mention somebody if a bot sent it.
    let text = text.replace("<at ", "<\u{200b}at ");
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
    fn nobody_mentions_everybody_through_the_bot() {
        let tags = r#"{"text":"<at user_id=\"all\">all</at> <at user_id=all>all</at> <atoll>"}"#;
        let echoed = sent_by("user", "text", tags).unwrap();
        assert_eq!(echoed, "<\u{200b}at user_id=all>all</at> <atoll>");
    }
}
