//! Text of users and language models that may contain tags of mentions.

/// Escapes the tags in a text that would mention users, so that it mentions nobody: a zero-width space follows
/// the `<` of each `<at`.
///
/// A `&str` or `String` that is sent as a [`Message`](crate::Message), and the text of a
/// [reply stream](crate::Api::reply_stream), is escaped already. Escape text of users and language models that
/// you put into a [`Card`](crate::Card), Markdown of a [`Post`](crate::Post), or
/// [`Message::text`](crate::Message::text).
///
/// ```
/// use lark_events_api::{Card, escape_mentions};
///
/// let comment = r#"<at id="all"></at>"#; // written by a user
/// let card = Card::v2().markdown(format!("Comment: {}", escape_mentions(comment)));
/// # drop(card);
/// ```
#[must_use]
pub fn escape_mentions(text: &str) -> String {
    let mut rest = text;
    let mut escaped = String::with_capacity(text.len());
    while let Some((before, after)) = rest.split_once('<') {
        escaped.push_str(before);
        escaped.push('<');
        if is_mention(after) {
            escaped.push('\u{200b}');
        }
        rest = after;
    }
    escaped + rest
}

/// Whether a tag that begins with this text is a mention.
fn is_mention(tag: &str) -> bool {
    match tag.as_bytes() {
        [b'a' | b'A', b't' | b'T', rest @ ..] => rest
            .first()
            .is_none_or(|byte| !byte.is_ascii_alphanumeric()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tag_of_a_mention_is_escaped_and_nothing_else_is_changed() {
        for (text, escaped) in [
            ("<at id=all></at>", "<\u{200b}at id=all></at>"),
            (
                "a <AT\tid=1>< at><at",
                "a <\u{200b}AT\tid=1>< at><\u{200b}at",
            ),
            (
                "<at\u{3000}id=1><at/><at>",
                "<\u{200b}at\u{3000}id=1><\u{200b}at/><\u{200b}at>",
            ),
            ("<<at id=1>", "<<\u{200b}at id=1>"),
            (
                "1 < 2 <atoll> <a t> @all 茶 <b>",
                "1 < 2 <atoll> <a t> @all 茶 <b>",
            ),
            ("", ""),
        ] {
            assert_eq!(escape_mentions(text), escaped);
            assert_eq!(escape_mentions(escaped), escaped, "twice");
        }
    }
}
