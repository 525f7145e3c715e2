//! Cards, in the form that the platform calls card JSON 2.0.

mod button;
mod color;
mod element;
mod form;

use lark_events::callback::ReplyCard;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

pub use self::button::Button;
pub use self::color::Color;
pub use self::element::{Column, Element};
pub use self::form::{Form, Input, Select};

/// A card. The same card can be a message, an update, and the reply to a callback.
///
/// ```
/// use lark_events::callback::CardActionReply;
/// use lark_events_api::{Button, Card, Color, Column, Form, Input, Message, Select};
/// use serde_json::json;
///
/// let card = Card::v2()
///     .title("Leave request")
///     .color(Color::Blue)
///     .markdown("**Ada** asks for two days")
///     .divider()
///     .columns([
///         Column::new().markdown("from Monday"),
///         Column::new().markdown("to Tuesday"),
///     ])
///     .form(
///         Form::new("decision")
///             .select(Select::new("why").option("vacation", "v").option("other", "o").required())
///             .input(Input::new("comment").placeholder("optional").multiline())
///             .submit(Button::new("Approve").primary().value(json!({"approve": true}))),
///     );
/// let message = Message::card(card.clone());
/// let reply = CardActionReply::new().card(card);
/// # drop((message, reply));
/// ```
///
/// The platform limits the JSON of a card to 30 KB.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Card(Value);

impl Card {
    /// An empty card of version 2. It is shared by all readers of its message, which makes it possible to update
    /// it.
    pub fn v2() -> Self {
        Self(json!({
            "schema": "2.0",
            "config": {"update_multi": true},
            "body": {"elements": []},
        }))
    }

    /// A card of any version, given as JSON.
    pub fn from_json(card: Value) -> Self {
        Self(card)
    }

    /// The card as JSON.
    #[must_use]
    pub fn into_json(self) -> Value {
        self.0
    }

    /// Sets the title.
    pub fn title(self, title: impl Into<String>) -> Self {
        let title = plain_text(title.into());
        self.in_header("title", title)
    }

    /// Sets the subtitle, below the title.
    pub fn subtitle(self, subtitle: impl Into<String>) -> Self {
        let subtitle = plain_text(subtitle.into());
        self.in_header("subtitle", subtitle)
    }

    /// Sets the color of the header. Without a title, there is no header.
    pub fn color(self, color: Color) -> Self {
        self.in_header("template", color.as_str().into())
    }

    /// Sets the text that lists of chats show for the card.
    pub fn summary(mut self, summary: impl Into<String>) -> Self {
        let summary = json!({ "content": summary.into() });
        object(&mut self.0, "config").insert("summary".to_owned(), summary);
        self
    }

    /// Adds an element.
    pub fn element(mut self, element: impl Into<Element>) -> Self {
        let body = object(&mut self.0, "body");
        let elements = body.entry("elements").or_insert_with(|| json!([]));
        if let Value::Array(elements) = elements {
            elements.push(element.into().0);
        }
        self
    }

    /// Adds Markdown.
    pub fn markdown(self, text: impl Into<String>) -> Self {
        self.element(Element::markdown(text))
    }

    /// Adds an image, by the key that [`Api::upload_image`](crate::Api::upload_image) returns. `alt` describes
    /// it.
    pub fn image(self, image_key: impl Into<String>, alt: impl Into<String>) -> Self {
        self.element(Element::image(image_key, alt))
    }

    /// Adds a divider.
    pub fn divider(self) -> Self {
        self.element(Element::divider())
    }

    /// Adds a button.
    pub fn button(self, button: Button) -> Self {
        self.element(button)
    }

    /// Adds buttons in one row.
    pub fn buttons(self, buttons: impl IntoIterator<Item = Button>) -> Self {
        let column = |button| Column::new().auto_width().element(button);
        self.columns(buttons.into_iter().map(column))
    }

    /// Adds columns, side by side.
    pub fn columns(self, columns: impl IntoIterator<Item = Column>) -> Self {
        self.element(Element::columns(columns))
    }

    /// Adds a form. Forms cannot be inside of other elements.
    pub fn form(self, form: Form) -> Self {
        self.element(form)
    }

    /// Adds any other element, as its documentation describes it.
    pub fn raw(self, element: Value) -> Self {
        self.element(Element::raw(element))
    }

    fn in_header(mut self, name: &str, value: Value) -> Self {
        object(&mut self.0, "header").insert(name.to_owned(), value);
        self
    }
}

impl Serialize for Card {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl From<Card> for ReplyCard {
    fn from(card: Card) -> Self {
        Self::raw(card.0)
    }
}

/// The object at a name, which replaces anything else there.
fn object<'a>(card: &'a mut Value, name: &str) -> &'a mut Map<String, Value> {
    let card = as_object(card);
    as_object(card.entry(name).or_insert(Value::Null))
}

fn as_object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().expect("made an object above")
}

fn plain_text(text: String) -> Value {
    json!({"tag": "plain_text", "content": text})
}

#[cfg(test)]
mod tests {
    use lark_events::callback::{CardActionReply, Toast};

    use super::*;

