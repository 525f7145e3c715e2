//! The pictures and files of a message, anywhere in its content.

use std::collections::HashSet;

use serde_json::Value;

use super::card_text::MAX_CARD_DEPTH;
use super::post::PostContent;
use super::post_element::PostElement;
use super::{Content, PostMedia};

/// A picture or file of a message, from [`Content::resources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Resource<'a> {
    /// The kind of resource.
    pub kind: ResourceKind,
    /// The key to download it, together with the id of its message.
    pub key: &'a str,
    /// The name of the file, if the content has it.
    pub name: Option<&'a str>,
}

/// The kind of a [`Resource`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResourceKind {
    /// A picture, or the cover of a video.
    Image,
    /// A file.
    File,
    /// A folder. No API downloads it.
    Folder,
    /// A recording.
    Audio,
    /// A video.
    Video,
    /// A sticker. It can be sent again; no API downloads it.
    Sticker,
}

impl ResourceKind {
    /// The `type` parameter of the API that downloads a message's resources: `image`, or `file` for
    /// files, recordings and videos. `None` for kinds that it does not download.
    #[must_use]
    pub fn download_type(self) -> Option<&'static str> {
        match self {
            Self::Image => Some("image"),
            Self::File | Self::Audio | Self::Video => Some("file"),
            Self::Folder | Self::Sticker => None,
        }
    }
}

impl Content {
    /// Every picture, file, recording and video of the message, in the order of the content, each key
    /// once. Includes those of posts and cards, pictures in their Markdown, and covers of videos.
    ///
    /// ```
    /// use lark_events_types::im::{Content, ResourceKind};
    ///
    /// let content = r#"{"title":"","content":[[{"tag":"img","image_key":"img_1"}]],
    ///     "files":[{"file_key":"file_1","file_name":"plan.xlsx","is_folder":false}]}"#;
    /// let content = Content::parse("post", content);
    /// let [image, file] = content.resources()[..] else {
    ///     panic!("a picture and a file");
    /// };
    /// assert_eq!((image.kind, image.key), (ResourceKind::Image, "img_1"));
    /// assert_eq!((file.kind, file.name), (ResourceKind::File, Some("plan.xlsx")));
    /// assert_eq!(file.kind.download_type(), Some("file"));
    /// ```
    #[must_use]
    pub fn resources(&self) -> Vec<Resource<'_>> {
        use ResourceKind as Kind;
        let mut found = Found::default();
        match self {
            Self::Image(image) => found.add(Kind::Image, &image.image_key, &None),
            Self::File(file) => found.add(Kind::File, &file.file_key, &file.file_name),
            Self::Folder(folder) => found.add(Kind::Folder, &folder.file_key, &folder.file_name),
            Self::Audio(audio) => found.add(Kind::Audio, &audio.file_key, &None),
            Self::Media(video) => {
                found.add(Kind::Video, &video.file_key, &video.file_name);
                found.add(Kind::Image, &video.image_key, &None);
            }
            Self::Sticker(sticker) => found.add(Kind::Sticker, &sticker.file_key, &None),
            Self::Post(post) => found.post(post),
            Self::Todo(task) => task.summary.iter().for_each(|post| found.post(post)),
            Self::Interactive(card) => {
                for member in card.shown().values() {
                    found.value(member, 0);
                }
            }
            Self::Text(_)
            | Self::Hongbao(_)
            | Self::ShareCalendarEvent(_)
            | Self::Calendar(_)
            | Self::GeneralCalendar(_)
            | Self::ShareChat(_)
            | Self::ShareUser(_)
            | Self::System(_)
            | Self::Location(_)
            | Self::VideoChat(_)
            | Self::Vote(_)
            | Self::MergeForward(_)
            | Self::Unknown { .. } => {}
        }
        found.list
    }
}

/// The resources found so far.
#[derive(Default)]
struct Found<'a> {
    list: Vec<Resource<'a>>,
    keys: HashSet<&'a str>,
}

impl<'a> Found<'a> {
    fn add(&mut self, kind: ResourceKind, key: &'a Option<String>, name: &'a Option<String>) {
        if let Some(key) = key {
            self.push(kind, key, name.as_deref());
        }
    }

    fn push(&mut self, kind: ResourceKind, key: &'a str, name: Option<&'a str>) {
        if !key.is_empty() && self.keys.insert(key) {
            self.list.push(Resource { kind, key, name });
        }
    }

    fn post(&mut self, post: &'a PostContent) {
        let forms = [&post.content, &post.content_v2].into_iter().flatten();
        for element in forms.flatten().flatten() {
            match element {
                PostElement::Image(image) => self.add(ResourceKind::Image, &image.image_key, &None),
                PostElement::Media(PostMedia {
                    file_key,
                    image_key,
                }) => {
                    self.add(ResourceKind::Video, file_key, &None);
                    self.add(ResourceKind::Image, image_key, &None);
                }
                PostElement::Markdown(markdown) => {
                    self.markdown(markdown.text.as_deref().unwrap_or_default());
                }
                PostElement::Unknown(value) => self.value(value, 0),
                PostElement::Text(_)
                | PostElement::Link(_)
                | PostElement::At(_)
                | PostElement::Emotion(_)
                | PostElement::Divider
                | PostElement::CodeBlock(_) => {}
            }
        }
        for file in post.files.iter().flatten() {
            let kind = if file.is_folder() {
                ResourceKind::Folder
            } else {
                ResourceKind::File
            };
            self.add(kind, &file.file_key, &file.file_name);
        }
        for translation in post.translations.values() {
            self.post(translation);
        }
    }

    /// Adds the resources of an unknown element, or of an element of a card.
    fn value(&mut self, value: &'a Value, depth: usize) {
        let deeper = depth.saturating_add(1);
        match value {
            _ if depth > MAX_CARD_DEPTH => {}
            Value::Array(values) => values.iter().for_each(|value| self.value(value, deeper)),
            Value::Object(element) => {
                let text = |name: &str| element.get(name).and_then(Value::as_str);
                for key in ["image_key", "img_key"].into_iter().filter_map(text) {
                    self.push(ResourceKind::Image, key, None);
                }
                let kind = match text("tag") {
                    Some("audio") => ResourceKind::Audio,
                    Some("video" | "media") => ResourceKind::Video,
                    _ => ResourceKind::File,
                };
                if let Some(key) = text("file_key") {
                    self.push(kind, key, text("file_name"));
                }
                if let (Some("markdown" | "lark_md"), Some(markdown)) =
                    (text("tag"), text("content"))
                {
                    self.markdown(markdown);
                }
                element.values().for_each(|value| self.value(value, deeper));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// Adds the pictures of a Markdown text: `![a title](img_1)`. Pictures with a URL do not belong to
    /// the message.
    fn markdown(&mut self, text: &'a str) {
        let is_of_key = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        for picture in text.split("![").skip(1) {
            let target = picture
                .split_once("](")
                .and_then(|(_, rest)| rest.split_once(')'));
            if let Some((key, _)) = target.filter(|(key, _)| key.bytes().all(is_of_key)) {
                self.push(ResourceKind::Image, key, None);
            }
        }
    }
}
