//! The content of a card, which is kept as JSON: cards have many forms, and new ones appear.

use lark_events::lenient::{self, Deserializer};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The content of an `interactive` message: a card. It is not the JSON that the card was sent as, and
/// of a card of the JSON 2.0 structure the platform says nothing.
///
/// ```
/// use lark_events_types::im::Content;
///
/// let content = r#"{"title":"Tea","elements":[[{"tag":"text","text":"Ready"}]]}"#;
/// let Content::Interactive(card) = Content::parse("interactive", content) else {
///     panic!("an interactive message has a card");
/// };
/// assert_eq!(card.title(), Some("Tea"));
/// assert_eq!(card.elements()[0][0]["text"], "Ready");
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct InteractiveContent {
    /// All members of the card.
    pub card: Map<String, Value>,
}

impl InteractiveContent {
    /// The title of the card.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.card.get("title")?.as_str()
    }

    /// The rows of the card: each a list of elements, which have a `tag`.
    #[must_use]
    pub fn elements(&self) -> &[Value] {
        let elements = self.card.get("elements").and_then(Value::as_array);
        elements.map_or(&[], Vec::as_slice)
    }
}

impl<'de> Deserialize<'de> for InteractiveContent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match lenient::field(deserializer)? {
            Some(Value::Object(card)) => Ok(Self { card }),
            _ => Ok(Self::default()),
        }
    }
}
