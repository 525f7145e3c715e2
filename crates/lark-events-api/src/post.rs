//! Rich text messages.

use serde_json::{Map, Value, json};

/// The language of a post that names none. Clients show the only language that there is.
const LANGUAGE: &str = "zh_cn";

/// A rich text: a title and lines, in one language. Clients show it whatever their own language is.
///
/// ```
/// use lark_events_api::{Message, Post, Span};
///
/// let post = Post::new()
///     .title("Tea")
///     .line([Span::text("ready, "), Span::mention("ou_1")])
///     .markdown("- green\n- black");
/// let message = Message::post(post);
/// # drop(message);
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
#[must_use]
pub struct Post {
    title: Option<String>,
    lines: Vec<Value>,
    language: Option<String>,
}

impl Post {
    /// A post without title and lines.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the title.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Sets the language, such as `en_us`. Most posts need none.
    pub fn language(mut self, language: impl Into<String>) -> Self {
        self.language = Some(language.into());
        self
    }

    /// Adds a line.
    pub fn line(mut self, spans: impl IntoIterator<Item = Span>) -> Self {
        let spans = spans.into_iter().map(|Span(span)| span).collect();
        self.lines.push(Value::Array(spans));
        self
    }

    /// Adds Markdown, on separate lines.
    pub fn markdown(self, text: impl Into<String>) -> Self {
        self.line([Span(json!({"tag": "md", "text": text.into()}))])
    }

    pub(crate) fn into_json(self) -> Value {
        let mut post = Map::new();
        if let Some(title) = self.title {
            post.insert("title".to_owned(), title.into());
        }
        post.insert("content".to_owned(), self.lines.into());
        let language = self.language.unwrap_or_else(|| LANGUAGE.to_owned());
        Value::Object(Map::from_iter([(language, Value::Object(post))]))
    }
}

/// A part of a line of a [`Post`].
#[derive(Debug, Clone, PartialEq)]
pub struct Span(Value);

impl Span {
    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Self(json!({"tag": "text", "text": text.into()}))
    }

    /// A link.
    pub fn link(text: impl Into<String>, url: impl Into<String>) -> Self {
        Self(json!({"tag": "a", "text": text.into(), "href": url.into()}))
    }

    /// A mention of a user, by open id; `all` mentions everybody.
    pub fn mention(open_id: impl Into<String>) -> Self {
        Self(json!({"tag": "at", "user_id": open_id.into()}))
    }

    /// An image, by the key that [`Api::upload_image`](crate::Api::upload_image) returns.
    pub fn image(image_key: impl Into<String>) -> Self {
        Self(json!({"tag": "img", "image_key": image_key.into()}))
    }

    /// Any other element, as the documentation of posts describes it.
    pub fn raw(element: Value) -> Self {
        Self(element)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_has_the_documented_form() {
        let post = Post::new()
            .title("Tea")
            .line([
                Span::text("a"),
                Span::link("b", "https://example.com"),
                Span::mention("ou_1"),
            ])
            .line([Span::image("img_1")])
            .markdown("**c**");
        let expected = json!({"zh_cn": {"title": "Tea", "content": [
            [
                {"tag": "text", "text": "a"},
                {"tag": "a", "text": "b", "href": "https://example.com"},
                {"tag": "at", "user_id": "ou_1"},
            ],
            [{"tag": "img", "image_key": "img_1"}],
            [{"tag": "md", "text": "**c**"}],
        ]}});
        assert_eq!(post.into_json(), expected);
        let english = Post::new().language("en_us").into_json();
        assert_eq!(english, json!({"en_us": {"content": []}}));
    }
}
