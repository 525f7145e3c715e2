//! Elements of a card, and columns of them.

use serde_json::{Value, json};

use super::plain_text;

/// An element of a card.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Element(pub(super) Value);

impl Element {
    /// Markdown.
    pub fn markdown(text: impl Into<String>) -> Self {
        Self(json!({"tag": "markdown", "content": text.into()}))
    }

    /// An image, by the key that [`Api::upload_image`](crate::Api::upload_image) returns. `alt` describes it.
    pub fn image(image_key: impl Into<String>, alt: impl Into<String>) -> Self {
        let alt = plain_text(alt.into());
        Self(json!({"tag": "img", "img_key": image_key.into(), "alt": alt}))
    }

    /// A divider.
    pub fn divider() -> Self {
        Self(json!({"tag": "hr"}))
    }

    /// Columns, side by side.
    pub fn columns(columns: impl IntoIterator<Item = Column>) -> Self {
        let columns: Vec<Value> = columns.into_iter().map(Column::into_json).collect();
        Self(json!({"tag": "column_set", "columns": columns}))
    }

    /// Any other element, as its documentation describes it.
    pub fn raw(element: Value) -> Self {
        Self(element)
    }
}

/// A column of elements.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Column {
    /// `None` for as much as the elements need.
    weight: Option<u8>,
    elements: Vec<Value>,
}

impl Column {
    /// An empty column, as wide as the other columns.
    pub fn new() -> Self {
        Self {
            weight: Some(1),
            elements: Vec::new(),
        }
    }

    /// Sets the part of the width, from 1 to 5, relative to the weights of the other columns.
    pub fn weight(mut self, weight: u8) -> Self {
        self.weight = Some(weight);
        self
    }

    /// Makes the column as wide as its elements need.
    pub fn auto_width(mut self) -> Self {
        self.weight = None;
        self
    }

    /// Adds an element.
    pub fn element(mut self, element: impl Into<Element>) -> Self {
        self.elements.push(element.into().0);
        self
    }

    /// Adds Markdown.
    pub fn markdown(self, text: impl Into<String>) -> Self {
        self.element(Element::markdown(text))
    }

    /// Adds an image, by its key. `alt` describes it.
    pub fn image(self, image_key: impl Into<String>, alt: impl Into<String>) -> Self {
        self.element(Element::image(image_key, alt))
    }

    fn into_json(self) -> Value {
        match self.weight {
            Some(weight) => json!({"tag": "column", "width": "weighted", "weight": weight,
                "elements": self.elements}),
            None => json!({"tag": "column", "width": "auto", "elements": self.elements}),
        }
    }
}

impl Default for Column {
    fn default() -> Self {
        Self::new()
    }
}
