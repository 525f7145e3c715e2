//! An index of mentions by key and by id, to find the mentions of a text in one pass.

use std::collections::HashMap;

use super::at_tag::AtTag;
use super::card_tag::{CardTag, Mentioned};
use super::segment::Segment;
use crate::im::{EventMessage, MentionEvent};

/// The prefix of numbered mention keys: `@_user_1`.
const NUMBERED: &str = "@_user_";

/// The mention of everybody: a key in texts and posts, an id in tags and in posts as sent.
const EVERYBODY: [&str; 3] = ["@_all", "all", "all_members"];

/// The kind of mention tags in a text.
#[derive(Debug, Clone, Copy)]
pub(super) enum Markup {
    /// The tags of texts and posts.
    Text,
    /// The tags of cards.
    Card,
}

/// The mentioned user at one place.
pub(super) enum Found<'a> {
    One(Segment<'a>),
    Several(Mentioned<'a>),
}

#[derive(Debug, Clone)]
pub(super) struct MentionIndex<'a> {
    by_key: HashMap<&'a str, &'a MentionEvent>,
    by_id: HashMap<&'a str, &'a MentionEvent>,
}

impl<'a> MentionIndex<'a> {
    /// The first mention with a key or id counts.
    pub(super) fn new(message: &'a EventMessage) -> Self {
        let mut by_key = HashMap::new();
        let mut by_id = HashMap::new();
        for mention in message.mentions.iter().flatten() {
            if let Some(key) = &mention.key {
                by_key.entry(key.as_str()).or_insert(mention);
            }
            for id in ids(mention) {
                by_id.entry(id).or_insert(mention);
            }
        }
        Self { by_key, by_id }
    }

    /// The user that `user_id` names by a key or an id. An element or tag without both parts names
    /// nobody.
    pub(super) fn at(&self, user_id: &'a str, name: &'a str) -> Option<Segment<'a>> {
        if EVERYBODY.contains(&user_id) {
            return Some(Segment::Everybody);
        }
        let listed = self.by_key.get(user_id).or_else(|| self.by_id.get(user_id));
        if let Some(mention) = listed.filter(|_| !user_id.is_empty()) {
            return Some(Segment::Mention(mention));
        }
        let named = !user_id.is_empty() || !name.is_empty();
        named.then_some(Segment::Unlisted { user_id, name })
    }

    /// The first mention in `text` with the tags of `markup`: its place, length and user.
    pub(super) fn find(&self, text: &'a str, markup: Markup) -> Option<(usize, usize, Found<'a>)> {
        text.match_indices(['@', '<']).find_map(|(start, _)| {
            let rest = &text[start..];
            let (len, found) = match markup {
                Markup::Card if rest.starts_with('<') => {
                    let tag = CardTag::parse(rest)?;
                    (tag.len, Found::Several(tag.mentioned()))
                }
                _ => {
                    let (len, segment) = self.starting(rest)?;
                    (len, Found::One(segment))
                }
            };
            Some((start, len, found))
        })
    }

    /// The user that a card's tag mentions by this key, or otherwise by this id.
    pub(super) fn by_key_or_id(
        &self,
        key: &'a str,
        id: &'a str,
        name: &'a str,
    ) -> Option<Segment<'a>> {
        let is_known = self.by_key.contains_key(key) || EVERYBODY.contains(&key);
        self.at(if is_known || id.is_empty() { key } else { id }, name)
    }

    /// The mention that `text` begins with.
    fn starting(&self, text: &'a str) -> Option<(usize, Segment<'a>)> {
        if text.starts_with('<') {
            let tag = AtTag::parse(text)?;
            return Some((tag.len, self.at(tag.user_id, tag.name)?));
        }
        let is_of_key = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let len = 1 + text.bytes().skip(1).take_while(is_of_key).count();
        let word = &text[..len];
        // The whole word, or a key directly followed by letters: `@_user_1hello`, `@_allhello`.
        let key = if word != EVERYBODY[0] && self.by_key.contains_key(word) {
            word
        } else if word.starts_with(EVERYBODY[0]) {
            return Some((EVERYBODY[0].len(), Segment::Everybody));
        } else {
            let number = word.strip_prefix(NUMBERED)?;
            let digits = number.bytes().take_while(u8::is_ascii_digit).count();
            &word[..NUMBERED.len() + digits]
        };
        let mention = self.by_key.get(key)?;
        Some((key.len(), Segment::Mention(mention)))
    }
}

/// The ids of the mentioned user.
pub(super) fn ids(mention: &MentionEvent) -> impl Iterator<Item = &str> {
    let ids = mention.id.iter().flat_map(|id| {
        let all = [&id.open_id, &id.union_id, &id.user_id];
        all.into_iter().filter_map(Option::as_deref)
    });
    ids.filter(|id| !id.is_empty())
}
