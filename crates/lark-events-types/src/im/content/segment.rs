//! A part of a message's text: words, or a mention.

use std::fmt;

use super::mention_index::ids;
use crate::im::MentionEvent;

/// A part of the text of a message. Shown, it is words as they are and a mention by its name;
/// segments collect into a `String` of that, in which the names of mentions take a mebibyte at most.
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
        let shown = match self {
            Self::Text(text) => return f.write_str(text),
            Self::Everybody => return f.write_str("@all"),
            Self::Mention(mention) => shown(mention.name.as_deref(), mention.key.as_deref()),
            Self::Unlisted { user_id, name } => shown(Some(name), Some(user_id)),
        };
        let at = if shown.starts_with('@') { "" } else { "@" };
        write!(f, "{at}{shown}")
    }
}

/// What a mention is shown as: its name, or else what stands for it.
fn shown<'a>(name: Option<&'a str>, id: Option<&'a str>) -> &'a str {
    let name = name.filter(|name| !name.is_empty());
    name.or(id).unwrap_or_default()
}

/// Most bytes that the names of listed mentions take in one text: a name is listed once, and a text can
/// mention it by every few of its bytes.
const MAX_NAME_BYTES: usize = 1 << 20;

/// The text of segments, as they come.
pub(super) struct Written {
    pub(super) text: String,
    /// What is left for names.
    left: usize,
}

impl Written {
    pub(super) fn new() -> Self {
        Self {
            text: String::new(),
            left: MAX_NAME_BYTES,
        }
    }

    /// Writes a segment. A mention whose name there is no room for is an `@`.
    pub(super) fn push(&mut self, segment: &Segment<'_>) {
        match segment {
            Segment::Text(words) => self.text.push_str(words),
            Segment::Mention(mention) => {
                let shown = shown(mention.name.as_deref(), mention.key.as_deref());
                match self.left.checked_sub(shown.len()) {
                    Some(left) => {
                        self.left = left;
                        self.text.push_str(&segment.to_string());
                    }
                    None => self.text.push('@'),
                }
            }
            other => self.text.push_str(&other.to_string()),
        }
    }
}

impl<'a> FromIterator<Segment<'a>> for String {
    fn from_iter<I: IntoIterator<Item = Segment<'a>>>(segments: I) -> Self {
        let mut written = Written::new();
        for segment in segments {
            written.push(&segment);
        }
        written.text
    }
}
