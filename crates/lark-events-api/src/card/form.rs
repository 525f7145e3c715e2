//! Forms, and the fields in them.

use serde_json::{Map, Value, json};

use super::button::Button;
use super::element::{Column, Element};
use super::plain_text;

/// A form. A click on its submit button sends all its fields in one callback, as
/// [`form_value`](lark_events::callback::CardAction::form_value).
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Form {
    name: String,
    elements: Vec<Value>,
}

impl Form {
    /// A form without fields. The name is unique in the card.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            elements: Vec::new(),
        }
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

    /// Adds columns, side by side.
    pub fn columns(self, columns: impl IntoIterator<Item = Column>) -> Self {
        self.element(Element::columns(columns))
    }

    /// Adds a field for text.
    pub fn input(self, input: Input) -> Self {
        self.element(input)
    }

    /// Adds a choice.
    pub fn select(self, select: Select) -> Self {
        self.element(select)
    }

    /// Adds the button that sends the form. A button without a name gets the name of the form with the suffix
    /// `_submit`.
    pub fn submit(self, button: Button) -> Self {
        self.action(button, "submit")
    }

    /// Adds a button that clears the form.
    pub fn reset(self, text: impl Into<String>) -> Self {
        self.action(Button::new(text), "reset")
    }

    fn action(self, button: Button, action: &str) -> Self {
        let button = if button.has_name() {
            button
        } else {
            let name = format!("{}_{action}", self.name);
            button.name(name)
        };
        self.element(button.set("form_action_type", action))
    }
}

impl From<Form> for Element {
    fn from(Form { name, elements }: Form) -> Self {
        Self(json!({"tag": "form", "name": name, "elements": elements}))
    }
}

/// A field for text.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Input(Map<String, Value>);

impl Input {
    /// A field. The name is unique in the card, and the key of the text in the callback.
    pub fn new(name: impl Into<String>) -> Self {
        Self(tagged("input", name.into()))
    }

    /// Sets the text beside the field.
    pub fn label(self, label: impl Into<String>) -> Self {
        self.set("label", plain_text(label.into()))
    }

    /// Sets the text that the empty field shows.
    pub fn placeholder(self, placeholder: impl Into<String>) -> Self {
        self.set("placeholder", plain_text(placeholder.into()))
    }

    /// Sets the initial text.
    pub fn value(self, value: impl Into<String>) -> Self {
        self.set("default_value", value.into())
    }

    /// Sets the maximum number of characters, from 1 to 1000.
    pub fn max_length(self, characters: u16) -> Self {
        self.set("max_length", characters)
    }

    /// Makes it a field for several lines.
    pub fn multiline(self) -> Self {
        self.set("input_type", "multiline_text")
    }

    /// Makes the form wait for it. Only in a form.
    pub fn required(self) -> Self {
        self.set("required", true)
    }

    fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }
}

impl From<Input> for Element {
    fn from(input: Input) -> Self {
        Self(input.0.into())
    }
}

/// A choice of one option.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Select {
    fields: Map<String, Value>,
    options: Vec<Value>,
}

impl Select {
    /// A choice without options. The name is unique in the card, and the key of the value in the callback.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            fields: tagged("select_static", name.into()),
            options: Vec::new(),
        }
    }

    /// Adds an option: its text, and its value in the callback.
    pub fn option(mut self, text: impl Into<String>, value: impl Into<String>) -> Self {
        let text = plain_text(text.into());
        self.options
            .push(json!({"text": text, "value": value.into()}));
        self
    }

    /// Sets the text that is shown while no option is chosen.
    pub fn placeholder(self, placeholder: impl Into<String>) -> Self {
        self.set("placeholder", plain_text(placeholder.into()))
    }

    /// Sets the initial value.
    pub fn initial(self, value: impl Into<String>) -> Self {
        self.set("initial_option", value.into())
    }

    /// Makes the form wait for it. Only in a form.
    pub fn required(self) -> Self {
        self.set("required", true)
    }

    fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }
}

impl From<Select> for Element {
    fn from(select: Select) -> Self {
        let mut fields = select.fields;
        fields.insert("options".to_owned(), select.options.into());
        Self(fields.into())
    }
}

fn tagged(tag: &str, name: String) -> Map<String, Value> {
    let fields = [("tag", tag.to_owned()), ("name", name)];
    Map::from_iter(fields.map(|(name, value)| (name.to_owned(), value.into())))
}
