//! The content of a card, kept as JSON, because cards have many forms and new ones appear.

use lark_events::RawJson;
use lark_events::lenient::{self, Deserializer};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::card_text::{CardText, text_of};
use super::segments::Piece;

/// The content of an `interactive` message: a card.
///
/// An event has the card twice. `title` and `elements` are the form for older clients: for a card of
/// the JSON 2.0 structure, only a request to update. `user_dsl`, a string, is the JSON that was sent;
/// this type reads the text from there. Messages that an app requests from the API can contain the card
/// itself.
///
/// ```
/// use lark_events_types::im::Content;
///
/// let old = r#"{"title":"Tea","elements":[[{"tag":"text","text":"Ready"}]]}"#;
/// let new = r#"{"title":null,"elements":[],"user_dsl":"{\"schema\":\"2.0\",
///     \"header\":{\"title\":{\"tag\":\"plain_text\",\"content\":\"Tea\"}},
///     \"body\":{\"elements\":[{\"tag\":\"markdown\",\"content\":\"Ready\"}]}}"}"#;
/// # let new = &new.replace('\n', " ");
/// for content in [old, new] {
///     let Content::Interactive(card) = Content::parse("interactive", content) else {
///         panic!("an interactive message has a card");
///     };
///     assert_eq!(card.title(), Some("Tea"));
///     assert_eq!(card.elements().len(), 1);
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct InteractiveContent {
    /// All members of the content.
    pub card: Map<String, Value>,
    /// The parsed `user_dsl`.
    sent: Map<String, Value>,
}

/// The member with the card as it was sent.
const USER_DSL: &str = "user_dsl";

/// The places of a card's elements.
const ELEMENTS: [&[&str]; 3] = [
    &["body", "elements"],
    &["elements"],
    &["body", "property", "elements"],
];

impl InteractiveContent {
    /// The card as it was sent, if the content has it: the parsed `user_dsl`.
    #[must_use]
    pub fn sent(&self) -> Option<&Map<String, Value>> {
        (!self.sent.is_empty()).then_some(&self.sent)
    }

    /// The title of the card.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.forms().find_map(|form| {
            let header = header(form).and_then(|header| text_of(header.get("title")?));
            header.or_else(|| text_of(form.get("title")?))
        })
    }

    /// The elements of the card: objects with a `tag`, or rows, which are lists of such objects.
    #[must_use]
    pub fn elements(&self) -> &[Value] {
        self.forms().find_map(elements).unwrap_or_default()
    }

    /// The card's forms, the most complete one first.
    fn forms(&self) -> impl Iterator<Item = &Map<String, Value>> {
        let wrapped = self.card.get("card").and_then(Value::as_object);
        [self.sent(), wrapped, Some(&self.card)]
            .into_iter()
            .flatten()
    }

    /// The form with the elements to show.
    pub(super) fn shown(&self) -> &Map<String, Value> {
        let mut forms = self.forms();
        forms
            .find(|form| elements(form).is_some())
            .unwrap_or(&self.card)
    }

    /// The readable text of the card.
    pub(super) fn pieces(&self) -> Vec<Piece<'_>> {
        let mut text = CardText::default();
        if let Some(title) = self.title() {
            text.line(title);
        }
        let subtitle = self
            .forms()
            .find_map(|form| text_of(header(form)?.get("subtitle")?));
        if let Some(subtitle) = subtitle {
            text.line(subtitle);
        }
        for element in self.elements() {
            text.element(element);
        }
        text.into_pieces()
    }
}

fn header(form: &Map<String, Value>) -> Option<&Map<String, Value>> {
    let header = form.get("header").and_then(Value::as_object);
    header.or_else(|| first_locale(form.get("i18n_header")?)?.as_object())
}

/// The elements of a form, if it has any.
fn elements(form: &Map<String, Value>) -> Option<&[Value]> {
    let below = |path: &&[&str]| {
        let (first, rest) = path.split_first()?;
        let found = rest
            .iter()
            .try_fold(form.get(*first)?, |value, key| value.get(key));
        found?.as_array()
    };
    let given = ELEMENTS.iter().filter_map(below);
    let localised = form.get("i18n_elements").and_then(first_locale);
    let mut given = given.chain(localised.and_then(Value::as_array));
    given
        .find(|elements| !elements.is_empty())
        .map(Vec::as_slice)
}

/// The first of several languages.
fn first_locale(localised: &Value) -> Option<&Value> {
    let localised = localised.as_object()?;
    let first = ["zh_cn", "en_us", "ja_jp"];
    let mut first = first.into_iter().filter_map(|locale| localised.get(locale));
    first.next().or_else(|| localised.values().next())
}

/// Any object, within the limits of lenient values.
#[derive(Default)]
struct Object(Map<String, Value>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match lenient::field(deserializer)? {
            Some(Value::Object(members)) => Ok(Self(members)),
            _ => Ok(Self::default()),
        }
    }
}

impl<'de> Deserialize<'de> for InteractiveContent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Object(card) = Object::deserialize(deserializer)?;
        let dsl = card.get(USER_DSL).and_then(Value::as_str);
        let sent = dsl.and_then(|dsl| {
            let dsl = RawJson::parse(dsl.to_owned()).ok()?;
            dsl.decode_leniently::<Object>().ok()
        });
        let Object(sent) = sent.unwrap_or_default();
        Ok(Self { card, sent })
    }
}
