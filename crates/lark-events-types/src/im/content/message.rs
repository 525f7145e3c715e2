//! Questions about a message: its content, typed or as plain text, its addressees and its place.

use super::mention_index::ids;
use super::segment::Written;
use super::{Content, Segment};
use crate::im::{ChatType, EventMessage, EventSender};

impl EventMessage {
    /// The content of the message, in the form of its `message_type`. Content that cannot be read
    /// becomes [`Content::Unknown`].
    ///
    /// Each call parses [`content`](Self::content), which keeps everything that the result does not
    /// have.
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

    /// The text of a `text` or `post` message, with the names of mentions. `None` for other messages,
    /// and for content that cannot be read.
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

    /// [`text`](Self::text) without the mentions of one user, such as the bot itself, given by any of
    /// its ids.
    ///
    /// Removes the space that the mention leaves behind, and white space at both ends.
    #[must_use]
    pub fn text_without_mention_of(&self, id: &str) -> Option<String> {
        self.text_without(|segment| segment.mentions(id))
    }

    /// [`text`](Self::text) without any mention, as an echo bot needs it. Empty if there is nothing
    /// else.
    ///
    /// Removes the space that a mention leaves behind, and white space at both ends.
    #[must_use]
    pub fn text_without_mentions(&self) -> Option<String> {
        self.text_without(|segment| !matches!(segment, Segment::Text(_)))
    }

    /// The parts of [`content`](Self::content) that are missing in
    /// [`parsed_content`](Self::parsed_content), as JSON pointers into the JSON in that string. See
    /// [`Content::unread`].
    ///
    /// ```
    /// use lark_events_types::im::EventMessage;
    ///
    /// let mut message = EventMessage::default();
    /// message.message_type = Some("image".to_owned());
    /// message.content = Some(r#"{"image_key":"img_1","size":7}"#.to_owned());
    /// assert_eq!(message.unread_content(), ["/size"]);
    /// ```
    #[must_use]
    pub fn unread_content(&self) -> Vec<String> {
        let content = self.content.as_deref().unwrap_or_default();
        self.parsed_content().unread(content)
    }

    /// The message as readable text, for any type: see [`Content::readable`].
    ///
    /// ```
    /// use lark_events_types::im::EventMessage;
    ///
    /// let mut message = EventMessage::default();
    /// message.message_type = Some("file".to_owned());
    /// message.content = Some(r#"{"file_key":"file_1","file_name":"plan.xlsx"}"#.to_owned());
    /// assert_eq!(message.readable(), "[file: plan.xlsx]");
    /// ```
    #[must_use]
    pub fn readable(&self) -> String {
        self.parsed_content().readable(self)
    }

    /// Whether the message mentions the bot with this `open_id`, `union_id` or `user_id`. A mention of
    /// everybody does not count: see [`mentions_everybody`](Self::mentions_everybody).
    ///
    /// ```
    /// use lark_events_types::im::EventMessage;
    ///
    /// let message: EventMessage = serde_json::from_str(
    ///     r#"{"mentions":[{"key":"@_user_1","id":{"open_id":"ou_bot"},"name":"Bot"}]}"#,
    /// )?;
    /// assert!(message.mentions_bot("ou_bot"));
    /// assert!(!message.mentions_bot("ou_another"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn mentions_bot(&self, id: &str) -> bool {
        let mentions = self.mentions.iter().flatten();
        mentions.flat_map(ids).any(|its| its == id)
    }

    /// Whether the message mentions everybody in the chat, in a text, a post or a card.
    #[must_use]
    pub fn mentions_everybody(&self) -> bool {
        let content = self.parsed_content();
        content
            .segments(self)
            .any(|segment| segment == Segment::Everybody)
    }

    /// Whether the message is in a private chat between its sender and the bot.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.chat_type == Some(ChatType::P2p)
    }

    /// Whether the message belongs to a thread.
    #[must_use]
    pub fn is_in_thread(&self) -> bool {
        self.thread_id.as_deref().is_some_and(|id| !id.is_empty())
    }

    fn text_without(&self, is_dropped: impl Fn(&Segment<'_>) -> bool) -> Option<String> {
        self.text_of(|segments| {
            let mut written = Written::new();
            let mut after_dropped = false;
            for segment in segments {
                if is_dropped(&segment) {
                    after_dropped = true;
                    continue;
                }
                let text = &written.text;
                let at_gap = text.is_empty() || text.ends_with(char::is_whitespace);
                let kept = match segment {
                    Segment::Text(words) if after_dropped && at_gap => {
                        Segment::Text(words.strip_prefix([' ', '\u{a0}']).unwrap_or(words))
                    }
                    kept => kept,
                };
                written.push(&kept);
                after_dropped = false;
            }
            written.text.trim().to_owned()
        })
    }

    fn text_of(&self, render: impl Fn(super::Segments<'_>) -> String) -> Option<String> {
        let content = self.parsed_content();
        matches!(content, Content::Text(_) | Content::Post(_))
            .then(|| render(content.segments(self)))
    }
}

impl EventSender {
    /// Whether a bot sent the message. A bot that answers other bots needs a rule to stop. A sender
    /// without a type is neither a bot nor a [user](Self::is_user).
    #[must_use]
    pub fn is_bot(&self) -> bool {
        // Events have `bot`; the API that returns messages has `app`.
        matches!(self.sender_type.as_deref(), Some("bot" | "app"))
    }

    /// Whether a user sent the message.
    #[must_use]
    pub fn is_user(&self) -> bool {
        self.sender_type.as_deref() == Some("user")
    }
}
