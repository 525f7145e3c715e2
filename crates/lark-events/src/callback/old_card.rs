//! `card.action.trigger_v1`: the card callback of the old scheme. It has no envelope: its body is
//! the whole document.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use super::card::{CardAction, ReplyCard, Toast};
use crate::event::{EventInfo, EventType, OLD_CARD_CALLBACK};
use crate::json::lenient;

/// An action on an interactive component of a card, in the form of the old callback.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CardActionTriggerV1 {
    /// The user's id within this app.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub open_id: Option<String>,
    /// The user's id within their tenant. Needs `contact:user.employee_id:readonly`.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The user's tenant.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub tenant_key: Option<String>,
    /// A credential for updating the card afterwards.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The message that holds the card.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub open_message_id: Option<String>,
    /// The chat that holds the card. Undocumented.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub open_chat_id: Option<String>,
    /// The action.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub action: Option<CardAction>,
}

impl EventType for CardActionTriggerV1 {
    const EVENT_TYPE: &'static str = OLD_CARD_CALLBACK;
    const INFO: EventInfo = EventInfo::new(Self::EVENT_TYPE)
        .title("A user interacted with a component of a card (old scheme)")
        .page("https://open.feishu.cn/document/deprecated-guide/message-card/configuring-card-callbacks/card-callback-structure")
        .field_scopes(&["contact:user.employee_id:readonly"])
        .app_types(&["custom", "isv"]);
    const SAMPLE: Option<&'static str> = Some(include_str!("samples/card.action.trigger_v1.json"));
    type Reply = OldCardReply;
}

/// The answer to a [`CardActionTriggerV1`]: a toast, a new card, both, or neither. In this answer the
/// parts of the card are at the top level, unlike in [`CardActionReply`](super::CardActionReply).
///
/// ```
/// use lark_events::callback::{OldCardReply, ReplyCard, Toast};
/// use serde_json::json;
///
/// let card = ReplyCard::raw(json!({"elements": []}));
/// let reply = OldCardReply::new().toast(Toast::info("ok")).card(card);
/// assert_eq!(
///     serde_json::to_value(&reply)?,
///     json!({"toast": {"type": "info", "content": "ok"}, "elements": []}),
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
#[must_use]
pub struct OldCardReply {
    toast: Option<Toast>,
    card: Map<String, Value>,
}

impl OldCardReply {
    /// Leaves the card as it is and shows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows a toast to the user who acted.
    pub fn toast(mut self, toast: Toast) -> Self {
        self.toast = Some(toast);
        self
    }

    /// Replaces the card. A raw card that is not a JSON object is omitted.
    pub fn card(mut self, card: impl Into<ReplyCard>) -> Self {
        self.card = match card.into().kind_and_data() {
            ("raw", Value::Object(members)) => members,
            ("raw", _) => Map::new(),
            (kind, data) => Map::from_iter([
                ("type".to_owned(), Value::from(kind)),
                ("data".to_owned(), data),
            ]),
        };
        self
    }
}

impl Serialize for OldCardReply {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        if let Some(toast) = &self.toast {
            members.serialize_entry("toast", toast)?;
        }
        for (name, value) in self.card.iter().filter(|(name, _)| *name != "toast") {
            members.serialize_entry(name, value)?;
        }
        members.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(reply: &OldCardReply) -> Value {
        serde_json::to_value(reply).unwrap()
    }

    #[test]
    fn the_documented_sample_decodes_without_loss() {
        let sample: Value = serde_json::from_str(CardActionTriggerV1::SAMPLE.unwrap()).unwrap();
        let body: CardActionTriggerV1 = serde_json::from_value(sample.clone()).unwrap();
        assert_eq!(serde_json::to_value(body).unwrap(), sample);
    }

    #[test]
    fn the_parts_of_the_card_stand_at_the_top() {
        let template = OldCardReply::new().card(ReplyCard::template("ctp_1"));
        let expected = json!({"type": "template", "data": {"template_id": "ctp_1"}});
        assert_eq!(written(&template), expected);

        let raw = ReplyCard::raw(json!({"header": {}, "toast": "not the card's"}));
        assert_eq!(
            written(&OldCardReply::new().card(raw)),
            json!({"header": {}})
        );

        let odd = OldCardReply::new().card(ReplyCard::raw(json!([1])));
        assert_eq!(written(&odd), json!({}));
    }
}
