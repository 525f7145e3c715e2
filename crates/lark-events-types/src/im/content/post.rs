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
/// A received post is in one language. A sent post can be in several, each below its locale; this type
/// then holds one language, with the others in [`translations`](Self::translations).
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(from = "Document")]
#[non_exhaustive]
pub struct PostContent {
    /// The title; often empty.
    pub title: Option<String>,
    /// The paragraphs, each a list of elements. Consecutive elements outside any paragraph form one
    /// paragraph.
    pub content: Option<Vec<Vec<PostElement>>>,
    /// The paragraphs again, with Markdown as written. Undocumented, but sent in events and present in
    /// the platform's SDKs.
    pub content_v2: Option<Vec<Vec<PostElement>>>,
    /// The files attached to the post, which may have no paragraphs then. Undocumented. If the post is
    /// in several languages, this list has the files of all.
    pub files: Option<Vec<PostFile>>,
    /// The language, such as `zh_cn`. Set only if the content has several.
    pub locale: Option<String>,
    /// The post in the other languages, by locale.
    pub translations: BTreeMap<String, PostContent>,
}

lark_events::lenient_object!(PostContent);

/// A file or folder attached to a post.
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
    /// Whether this is a folder, which no API downloads.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub is_folder: Option<bool>,
}

lark_events::lenient_object!(PostFile);

impl PostContent {
    pub(super) fn parse(content: &str) -> Option<Self> {
        let raw = lark_events::RawJson::parse(content.to_owned()).ok()?;
        SentPost::read(&raw).map(Self::from)
    }

    /// The post in this language, or this post if the language is missing.
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

    /// The whole post as plain text in segments, which separate words from the mentions of `message`:
    /// the title, then the paragraphs, each on its line, without empty lines before the first words. A
    /// link becomes `[text](address)`, as in text messages; an emoji becomes its type in brackets;
    /// pictures, videos and files are omitted, unlike in
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

    /// The paragraphs in the best form for plain text.
    fn paragraphs(&self) -> &[Vec<PostElement>] {
        let forms = [&self.content, &self.content_v2].into_iter().flatten();
        let is_given = |form: &&Vec<Vec<_>>| form.iter().any(|paragraph| !paragraph.is_empty());
        forms.clone().find(is_given).map_or(&[], Vec::as_slice)
    }
}

impl PostFile {
    /// Whether the file is known to be a folder.
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
