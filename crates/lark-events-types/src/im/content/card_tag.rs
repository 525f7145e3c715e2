//! Mentions in the Markdown of cards: `<at id=ou_1 mention_key=@_user_1></at>`. The id is that of the
//! sender's app; the key is one of the message's [mentions](crate::im::EventMessage::mentions). One tag can
//! mention several: `<at ids=ou_1,ou_2 mentions_key=@_user_1,@_user_2></at>`.

use std::str::Split;

const OPENING: &str = "<at";
const CLOSING: &str = "</at>";

/// The names of the attributes for ids and keys.
const IDS: [&str; 5] = ["id", "ids", "user_id", "open_id", "email"];
const KEYS: [&str; 2] = ["mention_key", "mentions_key"];

/// One such tag. It ends at the next angle bracket, so that a search takes time linear in the text.
#[derive(Debug, PartialEq)]
pub(super) struct CardTag<'a> {
    ids: &'a str,
    keys: &'a str,
    name: &'a str,
    /// The length of the whole tag, in bytes.
    pub(super) len: usize,
}

impl<'a> CardTag<'a> {
    /// Reads the tag that `text` begins with.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix(OPENING)?;
        let attributes = &rest[..rest.find(['<', '>'])?];
        let after = rest[attributes.len()..].strip_prefix('>')?;
        if !attributes.starts_with(char::is_whitespace) {
            return None;
        }
        let ids = attribute(attributes, &IDS).unwrap_or_default();
        let keys = attribute(attributes, &KEYS).unwrap_or_default();
        if ids.is_empty() && keys.is_empty() {
            return None;
        }
        let inside = &after[..after.find('<').unwrap_or(0)];
        let is_closed = after[inside.len()..].starts_with(CLOSING);
        let (name, closing) = match is_closed {
            true => (inside, CLOSING.len()),
            false => ("", 0),
        };
        let len = OPENING.len() + attributes.len() + 1 + name.len() + closing;
        Some(Self {
            ids,
            keys,
            name,
            len,
        })
    }

    pub(super) fn mentioned(&self) -> Mentioned<'a> {
        Mentioned {
            ids: self.ids.split(','),
            keys: self.keys.split(','),
            name: self.name,
        }
    }
}

/// The value of the first attribute of one of these names, in quotes or not.
fn attribute<'a>(attributes: &'a str, names: &[&str]) -> Option<&'a str> {
    let mut rest = attributes;
    while let Some((before, after)) = rest.split_once('=') {
        let name = before.rsplit(char::is_whitespace).next()?;
        let (value, next) = match after.strip_prefix(['"', '\'']) {
            Some(quoted) => quoted.split_once(&after[..1])?,
            None => after.split_once(char::is_whitespace).unwrap_or((after, "")),
        };
        if names.contains(&name) {
            return Some(value);
        }
        rest = next;
    }
    None
}

/// The key, id and name of each user that a tag mentions, as far as known. Only the first has the name:
/// repeating a long name for all would take its length times their number.
#[derive(Debug, Clone)]
pub(super) struct Mentioned<'a> {
    ids: Split<'a, char>,
    keys: Split<'a, char>,
    name: &'a str,
}

impl<'a> Iterator for Mentioned<'a> {
    type Item = (&'a str, &'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, id) = (self.keys.next(), self.ids.next());
        let name = std::mem::take(&mut self.name);
        let is_one = key.is_some() || id.is_some();
        is_one.then(|| (key.unwrap_or_default(), id.unwrap_or_default(), name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_has_ids_keys_and_a_name() {
        for (text, mentioned) in [
            (
                "<at id=ou_1 mention_key=@_user_1></at>",
                vec![("@_user_1", "ou_1", "")],
            ),
            ("<at id=all></at>", vec![("", "all", "")]),
            (r#"<at id="ou_1">Tom</at>"#, vec![("", "ou_1", "Tom")]),
            ("<at\nid='ou_1' x=1>", vec![("", "ou_1", "")]),
            (
                "<at ids=a,b,c mentions_key=k,,l></at>",
                vec![("k", "a", ""), ("", "b", ""), ("l", "c", "")],
            ),
            (
                "<at ids=a,b mentions_key=k>Tom</at>",
                vec![("k", "a", "Tom"), ("", "b", "")],
            ),
        ] {
            let tag = CardTag::parse(text).unwrap();
            assert_eq!(tag.len, text.len(), "{text}");
            assert_eq!(tag.mentioned().collect::<Vec<_>>(), mentioned, "{text}");
        }
        let open = CardTag::parse("<at id=a> and <b>more</b>").unwrap();
        assert_eq!((open.len, open.name), (9, ""));
    }

    #[test]
    fn what_is_no_tag_is_none() {
        for odd in [
            "",
            "<at",
            "<at>",
            "<at id",
            "<at id=>",
            "<at id=\"a>",
            "<at id=a",
            "<at id=a<b>",
            "<atid=a>",
            "<b id=a>",
            "<at xid=a>",
        ] {
            assert_eq!(CardTag::parse(odd), None, "{odd}");
        }
    }
}
