//! A part of a message's text: words, or a mention.

use std::fmt;

use super::mention_index::ids;
use crate::im::MentionEvent;

/// A part of the text of a message. `Display` writes words as they are, and a mention as its name.
/// Collecting segments into a `String` does the same, but limits the names of mentions to one mebibyte.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Segment<'a> {
    /// Words. More of them may follow in the next segment.
    Text(&'a str),
    /// A user who is in [`mentions`](crate::im::EventMessage::mentions).
    Mention(&'a MentionEvent),
    /// A user who is not in there, from an element or tag that names them.
    Unlisted {
        /// A key or an id, empty if none was sent.
        user_id: &'a str,
        /// The name, empty if none was sent.
        name: &'a str,
    },
    /// Everybody in the chat.
    Everybody,
}

impl Segment<'_> {
    /// Whether the segment mentions the user with this `open_id`, `union_id` or `user_id`. A mention of
    /// everybody does not count.
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

/// The displayed form of a mention: its name, or otherwise its key or id.
fn shown<'a>(name: Option<&'a str>, id: Option<&'a str>) -> &'a str {
    let name = name.filter(|name| !name.is_empty());
    name.or(id).unwrap_or_default()
}

/// The maximum number of bytes for the names of listed mentions in one text: a name is listed once, but
/// every few bytes of a text can mention it.
const MAX_NAME_BYTES: usize = 1 << 20;

/// The text of segments while it is written.
pub(super) struct Written {
    pub(super) text: String,
    /// The remaining bytes for names.
    left: usize,
}

impl Written {
    pub(super) fn new() -> Self {
        Self {
            text: String::new(),
            left: MAX_NAME_BYTES,
        }
    }

    /// Writes a segment. A mention without room for its name becomes `@`.
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