    #[test]
    fn a_card_has_the_documented_form() {
        let card = Card::v2()
            .title("Tea")
            .subtitle("green")
            .color(Color::Green)
            .summary("tea is ready")
            .markdown("**ready**")
            .divider()
            .image("img_1", "a cup")
            .button(Button::new("Take").value(json!({"cup": 1})))
            .columns([
                Column::new().weight(2).markdown("left"),
                Column::new().image("img_2", "right"),
            ])
            .raw(json!({"tag": "chart", "chart_spec": {}}));
        let expected = json!({
            "schema": "2.0",
            "config": {"update_multi": true, "summary": {"content": "tea is ready"}},
            "header": {
                "title": {"tag": "plain_text", "content": "Tea"},
                "subtitle": {"tag": "plain_text", "content": "green"},
                "template": "green",
            },
            "body": {"elements": [
                {"tag": "markdown", "content": "**ready**"},
                {"tag": "hr"},
                {"tag": "img", "img_key": "img_1", "alt": {"tag": "plain_text", "content": "a cup"}},
                {
                    "tag": "button",
                    "text": {"tag": "plain_text", "content": "Take"},
                    "type": "default",
                    "behaviors": [{"type": "callback", "value": {"cup": 1}}],
                },
                {
                    "tag": "column_set",
                    "columns": [
                        {
                            "tag": "column", "width": "weighted", "weight": 2,
                            "elements": [{"tag": "markdown", "content": "left"}],
                        },
                        {
                            "tag": "column", "width": "weighted", "weight": 1,
                            "elements": [{"tag": "img", "img_key": "img_2",
                                "alt": {"tag": "plain_text", "content": "right"}}],
                        },
                    ],
                },
                {"tag": "chart", "chart_spec": {}},
            ]},
        });
        assert_eq!(card.into_json(), expected);
    }

    #[test]
    fn a_form_has_the_documented_form() {
        let form = Form::new("leave")
            .markdown("why?")
            .input(
                Input::new("reason")
                    .label("Reason")
                    .placeholder("a word")
                    .value("none")
                    .max_length(100)
                    .multiline()
                    .required(),
            )
            .select(
                Select::new("kind")
                    .placeholder("choose")
                    .option("Vacation", "v")
                    .option("Other", "o")
                    .initial("o")
                    .required(),
            )
            .submit(Button::new("Send").primary().value(json!({"id": 7})))
            .reset("Clear");
        let text = |text: &str| json!({"tag": "plain_text", "content": text});
        let expected = json!({
            "tag": "form",
            "name": "leave",
            "elements": [
                {"tag": "markdown", "content": "why?"},
                {
                    "tag": "input", "name": "reason", "label": text("Reason"),
                    "placeholder": text("a word"), "default_value": "none", "max_length": 100,
                    "input_type": "multiline_text", "required": true,
                },
                {
                    "tag": "select_static", "name": "kind", "placeholder": text("choose"),
                    "options": [
                        {"text": text("Vacation"), "value": "v"},
                        {"text": text("Other"), "value": "o"},
                    ],
                    "initial_option": "o", "required": true,
                },
                {
                    "tag": "button", "text": text("Send"), "type": "primary",
                    "name": "leave_submit", "form_action_type": "submit",
                    "behaviors": [{"type": "callback", "value": {"id": 7}}],
                },
                {
                    "tag": "button", "text": text("Clear"), "type": "default",
                    "name": "leave_reset", "form_action_type": "reset",
                },
            ],
        });
        let card = Card::v2().form(form).into_json();
        assert_eq!(card["body"]["elements"], json!([expected]));
    }

    #[test]
    fn a_row_of_buttons_is_a_row_of_columns() {
        let buttons = [
            Button::new("Yes").primary().name("yes"),
            Button::new("No").danger().disabled(),
            Button::new("More")
                .url("https://example.com")
                .confirm("Leave?", "Opens a browser"),
        ];
        let card = Card::v2().buttons(buttons).into_json();
        let row = &card["body"]["elements"][0];
        assert_eq!(row["tag"], "column_set");
        let button = |at: usize| &row["columns"][at]["elements"][0];
        assert_eq!(row["columns"][0]["width"], "auto");
        assert_eq!(
            (&button(0)["type"], &button(0)["name"]),
            (&json!("primary"), &json!("yes"))
        );
        assert_eq!(
            (&button(1)["type"], &button(1)["disabled"]),
            (&json!("danger"), &json!(true))
        );
        let opens = json!([{"type": "open_url", "default_url": "https://example.com"}]);
        assert_eq!(button(2)["behaviors"], opens);
        let confirm = json!({
            "title": {"tag": "plain_text", "content": "Leave?"},
            "text": {"tag": "plain_text", "content": "Opens a browser"},
        });
        assert_eq!(button(2)["confirm"], confirm);
    }

    #[test]
    fn the_same_card_answers_a_callback() {
        let reply = CardActionReply::new()
            .toast(Toast::success("saved"))
            .card(Card::v2().markdown("done"));
        let json = serde_json::to_value(reply).unwrap();
        assert_eq!(json["card"]["type"], "raw");
        assert_eq!(
            json["card"]["data"],
            Card::v2().markdown("done").into_json()
        );
        let own = json!({"elements": []});
        assert_eq!(Card::from_json(own.clone()).into_json(), own);
    }
}
