//! A part of a message's text: words, or a mention.

use std::fmt;

use super::mention_index::ids;
use crate::im::MentionEvent;

/// A part of the text of a message. Shown, it is words as they are and a mention by its name;
/// segments collect into a `String` of that.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Segment<'a> {
    /// Words. More of them may follow in the next segment.
    Text(&'a str),
    /// Somebody who is in [`mentions`](crate::im::EventMessage::mentions).
    Mention(&'a MentionEvent),
    /// Somebody who is not in there, from an element or tag that says who it is.
    Unlisted {
        /// A key or an id, empty where none was sent.
        user_id: &'a str,
        /// The name, empty where none was sent.
        name: &'a str,
    },
    /// Everybody in the chat.
    Everybody,
}

impl Segment<'_> {
    /// Whether it mentions whoever has this `open_id`, `union_id` or `user_id`. Everybody is not
    /// somebody.
    #[must_use]
    pub fn mentions(&self, id: &str) -> bool {
        match self {
            Self::Mention(mention) => ids(mention).any(|its| its == id),
            Self::Unlisted { user_id, .. } => !user_id.is_empty() && *user_id == id,
            Self::Text(_) | Self::Everybody => false,
        }
    }
}

impl fmt::Display for Segment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, id) = match self {
            Self::Text(text) => return f.write_str(text),
            Self::Everybody => return f.write_str("@all"),
            Self::Mention(mention) => (
                mention.name.as_deref().unwrap_or_default(),
                mention.key.as_deref().unwrap_or_default(),
            ),
            Self::Unlisted { user_id, name } => (*name, *user_id),
        };
        let shown = if name.is_empty() { id } else { name };
        let at = if shown.starts_with('@') { "" } else { "@" };
        write!(f, "{at}{shown}")
    }
}

impl<'a> FromIterator<Segment<'a>> for String {
    fn from_iter<I: IntoIterator<Item = Segment<'a>>>(segments: I) -> Self {
        let mut text = Self::new();
        for segment in segments {
            match segment {
                Segment::Text(words) => text.push_str(words),
                mention => text.push_str(&mention.to_string()),
            }
        }
        text
    }
}
