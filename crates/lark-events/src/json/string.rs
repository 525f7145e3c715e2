//! A JSON string as it is spelt, and the text that it says.

use std::borrow::Cow;

use super::steps;

/// The text of a JSON string in its quotes, borrowed where it has no escapes. `None` where it is no
/// Unicode: half of a surrogate pair can be escaped alone.
pub(crate) fn unescaped(string: &str) -> Option<Cow<'_, str>> {
    steps::read(string.len());
    let inside = unquoted(string)?;
    if !string.contains('\\') {
        return Some(Cow::Borrowed(inside));
    }
    serde_json::from_str(string).ok().map(Cow::Owned)
}

/// A JSON string without its quotes, as it is spelt.
pub(crate) fn unquoted(string: &str) -> Option<&str> {
    string.strip_prefix('"')?.strip_suffix('"')
}
