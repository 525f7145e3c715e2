//! The content of a message with formatting: a title, paragraphs and files.

use std::collections::BTreeMap;

use lark_events::lenient;
use serde::{Deserialize, Serialize};

use super::post_element::{Media, PostElement};
use super::segments::{Piece, Segments};
use super::sent_post::{Document, SentPost};
use crate::im::EventMessage;

/// The content of a `post` message, and the summary of a [task](super::TodoContent).
///
/// What is received is in one language. What is sent can be in several, each below its locale; of
/// such a content this is one language, with the others in [`translations`](Self::translations).
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(from = "Document")]
#[non_exhaustive]
pub struct PostContent {
    /// The title; often empty.
    pub title: Option<String>,
    /// The paragraphs: each a list of elements. Elements that were sent outside of any paragraph are one,
    /// as far as they follow each other.
    pub content: Option<Vec<Vec<PostElement>>>,
    /// The paragraphs once more, with Markdown as it was written. The documentation does not have it;
    /// events and the platform's own SDKs do.
    pub content_v2: Option<Vec<Vec<PostElement>>>,
    /// The files attached to the post, which may have no paragraphs then. The documentation does not have
    /// them. Those of a post in several languages are all here.
    pub files: Option<Vec<PostFile>>,
    /// The language, such as `zh_cn`. Given only where the content has several.
    pub locale: Option<String>,
    /// The same in the other languages, by locale.
    pub translations: BTreeMap<String, PostContent>,
}

lark_events::lenient_object!(PostContent);

/// A file or folder that is attached to a post.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PostFile {
    /// The key of the file.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub file_key: Option<String>,
    /// The name of the file.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// Whether it is a folder, which no API downloads.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub is_folder: Option<bool>,
}

lark_events::lenient_object!(PostFile);

impl PostContent {
    pub(super) fn parse(content: &str) -> Option<Self> {
        let raw = lark_events::RawJson::parse(content.to_owned()).ok()?;
        SentPost::read(&raw).map(Self::from)
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
    /// emoji its type in brackets; a picture, a video or a file is nothing, unlike in
    /// [`Content::readable`](super::Content::readable).
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
        Segments::new(message, self.pieces(Media::LeftOut))
    }

    pub(super) fn pieces(&self, media: Media) -> Vec<Piece<'_>> {
        let mut pieces = Vec::new();
        let title = self.title.as_deref().filter(|title| !title.is_empty());
        pieces.extend(title.map(Piece::Verbatim));
        let mut line = Vec::new();
        for paragraph in self.paragraphs() {
            if !pieces.is_empty() {
                pieces.push(Piece::Verbatim("\n"));
            }
            for element in paragraph {
                element.write_pieces(media, &mut line);
            }
            pieces.extend(line.drain(..).filter(|piece| !piece.is_empty()));
        }
        if media == Media::Named {
            for file in self.files.iter().flatten() {
                if !pieces.is_empty() {
                    pieces.push(Piece::Verbatim("\n"));
                }
                file.write_pieces(&mut pieces);
            }
        }
        pieces
    }

    /// The paragraphs in the form that plain text is best made of.
    fn paragraphs(&self) -> &[Vec<PostElement>] {
        let forms = [&self.content, &self.content_v2].into_iter().flatten();
        let is_given = |form: &&Vec<Vec<_>>| form.iter().any(|paragraph| !paragraph.is_empty());
        forms.clone().find(is_given).map_or(&[], Vec::as_slice)
    }
}

impl PostFile {
    /// Whether it is known to be a folder.
    pub(super) fn is_folder(&self) -> bool {
        self.is_folder == Some(true)
    }

    fn write_pieces<'a>(&'a self, pieces: &mut Vec<Piece<'a>>) {
        let kind = if self.is_folder() { "folder" } else { "file" };
        let name = self.file_name.as_deref().unwrap_or_default();
        let colon = if name.is_empty() { "" } else { ": " };
        pieces.extend(["[", kind, colon, name, "]"].map(Piece::Verbatim));
    }
}
