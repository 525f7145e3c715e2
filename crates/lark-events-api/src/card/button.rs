//! Buttons of a card.

use serde_json::{Map, Value, json};

use super::element::Element;
use super::plain_text;

/// A button. With a [value](Self::value), a click is a callback, `card.action.trigger`; with a
/// [URL](Self::url), it opens a page.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Button {
    fields: Map<String, Value>,
    behaviors: Vec<Value>,
}

impl Button {
    /// A button with a text.
    pub fn new(text: impl Into<String>) -> Self {
        let mut fields = Map::new();
        fields.insert("tag".to_owned(), "button".into());
        fields.insert("text".to_owned(), plain_text(text.into()));
        fields.insert("type".to_owned(), "default".into());
        Self {
            fields,
            behaviors: Vec::new(),
        }
    }

    /// Highlights it as the main button.
    pub fn primary(self) -> Self {
        self.set("type", "primary")
    }

    /// Marks it as a button for an action that cannot be undone.
    pub fn danger(self) -> Self {
        self.set("type", "danger")
    }

    /// Sets the name, which callbacks contain and which is unique in the card. Buttons in a form need one; see
    /// [`Form::submit`](crate::Form::submit).
    pub fn name(self, name: impl Into<String>) -> Self {
        self.set("name", name.into())
    }

    /// Makes a click send a callback with this value: an object or a string.
    pub fn value(mut self, value: Value) -> Self {
        self.behaviors
            .push(json!({"type": "callback", "value": value}));
        self
    }

    /// Makes a click open a page.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.behaviors
            .push(json!({"type": "open_url", "default_url": url.into()}));
        self
    }

    /// Asks the user to confirm a click.
    pub fn confirm(self, title: impl Into<String>, text: impl Into<String>) -> Self {
        let (title, text) = (plain_text(title.into()), plain_text(text.into()));
        self.set("confirm", json!({"title": title, "text": text}))
    }

    /// Disables it.
    pub fn disabled(self) -> Self {
        self.set("disabled", true)
    }

    pub(super) fn has_name(&self) -> bool {
        self.fields.contains_key("name")
    }

    pub(super) fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }
}

impl From<Button> for Element {
    fn from(button: Button) -> Self {
        let mut fields = button.fields;
        if !button.behaviors.is_empty() {
            fields.insert("behaviors".to_owned(), button.behaviors.into());
        }
        Self(fields.into())
    }
}
