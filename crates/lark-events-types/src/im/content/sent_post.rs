//! A post in its possible forms: plain, below its locales, and either of these in a wrapper.
//! Serialising keeps the form, so that unread parts can be found.

use std::collections::BTreeMap;
use std::fmt;

use lark_events::RawJson;
use lark_events::lenient::{self, Deserializer, Lenient, Serializer};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::post::{PostContent, PostFile};
use super::post_element::PostElement;

/// The order of languages in which the first one is chosen.
const FIRST_LOCALES: [&str; 3] = ["zh_cn", "en_us", "ja_jp"];

/// A post in its sent form.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum SentPost {
    /// The members of one post.
    Plain(Document),
    /// Posts below their locales, with the files beside them.
    ByLocale {
        #[serde(flatten)]
        posts: BTreeMap<String, Document>,
        #[serde(skip_serializing_if = "Option::is_none")]
        files: Option<Vec<PostFile>>,
    },
    /// Either of these forms below `post`.
    Wrapped {
        post: Box<Self>,
        #[serde(skip_serializing_if = "Option::is_none")]
        files: Option<Vec<PostFile>>,
    },
}

/// One post in one language.
#[derive(Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Document {
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    content: Option<Paragraphs>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    content_v2: Option<Paragraphs>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    files: Option<Vec<PostFile>>,
}

lark_events::lenient_object!(Document);

/// The posts of a content below locales, ignoring other members.
#[derive(PartialEq, Default, Deserialize)]
#[serde(transparent)]
struct Localised {
    #[serde(deserialize_with = "lenient::field")]
    posts: Option<BTreeMap<String, Document>>,
}

/// The contents of a wrapper, not decoded yet.
#[derive(PartialEq, Default, Deserialize)]
#[serde(default)]
struct Wrapper {
    #[serde(deserialize_with = "lenient::field")]
    post: Option<RawJson>,
    #[serde(deserialize_with = "lenient::field")]
    files: Option<Vec<PostFile>>,
}

impl SentPost {
    /// The first form that is not empty. If all are empty, a post counts as read only if it is really
    /// empty.
    pub(super) fn read(content: &RawJson) -> Option<Self> {
        Self::read_as(content, &[Self::wrapped, Self::by_locale])
    }

    fn read_as(content: &RawJson, shapes: &[fn(&RawJson) -> Option<Self>]) -> Option<Self> {
        let plain: Document = content.decode_leniently().ok()?;
        if plain.has_words() {
            return Some(Self::Plain(plain));
        }
        let mut empty = Vec::new();
        let shaped = shapes.iter().filter_map(|shape| shape(content));
        for post in shaped.chain([Self::Plain(plain)]) {
            if post.says_something() {
                return Some(post);
            }
            empty.push(post);
        }
        let is_read = |post: &Self| content.unread(post).is_empty();
        empty
            .into_iter()
            .find(|post| !post.is_bare() && is_read(post))
    }

    fn wrapped(content: &RawJson) -> Option<Self> {
        let Wrapper { post, files } = content.decode_leniently().ok()?;
        let post = Self::read_as(&post?, &[Self::by_locale]).map(Box::new)?;
        Some(Self::Wrapped { post, files })
    }

    fn by_locale(content: &RawJson) -> Option<Self> {
        let Localised { posts } = content.decode_leniently().ok()?;
        let mut posts = posts?;
        posts.retain(|_, post| *post != Document::default());
        let Document { files, .. } = content.decode_leniently().ok()?;
        (!posts.is_empty()).then_some(Self::ByLocale { posts, files })
    }

    fn says_something(&self) -> bool {
        let any = |files: &Option<Vec<_>>| files.as_ref().is_some_and(|files| !files.is_empty());
        match self {
            Self::Plain(post) => post.has_words() || any(&post.files),
            Self::ByLocale { posts, files } => {
                let mut posts = posts.values();
                any(files) || posts.any(|post| post.has_words() || any(&post.files))
            }
            Self::Wrapped { post, files } => any(files) || post.says_something(),
        }
    }

    /// Whether it has no part of a post.
    fn is_bare(&self) -> bool {
        matches!(self, Self::Plain(post) if *post == Document::default())
    }
}

impl Document {
    /// Whether there is a title, or an element of any kind.
    fn has_words(&self) -> bool {
        let mut forms = [&self.content, &self.content_v2].into_iter().flatten();
        self.title.as_deref().is_some_and(|title| !title.is_empty())
            || forms.any(|Paragraphs(form)| form.iter().any(|one| !one.elements().is_empty()))
    }
}

