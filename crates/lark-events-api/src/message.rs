//! Messages to send, and who receives them.

use std::fmt;

use serde_json::{Value, json};

use crate::card::Card;
use crate::mentions::escape_mentions;
use crate::post::Post;

/// A message to send: its type and its content.
///
/// ```
/// use lark_events_api::{Card, Message, Post, Span};
///
/// let text = Message::text("tea is ready");
/// let post = Message::post(Post::new().title("Tea").line([
///     Span::text("ready at "),
///     Span::link("the kitchen", "https://example.com/kitchen"),
/// ]));
/// let card = Message::card(Card::v2().markdown("**tea** is ready"));
/// # drop((text, post, card));
/// ```
#[derive(Clone, PartialEq)]
#[must_use]
pub struct Message {
    pub(crate) kind: String,
    /// JSON as text, as the API takes it.
    pub(crate) content: String,
}

impl Message {
    /// A text message that may contain mentions. The tag `<at user_id="ou_1"></at>` mentions a user, and
    /// `<at user_id="all"></at>` everybody. Pass text of users and language models through [`escape_mentions`].
    pub fn text(text: impl Into<String>) -> Self {
        Self::raw("text", &json!({ "text": text.into() }))
    }

    /// A rich text.
    pub fn post(post: Post) -> Self {
        Self::raw("post", &post.into_json())
    }

    /// A card.
    pub fn card(card: impl Into<Card>) -> Self {
        Self::raw("interactive", &card.into().into_json())
    }

    /// A card by the id of its template in the platform's card builder, with the template's variables as an
    /// object.
    pub fn card_template(template_id: impl Into<String>, variables: &Value) -> Self {
        let data = json!({"template_id": template_id.into(), "template_variable": variables});
        Self::raw("interactive", &json!({"type": "template", "data": data}))
    }

    /// An image, by the key that [`Api::upload_image`](crate::Api::upload_image) returns.
    pub fn image(image_key: impl Into<String>) -> Self {
        Self::raw("image", &json!({ "image_key": image_key.into() }))
    }

    /// A file, by the key that [`Api::upload_file`](crate::Api::upload_file) returns.
    pub fn file(file_key: impl Into<String>) -> Self {
        Self::raw("file", &json!({ "file_key": file_key.into() }))
    }

    /// A message of any type, such as `audio`, `media`, `sticker` or `share_chat`, with the content that the
    /// documentation of the type describes.
    pub fn raw(message_type: impl Into<String>, content: &Value) -> Self {
        Self {
            kind: message_type.into(),
            content: content.to_string(),
        }
    }
}

/// Omits the content.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("type", &self.kind)
            .finish_non_exhaustive()
    }
}

/// A text message that mentions nobody: see [`escape_mentions`].
impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::text(escape_mentions(text))
    }
}

/// A text message that mentions nobody: see [`escape_mentions`].
impl From<String> for Message {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<Card> for Message {
    fn from(card: Card) -> Self {
        Self::card(card)
    }
}

impl From<Post> for Message {
    fn from(post: Post) -> Self {
        Self::post(post)
    }
}

/// Who receives a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Receiver {
    pub(crate) kind: &'static str,
    pub(crate) id: String,
}

impl Receiver {
    /// A chat.
    pub fn chat(chat_id: impl Into<String>) -> Self {
        Self::new("chat_id", chat_id)
    }

    /// A user, by the id that this app knows.
    pub fn open_id(open_id: impl Into<String>) -> Self {
        Self::new("open_id", open_id)
    }

    /// A user, by the id that all apps of a developer know.
    pub fn union_id(union_id: impl Into<String>) -> Self {
        Self::new("union_id", union_id)
    }

    /// A user, by the id in their tenant.
    pub fn user_id(user_id: impl Into<String>) -> Self {
        Self::new("user_id", user_id)
    }

    /// A user, by their email address.
    pub fn email(email: impl Into<String>) -> Self {
        Self::new("email", email)
    }

    fn new(kind: &'static str, id: impl Into<String>) -> Self {
        let id = id.into();
        Self { kind, id }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_json_in_a_string() {
        for (message, kind, content) in [
            (
                Message::text("a \"b\"\n\u{2028}"),
                "text",
                json!({"text": "a \"b\"\n\u{2028}"}),
            ),
            (
                Message::image("img_1"),
                "image",
                json!({"image_key": "img_1"}),
            ),
            (
                Message::file("file_1"),
                "file",
                json!({"file_key": "file_1"}),
            ),
            (
                Message::raw("share_chat", &json!({"chat_id": "oc_1"})),
                "share_chat",
                json!({"chat_id": "oc_1"}),
            ),
            (
                Message::card_template("AAq1", &json!({"name": "Ada"})),
                "interactive",
                json!({"type": "template",
                    "data": {"template_id": "AAq1", "template_variable": {"name": "Ada"}}}),
            ),
        ] {
            assert_eq!(message.kind, kind);
            let sent: Value = serde_json::from_str(&message.content).unwrap();
            assert_eq!(sent, content);
        }
        assert!(!format!("{:?}", Message::text("marked")).contains("marked"));
    }

    #[test]
    fn a_string_mentions_nobody_and_a_text_may() {
        let everybody = r#"<at user_id="all"></at>"#;
        let text = |message: Message| -> Value {
            let mut content: Value = serde_json::from_str(&message.content).unwrap();
            content["text"].take()
        };
        assert_eq!(text(Message::text(everybody)), everybody);
        let escaped = "<\u{200b}at user_id=\"all\"></at>";
        assert_eq!(text(everybody.into()), escaped);
        assert_eq!(text(everybody.to_owned().into()), escaped);
    }
}
