//! The content of a message with formatting: a title and paragraphs.

use std::collections::BTreeMap;

use lark_events::lenient;
use serde::Deserialize;

use super::decode::decode;
use super::post_element::PostElement;
use super::segments::{Piece, Segments};
use crate::im::EventMessage;

/// Which language of several comes first, where the sender gave them all.
const FIRST_LOCALES: [&str; 3] = ["zh_cn", "en_us", "ja_jp"];

/// The content of a `post` message, and the summary of a [task](super::TodoContent).
///
/// What is received is in one language. What is sent can be in several, each below its locale; of
/// such a content this is one language, with the others in [`translations`](Self::translations).
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PostContent {
    /// The title; often empty.
    #[serde(deserialize_with = "lenient::field")]
    pub title: Option<String>,
    /// The paragraphs: each a list of elements.
    #[serde(deserialize_with = "lenient::field")]
    pub content: Option<Vec<Vec<PostElement>>>,
    /// The paragraphs once more, with Markdown as it was written. The documentation does not have it;
    /// events and the platform's own SDKs do.
    #[serde(deserialize_with = "lenient::field")]
    pub content_v2: Option<Vec<Vec<PostElement>>>,
    /// The language, such as `zh_cn`. Given only where the content has several.
    #[serde(skip)]
    pub locale: Option<String>,
    /// The same in the other languages, by locale.
    #[serde(skip)]
    pub translations: BTreeMap<String, PostContent>,
}

lark_events::lenient_object!(PostContent);

/// A content in several languages.
#[derive(PartialEq, Default, Deserialize)]
#[serde(transparent)]
struct Localised {
    #[serde(deserialize_with = "lenient::field")]
    posts: Option<BTreeMap<String, PostContent>>,
}

impl PostContent {
    pub(super) fn parse(content: &str) -> Option<Self> {
        decode(content).or_else(|| Self::localised(decode::<Localised>(content)?.posts?))
    }

    fn localised(mut posts: BTreeMap<String, Self>) -> Option<Self> {
        posts.retain(|_, post| *post != Self::default());
        let mut first = FIRST_LOCALES.into_iter();
        let (locale, post) = first
            .find_map(|locale| posts.remove_entry(locale))
            .or_else(|| posts.pop_first())?;
        Some(Self {
            locale: Some(locale),
            translations: posts,
            ..post
        })
    }

    /// The post in this language, or as it is where it is not in this language.
    ///
    /// ```
    /// use lark_events_types::im::Content;
    ///
    /// let content = r#"{"zh_cn":{"title":"茶"},"en_us":{"title":"Tea"}}"#;
    /// let Content::Post(post) = Content::parse("post", content) else {
    ///     panic!("a post message has post content");
    /// };
    /// assert_eq!(post.title.as_deref(), Some("茶"));
    /// assert_eq!(post.in_locale("en_us").title.as_deref(), Some("Tea"));
    /// assert_eq!(post.in_locale("ja_jp").title.as_deref(), Some("茶"));
    /// ```
    #[must_use]
    pub fn in_locale(&self, locale: &str) -> &Self {
        self.translations.get(locale).unwrap_or(self)
    }

    /// The whole post as plain text in parts, with the mentions of `message` told apart: the title,
    /// then the paragraphs, each on its line; there are no empty lines before the first words. A link is `[text](address)`, as in text messages; an
    /// emoji its type in brackets; a picture or a video is nothing.
    ///
    /// ```
    /// use lark_events_types::im::{Content, EventMessage};
    ///
    /// let content = r#"{"title":"Tea","content":[
    ///     [{"tag":"at","user_id":"@_all"},{"tag":"text","text":" it is ready"}],
    ///     [{"tag":"a","text":"menu","href":"https://example.com"}]]}"#;
    /// let Content::Post(post) = Content::parse("post", content) else {
    ///     panic!("a post message has post content");
    /// };
    /// let text: String = post.segments(&EventMessage::default()).collect();
    /// assert_eq!(text, "Tea\n@all it is ready\n[menu](https://example.com)");
    /// ```
    #[must_use]
    pub fn segments<'a>(&'a self, message: &'a EventMessage) -> Segments<'a> {
        let mut pieces = Vec::new();
        let title = self.title.as_deref().filter(|title| !title.is_empty());
        pieces.extend(title.map(Piece::Verbatim));
        let mut line = Vec::new();
        for paragraph in self.paragraphs() {
            if !pieces.is_empty() {
                pieces.push(Piece::Verbatim("\n"));
            }
            for element in paragraph {
                element.write_pieces(&mut line);
            }
            pieces.extend(line.drain(..).filter(|piece| !piece.is_empty()));
        }
        Segments::new(message, pieces)
    }

    /// The paragraphs in the form that plain text is best made of.
    fn paragraphs(&self) -> &[Vec<PostElement>] {
        let forms = [&self.content, &self.content_v2].into_iter().flatten();
        let mut given = forms.filter(|paragraphs| !paragraphs.is_empty());
        given.next().map_or(&[], Vec::as_slice)
    }
}
