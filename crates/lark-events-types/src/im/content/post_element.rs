//! The elements of a post's paragraphs.

use lark_events::lenient::{self, Deserializer, Lenient};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::segments::Piece;

/// One element of a paragraph, by its `tag`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "tag")]
#[non_exhaustive]
pub enum PostElement {
    /// `text`: words.
    #[serde(rename = "text")]
    Text(PostText),
    /// `a`: a link.
    #[serde(rename = "a")]
    Link(PostLink),
    /// `at`: a mention.
    #[serde(rename = "at")]
    At(PostAt),
    /// `img`: a picture.
    #[serde(rename = "img")]
    Image(PostImage),
    /// `media`: a video.
    #[serde(rename = "media")]
    Media(PostMedia),
    /// `emotion`: an emoji of the platform.
    #[serde(rename = "emotion")]
    Emotion(PostEmotion),
    /// `hr`: a line across.
    #[serde(rename = "hr")]
    Divider,
    /// `code_block`: a program text.
    #[serde(rename = "code_block")]
    CodeBlock(PostCodeBlock),
    /// `md`: Markdown, in posts as sent. Received posts have it only in
    /// [`content_v2`](super::PostContent::content_v2).
    #[serde(rename = "md")]
    Markdown(PostMarkdown),
    /// An element with another tag or none, as received.
    #[serde(untagged)]
    Unknown(Value),
}

/// Words in a post.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PostText {
    /// The words.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Whether the words have been unescaped.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub un_escape: Option<bool>,
    /// The styles: `bold`, `underline`, `lineThrough`, `italic`.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub style: Option<Vec<String>>,
}

/// A link in a post.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PostLink {
    /// The displayed words.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The target of the link.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub href: Option<String>,
    /// The styles, as for a [text](PostText::style).
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub style: Option<Vec<String>>,
}

/// A mention in a post.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PostAt {
    /// The [key](crate::im::MentionEvent::key) of a mention, such as `@_user_1`, or `@_all`.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The name of the mentioned user; often empty.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// The styles, as for a [text](PostText::style).
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub style: Option<Vec<String>>,
}

/// A picture in a post.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PostImage {
    /// The key of the picture.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub image_key: Option<String>,
    /// The width in pixels, if given.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub width: Option<i64>,
    /// The height in pixels, if given.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub height: Option<i64>,
}

/// A video in a post.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PostMedia {
    /// The key of the video.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub file_key: Option<String>,
    /// The key of its cover picture.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub image_key: Option<String>,
}

/// An emoji in a post.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PostEmotion {
    /// The type of the emoji, such as `SMILE`.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub emoji_type: Option<String>,
}

/// A program text in a post.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PostCodeBlock {
    /// Its language, such as `RUST`.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The program text.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Markdown in a post.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PostMarkdown {
    /// The Markdown.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl PostElement {
    pub(super) fn parse(value: Value) -> Self {
        let element = match value.get("tag").and_then(Value::as_str) {
            Some("text") => PostText::deserialize(&value).map(Self::Text),
            Some("a") => PostLink::deserialize(&value).map(Self::Link),
            Some("at") => PostAt::deserialize(&value).map(Self::At),
            Some("img") => PostImage::deserialize(&value).map(Self::Image),
            Some("media") => PostMedia::deserialize(&value).map(Self::Media),
            Some("emotion") => PostEmotion::deserialize(&value).map(Self::Emotion),
            Some("hr") => return Self::Divider,
            Some("code_block") => PostCodeBlock::deserialize(&value).map(Self::CodeBlock),
            Some("md") => PostMarkdown::deserialize(&value).map(Self::Markdown),
            _ => return Self::Unknown(value),
        };
        element.unwrap_or(Self::Unknown(value))
    }

    /// The element as plain text: a link in the platform's form for texts, an emoji as its type in
    /// brackets, an unknown element as its `text`. Pictures and videos are named if `media` says so.
    pub(super) fn write_pieces<'a>(&'a self, media: Media, pieces: &mut Vec<Piece<'a>>) {
        fn words(text: &Option<String>) -> &str {
            text.as_deref().unwrap_or_default()
        }
        match self {
            Self::Text(PostText { text, .. }) | Self::Markdown(PostMarkdown { text }) => {
                pieces.push(Piece::Text(words(text)));
            }
            Self::Link(link) => write_link(words(&link.text), words(&link.href), pieces),
            Self::At(at) => {
                let (user_id, name) = (words(&at.user_id), words(&at.user_name));
                pieces.push(Piece::At { user_id, name });
            }
            Self::Emotion(PostEmotion {
                emoji_type: Some(emoji),
            }) => pieces.extend(["[", emoji, "]"].map(Piece::Verbatim)),
            Self::Divider => pieces.push(Piece::Verbatim("---")),
            Self::CodeBlock(code) => pieces.push(Piece::Verbatim(words(&code.text))),
            Self::Unknown(value) => {
                let text = value.get("text").and_then(Value::as_str);
                pieces.extend(text.map(Piece::Text));
            }
            Self::Image(_) if media == Media::Named => pieces.push(Piece::Verbatim("[image]")),
            Self::Media(_) if media == Media::Named => pieces.push(Piece::Verbatim("[video]")),
            Self::Image(_) | Self::Media(_) | Self::Emotion(_) => {}
        }
    }
}

/// How pictures, videos and files appear in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    /// They are omitted.
    LeftOut,
    /// Their kind and their name appear.
    Named,
}

/// A link in the platform's form for texts.
pub(super) fn write_link<'a>(text: &'a str, href: &'a str, pieces: &mut Vec<Piece<'a>>) {
    if href.is_empty() || text.is_empty() || text == href {
        let shown = if text.is_empty() { href } else { text };
        pieces.push(Piece::Verbatim(shown));
    } else {
        pieces.extend(["[", text, "](", href, ")"].map(Piece::Verbatim));
    }
}

impl Lenient for PostElement {
    fn deserialize_lenient<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Self>, D::Error> {
        Ok(lenient::field(deserializer)?.map(Self::parse))
    }
}
