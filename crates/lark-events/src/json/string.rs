//! A JSON string as written, and its text.

use std::borrow::Cow;

use super::steps;

/// The text of a JSON string in its quotes, borrowed if it has no escapes. `None` if it is not Unicode:
/// an escape can be half of a surrogate pair.
pub(crate) fn unescaped(string: &str) -> Option<Cow<'_, str>> {
    steps::read(string.len());
    let inside = unquoted(string)?;
    if !string.contains('\\') {
        return Some(Cow::Borrowed(inside));
    }
    serde_json::from_str(string).ok().map(Cow::Owned)
}

/// A JSON string without its quotes, as written.
pub(crate) fn unquoted(string: &str) -> Option<&str> {
    string.strip_prefix('"')?.strip_suffix('"')
}
