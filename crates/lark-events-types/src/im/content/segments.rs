//! The segments of a message's text in order, found lazily.

use std::vec;

use serde_json::Number;

use super::card_tag::Mentioned;
use super::mention_index::{Found, Markup, MentionIndex};
use super::segment::{Segment, Written};
use crate::im::EventMessage;

/// The segments of a message's text, from [`Content::segments`](crate::im::Content::segments).
/// Iterating takes time linear in the text.
#[derive(Debug, Clone)]
pub struct Segments<'a> {
    mentions: MentionIndex<'a>,
    pieces: vec::IntoIter<Piece<'a>>,
    /// The rest of a text.
    rest: &'a str,
    markup: Markup,
    /// The mention after the last words.
    found: Option<Segment<'a>>,
    /// The mentions after the last words, and after the found one.
    several: Option<Mentioned<'a>>,
}

/// A part of a content, before its mentions are found.
#[derive(Debug, Clone)]
pub(super) enum Piece<'a> {
    /// Words that may contain mentions.
    Text(&'a str),
    /// Words of a card, whose mentions have another syntax.
    Card(&'a str),
    /// Words without mentions.
    Verbatim(&'a str),
    /// A number, which only [`Segments::into_text`] uses.
    Number(&'a Number),
    /// A mention.
    At { user_id: &'a str, name: &'a str },
}

impl Piece<'_> {
    /// Whether nothing of it is displayed.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) | Self::Card(text) | Self::Verbatim(text) => text.is_empty(),
            Self::At { user_id, name } => user_id.is_empty() && name.is_empty(),
            Self::Number(_) => false,
        }
    }
}

impl<'a> Segments<'a> {
    pub(super) fn new(message: &'a EventMessage, pieces: Vec<Piece<'a>>) -> Self {
        Self {
            mentions: MentionIndex::new(message),
            pieces: pieces.into_iter(),
            rest: "",
            markup: Markup::Text,
            found: None,
            several: None,
        }
    }

    /// The words before the next mention in the text, or that mention.
    fn advance(&mut self) -> Option<Segment<'a>> {
        loop {
            if let Some(mention) = self.found.take() {
                return Some(mention);
            }
            if let Some(several) = &mut self.several {
                let index = &self.mentions;
                let mut known =
                    several.filter_map(|(key, id, name)| index.by_key_or_id(key, id, name));
                if let Some(mention) = known.next() {
                    return Some(mention);
                }
                self.several = None;
            }
            if self.rest.is_empty() {
                return None;
            }
            let Some((start, len, found)) = self.mentions.find(self.rest, self.markup) else {
                return Some(Segment::Text(std::mem::take(&mut self.rest)));
            };
            let words = &self.rest[..start];
            self.rest = &self.rest[start + len..];
            match found {
                Found::One(mention) => self.found = Some(mention),
                Found::Several(several) => self.several = Some(several),
            }
            if !words.is_empty() {
                return Some(Segment::Text(words));
            }
        }
    }
}

/// The next part of a text.
enum Part<'a> {
    Segment(Segment<'a>),
    Number(&'a Number),
}

impl<'a> Segments<'a> {
    /// All segments as text.
    pub(super) fn into_text(mut self) -> String {
        let mut written = Written::new();
        while let Some(part) = self.next_part() {
            match part {
                Part::Segment(segment) => written.push(&segment),
                Part::Number(number) => written.text.push_str(&number.to_string()),
            }
        }
        written.text
    }

    fn next_part(&mut self) -> Option<Part<'a>> {
        loop {
            if let Some(segment) = self.advance() {
                return Some(Part::Segment(segment));
            }
            let segment = match self.pieces.next()? {
                Piece::Text(text) => {
                    (self.rest, self.markup) = (text, Markup::Text);
                    None
                }
                Piece::Card(text) => {
                    (self.rest, self.markup) = (text, Markup::Card);
                    None
                }
                Piece::Verbatim(text) => (!text.is_empty()).then_some(Segment::Text(text)),
                Piece::Number(number) => return Some(Part::Number(number)),
                Piece::At { user_id, name } => self.mentions.at(user_id, name),
            };
            if let Some(segment) = segment {
                return Some(Part::Segment(segment));
            }
        }
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        loop {
            if let Part::Segment(segment) = self.next_part()? {
                return Some(segment);
            }
        }
    }
}
