//! The events to push. Their bodies show whether a part was lost.

use lark_events::BoxError;
use lark_events_sim::Document;
use serde_json::{Value, json};

pub(crate) const EVENT_TYPE: &str = "vc.reserve_config.updated_v1";
const EVENT_TYPE_V1: &str = "app_status_change";
const CALLBACK_TYPE: &str = "card.action.trigger";
const UNHANDLED_TYPE: &str = "contact.scope.updated_v3";

/// Each character has three bytes, so that some fragments begin within a character.
const BIG_CHARACTERS: usize = 100_000;

/// A document, and the members that its handler must receive.
pub(crate) struct Pushed {
    pub(crate) document: Document,
    pub(crate) body: Value,
}

impl Pushed {
    fn v2(event_type: &str, body: Value) -> Result<Self, BoxError> {
        let document = Document::v2(event_type, &body)?;
        Ok(Self { document, body })
    }

    /// An event of version 2.
    pub(crate) fn event() -> Result<Self, BoxError> {
        Self::v2(EVENT_TYPE, body())
    }

    /// An event with another member in its body.
    pub(crate) fn event_with(member: &str, value: impl Into<Value>) -> Result<Self, BoxError> {
        let mut body = body();
        body[member] = value.into();
        Self::v2(EVENT_TYPE, body)
    }

    /// An event of 300 KB.
    pub(crate) fn big() -> Result<Self, BoxError> {
        Self::event_with("big", "茶".repeat(BIG_CHARACTERS))
    }

    /// An event of version 1.
    pub(crate) fn event_v1() -> Result<Self, BoxError> {
        let body = json!({ "status": "start_by_tenant", "text": body()["text"] });
        let document = Document::v1(EVENT_TYPE_V1, &body)?;
        Ok(Self { document, body })
    }

    /// A click on a card, whose handler answers with [`reply`].
    pub(crate) fn callback() -> Result<Self, BoxError> {
        let body = json!({
            "operator": { "tenant_key": "t-1", "open_id": "ou_1", "union_id": "on_1" },
            "token": "c-1",
            "action": { "tag": "button", "value": { "say": "茶 \"green\"" } },
            "host": "im_message",
            "context": { "open_message_id": "om_1", "open_chat_id": "oc_1" },
        });
        Self::v2(CALLBACK_TYPE, body)
    }

    /// An event that the apps do not handle.
    pub(crate) fn unhandled() -> Result<Self, BoxError> {
        Self::v2(UNHANDLED_TYPE, body())
    }

    /// Whether the body that a handler received has all members unchanged.
    pub(crate) fn is_in(&self, seen: &Value) -> bool {
        let mut members = self.body.as_object().into_iter().flatten();
        members.all(|(name, value)| seen.get(name) == Some(value))
    }
}

fn body() -> Value {
    json!({
        "scope_id": "omm_3c5dd7e09bac0c1758fcf9511bd1a771",
        "scope_type": 2,
        "text": "茶 🍵 \" \\ \n \u{2028} </script>",
        "nested": { "list": [1, -2.5, null, true, "", {}] },
    })
}

/// The answer of the apps to [`Pushed::callback`].
pub(crate) fn reply() -> Value {
    json!({ "toast": { "type": "info", "content": "茶 \"green\"" } })
}
