//! Mentions written as `<at user_id="ou_1">Tom</at>`: how senders write them, and how Markdown keeps them.

/// The longest recognized tag, in bytes: ids have some 40 and names at most a few hundred. The limit
/// keeps the search linear in a text of tags that never end.
const MAX_AT_TAG: usize = 512;

const OPENING: &str = "<at ";
const CLOSING: &str = "</at>";
const USER_ID: &str = "user_id=";

/// One such tag.
#[derive(Debug, PartialEq)]
pub(super) struct AtTag<'a> {
    pub(super) user_id: &'a str,
    pub(super) name: &'a str,
    /// The length of the whole tag, in bytes.
    pub(super) len: usize,
}

impl<'a> AtTag<'a> {
    /// Reads the tag that `text` begins with.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let tag = &text[..text.floor_char_boundary(MAX_AT_TAG)];
        let (attributes, rest) = tag.strip_prefix(OPENING)?.split_once('>')?;
        let (name, _) = rest.split_once(CLOSING)?;
        if name.contains('<') {
            return None;
        }
        let mut places = attributes.match_indices(USER_ID);
        let value = places.find_map(|(start, _)| {
            let is_whole = start == 0 || attributes[..start].ends_with(char::is_whitespace);
            is_whole.then_some(&attributes[start + USER_ID.len()..])
        })?;
        let quote = value
            .chars()
            .next()
            .filter(|quote| "\"'".contains(*quote))?;
        let (user_id, _) = value[1..].split_once(quote)?;
        let len = OPENING.len() + attributes.len() + 1 + name.len() + CLOSING.len();
        (!user_id.is_empty()).then_some(Self { user_id, name, len })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_read_with_its_name_and_length() {
        let text = r#"<at user_id="ou_1">小明</at> hello"#;
        let tag = AtTag::parse(text).unwrap();
        assert_eq!((tag.user_id, tag.name), ("ou_1", "小明"));
        assert_eq!(&text[tag.len..], " hello");

        let tag = AtTag::parse("<at user_id='all' more=1></at>").unwrap();
        assert_eq!((tag.user_id, tag.name, tag.len), ("all", "", 30));
    }

    #[test]
    fn the_id_is_that_of_the_whole_attribute() {
        for text in [
            r#"<at open_user_id="a" user_id="b">x</at>"#,
            r#"<at user_id="b" open_user_id="a">x</at>"#,
            "<at x-user_id='a'\nuser_id='b'>x</at>",
        ] {
            assert_eq!(AtTag::parse(text).unwrap().user_id, "b", "{text}");
        }
    }

    #[test]
    fn what_is_no_whole_tag_is_none() {
        for odd in [
            "",
            "<at",
            "<at user_id=\"ou_1\">",
            "<at user_id=\"ou_1\">Tom",
            "<at user_id=\"ou_1\"><b>Tom</b></at>",
            "<at user_id=\"\">Tom</at>",
            "<at user_id=>Tom</at>",
            "<at user_id=ou_1>Tom</at>",
            "<at user_id=\"ou_1>Tom</at>",
            "<at id=\"ou_1\">Tom</at>",
            "<at open_user_id=\"ou_1\">Tom</at>",
            "<b>Tom</b>",
            &format!("<at user_id=\"ou_1\">{}</at>", "明".repeat(MAX_AT_TAG)),
        ] {
            assert_eq!(AtTag::parse(odd), None, "{odd}");
        }
    }
}