impl From<Document> for PostContent {
    fn from(post: Document) -> Self {
        let paragraphs = |Paragraphs(form): Paragraphs| {
            let paragraphs = form.into_iter().map(Paragraph::into_elements);
            paragraphs.collect::<Vec<_>>()
        };
        Self {
            title: post.title,
            content: post.content.map(paragraphs),
            content_v2: post.content_v2.map(paragraphs),
            files: post.files,
            ..Self::default()
        }
    }
}

impl From<SentPost> for PostContent {
    fn from(sent: SentPost) -> Self {
        let (post, beside) = match sent {
            SentPost::Plain(post) => return post.into(),
            SentPost::Wrapped { post, files } => (Self::from(*post), files),
            SentPost::ByLocale { posts, files } => (first_of(posts), files),
        };
        let files = match (beside, post.files) {
            (Some(mut beside), Some(inside)) => {
                beside.extend(inside);
                Some(beside)
            }
            (beside, inside) => beside.or(inside),
        };
        Self { files, ..post }
    }
}

/// The post in one language, with the others as its translations.
fn first_of(mut posts: BTreeMap<String, Document>) -> PostContent {
    let mut first = FIRST_LOCALES.into_iter();
    let first = first.find_map(|locale| posts.remove_entry(locale));
    let Some((locale, post)) = first.or_else(|| posts.pop_first()) else {
        return PostContent::default();
    };
    let others = posts.into_iter();
    PostContent {
        locale: Some(locale),
        translations: others.map(|(locale, post)| (locale, post.into())).collect(),
        ..post.into()
    }
}

/// The paragraphs of a post, each a list of elements. Elements outside any paragraph are accepted too.
#[derive(Debug, PartialEq, Default)]
struct Paragraphs(Vec<Paragraph>);

#[derive(Debug, PartialEq)]
enum Paragraph {
    List(Vec<PostElement>),
    /// Elements in place of a paragraph.
    Loose(Vec<PostElement>),
}

impl Paragraph {
    fn elements(&self) -> &[PostElement] {
        let (Self::List(elements) | Self::Loose(elements)) = self;
        elements
    }

    fn into_elements(self) -> Vec<PostElement> {
        let (Self::List(elements) | Self::Loose(elements)) = self;
        elements
    }
}

impl Lenient for Paragraphs {
    fn deserialize_lenient<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Self>, D::Error> {
        let Some(items) = lenient::field::<Vec<Item>, D>(deserializer)? else {
            return Ok(None);
        };
        let mut paragraphs: Vec<Paragraph> = Vec::new();
        for item in items {
            match (item, paragraphs.last_mut()) {
                (Item::List(elements), _) => paragraphs.push(Paragraph::List(elements)),
                (Item::Element(element), Some(Paragraph::Loose(elements))) => {
                    elements.push(element);
                }
                (Item::Element(element), _) => paragraphs.push(Paragraph::Loose(vec![element])),
            }
        }
        Ok(Some(Self(paragraphs)))
    }
}

impl Serialize for Paragraphs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut items = serializer.serialize_seq(None)?;
        for paragraph in &self.0 {
            match paragraph {
                Paragraph::List(elements) => items.serialize_element(elements)?,
                Paragraph::Loose(elements) => {
                    for element in elements {
                        items.serialize_element(element)?;
                    }
                }
            }
        }
        items.end()
    }
}

/// An item of a list of paragraphs.
enum Item {
    List(Vec<PostElement>),
    Element(PostElement),
}

impl Lenient for Item {
    fn deserialize_lenient<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Self>, D::Error> {
        deserializer.deserialize_any(ItemVisitor)
    }
}

/// Decodes a list as a paragraph, and any other value except null as an element, within the limits of
/// lenient lists and values.
struct ItemVisitor;

impl ItemVisitor {
    fn element(value: impl Into<Value>) -> Option<Item> {
        Some(Item::Element(PostElement::parse(value.into())))
    }
}

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Option<Item>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a paragraph")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        let elements = Vec::deserialize_lenient(SeqAccessDeserializer::new(seq))?;
        Ok(elements.map(Item::List))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let element = PostElement::deserialize_lenient(MapAccessDeserializer::new(map))?;
        Ok(element.map(Item::Element))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Self::element(text))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Self::element(value))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Self::element(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Self::element(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        let number = Value::deserialize_lenient(number.into_deserializer())?;
        Ok(number.and_then(Self::element))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// A [task](super::TodoContent) in its sent form.
#[derive(PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SentTodo {
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    task_id: Option<String>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    summary: Option<Document>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    due_time: Option<String>,
}
