//! The content of a message without formatting.

use lark_events::lenient;
use serde::{Deserialize, Serialize};

use super::decode::read;
use super::segments::{Piece, Segments};
use crate::im::EventMessage;

/// The content of a `text` message.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct TextContent {
    /// The text. Each mention is a [key](crate::im::MentionEvent::key), such as `@_user_1`, or `@_all`;
    /// a link is `[text](address)`.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl TextContent {
    /// An empty text beside other members is not the sent text.
    pub(super) fn parse(content: &str) -> Option<Self> {
        let (raw, text) = read::<Self>(content)?;
        let is_empty = text.text.as_deref() == Some("");
        (!is_empty || raw.unread(&text).is_empty()).then_some(text)
    }

    /// The text as segments, which separate words from the mentions of `message`.
    ///
    /// ```
    /// use lark_events_types::im::{Content, EventMessage, MentionEvent, Segment};
    ///
    /// let mut tom = MentionEvent::default();
    /// tom.key = Some("@_user_1".to_owned());
    /// tom.name = Some("Tom".to_owned());
    /// let mut message = EventMessage::default();
    /// message.mentions = Some(vec![tom]);
    ///
    /// let Content::Text(text) = Content::parse("text", r#"{"text":"hello @_user_1"}"#) else {
    ///     panic!("a text message has text content");
    /// };
    /// let names = text.segments(&message).map(|segment| match segment {
    ///     Segment::Mention(mention) => format!("<{}>", mention.name.as_deref().unwrap_or("?")),
    ///     other => other.to_string(),
    /// });
    /// assert_eq!(names.collect::<String>(), "hello <Tom>");
    /// ```
    #[must_use]
    pub fn segments<'a>(&'a self, message: &'a EventMessage) -> Segments<'a> {
        let text = self.text.as_deref().unwrap_or_default();
        Segments::new(message, vec![Piece::Text(text)])
    }
}
