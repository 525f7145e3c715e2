//! What a handler asks a message: what it says, typed or as plain text.

use super::{Content, Segment};
use crate::im::EventMessage;

impl EventMessage {
    /// What the message says, in the form that its `message_type` has. What is not understood is kept
    /// as [`Content::Unknown`].
    ///
    /// It is worked out when asked; what is not in it is still in [`content`](Self::content).
    ///
    /// ```
    /// use lark_events_types::im::{Content, EventMessage};
    ///
    /// let mut message = EventMessage::default();
    /// message.message_type = Some("image".to_owned());
    /// message.content = Some(r#"{"image_key":"img_1"}"#.to_owned());
    ///
    /// match message.parsed_content() {
    ///     Content::Image(image) => assert_eq!(image.image_key.as_deref(), Some("img_1")),
    ///     other => panic!("an image message has an image, not {other:?}"),
    /// }
    /// ```
    #[must_use]
    pub fn parsed_content(&self) -> Content {
        Content::parse(
            self.message_type.as_deref().unwrap_or_default(),
            self.content.as_deref().unwrap_or_default(),
        )
    }

    /// The text of a `text` or `post` message, with mentions by their names. `None` for other
    /// messages, and where the content is not understood.
    ///
    /// ```
    /// # use lark_events_types::im::{EventMessage, MentionEvent};
    /// # let mut tom = MentionEvent::default();
    /// # tom.key = Some("@_user_1".to_owned());
    /// # tom.name = Some("Tom".to_owned());
    /// # let mut message = EventMessage::default();
    /// # message.message_type = Some("text".to_owned());
    /// # message.content = Some(r#"{"text":"@_user_1 hello @_all"}"#.to_owned());
    /// # message.mentions = Some(vec![tom]);
    /// // The message was sent with `@_user_1 hello @_all`.
    /// assert_eq!(message.text().as_deref(), Some("@Tom hello @all"));
    /// ```
    #[must_use]
    pub fn text(&self) -> Option<String> {
        self.text_of(|segments| segments.collect())
    }

    /// [`text`](Self::text) without the mention of one, such as the bot itself, by any of its ids.
    ///
    /// A space that the mention leaves behind goes with it, and so does white space at both ends.
    #[must_use]
    pub fn text_without_mention_of(&self, id: &str) -> Option<String> {
        self.text_without(|segment| segment.mentions(id))
    }

    /// [`text`](Self::text) without any mention: what an echo bot wants. Empty where there is nothing
    /// else.
    ///
    /// A space that a mention leaves behind goes with it, and so does white space at both ends.
    #[must_use]
    pub fn text_without_mentions(&self) -> Option<String> {
        self.text_without(|segment| !matches!(segment, Segment::Text(_)))
    }

    fn text_without(&self, is_dropped: impl Fn(&Segment<'_>) -> bool) -> Option<String> {
        self.text_of(|segments| {
            let mut text = String::new();
            let mut after_dropped = false;
            for segment in segments {
                if is_dropped(&segment) {
                    after_dropped = true;
                    continue;
                }
                let kept = segment.to_string();
                let at_gap = text.is_empty() || text.ends_with(char::is_whitespace);
                let closed = kept.strip_prefix([' ', '\u{a0}']);
                let closed = closed.filter(|_| after_dropped && at_gap);
                text.push_str(closed.unwrap_or(&kept));
                after_dropped = false;
            }
            text.trim().to_owned()
        })
    }

    fn text_of(&self, render: impl Fn(super::Segments<'_>) -> String) -> Option<String> {
        let content = self.parsed_content();
        matches!(content, Content::Text(_) | Content::Post(_))
            .then(|| render(content.segments(self)))
    }
}
