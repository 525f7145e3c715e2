//! `card.action.trigger`: a user pressed, chose or submitted something on a card.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::context::{CallbackContext, CallbackOperator};
use crate::event::{EventInfo, EventType};
use crate::json::lenient;

/// An action on an interactive component of a card.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CardActionTrigger {
    /// The user who acted.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub operator: Option<CallbackOperator>,
    /// A credential for updating the card afterwards, valid for 30 minutes and two updates.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The action.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub action: Option<CardAction>,
    /// Where the card is shown, such as `im_message`.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// `url_preview` for the card of a link preview; absent otherwise.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub delivery_type: Option<String>,
    /// The message and chat that hold the card.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub context: Option<CallbackContext>,
    /// The message that holds the card, if the [context](Self::context) does not name it;
    /// [`message_id`](Self::message_id) looks in both.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub open_message_id: Option<String>,
    /// The chat that holds the card, if the [context](Self::context) does not name it;
    /// [`chat_id`](Self::chat_id) looks in both.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub open_chat_id: Option<String>,
}

impl CardActionTrigger {
    /// The id of the message that holds the card, from either place where a callback can have it.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        let context = self.context.as_ref();
        let inside = context.and_then(|context| context.open_message_id.as_deref());
        inside.or(self.open_message_id.as_deref())
    }

    /// The id of the chat that holds the card, from either place where a callback can have it.
    #[must_use]
    pub fn chat_id(&self) -> Option<&str> {
        let context = self.context.as_ref();
        let inside = context.and_then(|context| {
            let ids = [&context.open_chat_id, &context.chat_id];
            ids.into_iter().find_map(Option::as_deref)
        });
        inside.or(self.open_chat_id.as_deref())
    }
}

impl EventType for CardActionTrigger {
    const EVENT_TYPE: &'static str = "card.action.trigger";
    const INFO: EventInfo = EventInfo::new(Self::EVENT_TYPE)
        .title("A user interacted with a component of a card")
        .page("https://open.feishu.cn/document/feishu-cards/card-callback-communication")
        .field_scopes(&["contact:user.employee_id:readonly"])
        .app_types(&["custom", "isv"]);
    const SAMPLE: Option<&'static str> = Some(include_str!("samples/card.action.trigger.json"));
    type Reply = CardActionReply;
}

/// An action on a card.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CardAction {
    /// The value that the developer bound to the component: an object or a string.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// The kind of component, such as `button`.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// The user's time zone, such as `Asia/Shanghai`; sent by date and time pickers.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// The component's name within its form.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A submitted form: by component name, a string or a list of strings.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub form_value: Option<BTreeMap<String, Value>>,
    /// The text of an input outside a form.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub input_value: Option<String>,
    /// The choice of a single-choice component outside a form.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub option: Option<String>,
    /// The choices of a multiple-choice component outside a form.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<String>>,
    /// The state of a checker outside a form.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub checked: Option<bool>,
    /// What the button does to its form, such as `submit`. Undocumented.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub form_action_type: Option<String>,
    /// How the component was created. Undocumented.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub generate_type: Option<String>,
}

crate::lenient_object!(CardActionTrigger, CardAction);

/// The answer to a [`CardActionTrigger`]: a toast, a new card, both, or neither.
///
/// ```
/// use lark_events::callback::{CardActionReply, ReplyCard, Toast};
///
/// let reply = CardActionReply::new()
///     .toast(Toast::success("saved").i18n("zh_cn", "已保存"))
///     .card(ReplyCard::template("AAqi6xJ8rabcd").variable("name", "Ada"));
/// assert_eq!(
///     serde_json::to_value(&reply)?,
///     serde_json::json!({
///         "toast": {"type": "success", "content": "saved", "i18n": {"zh_cn": "已保存"}},
///         "card": {
///             "type": "template",
///             "data": {"template_id": "AAqi6xJ8rabcd", "template_variable": {"name": "Ada"}}
///         },
///     }),
/// );
/// assert_eq!(serde_json::to_string(&CardActionReply::new())?, "{}");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[must_use]
pub struct CardActionReply {
    #[serde(skip_serializing_if = "Option::is_none")]
    toast: Option<Toast>,
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<ReplyCard>,
}

impl CardActionReply {
    /// Leaves the card as it is and shows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows a toast to the user who acted.
    pub fn toast(mut self, toast: Toast) -> Self {
        self.toast = Some(toast);
        self
    }

    /// Replaces the card.
    pub fn card(mut self, card: impl Into<ReplyCard>) -> Self {
        self.card = Some(card.into());
        self
    }

    /// The toast and the card.
    #[must_use]
    pub fn into_parts(self) -> (Option<Toast>, Option<ReplyCard>) {
        (self.toast, self.card)
    }
}

/// A short pop-up message for the user who acted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[must_use]
pub struct Toast {
    #[serde(rename = "type")]
    kind: ToastKind,
    content: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    i18n: BTreeMap<String, String>,
}

/// The look of a [`Toast`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ToastKind {
    /// Neutral.
    Info,
    /// Something succeeded.
    Success,
    /// Something failed.
    Error,
    /// Something needs attention.
    Warning,
}

impl Toast {
    /// A toast of the given look.
    pub fn new(kind: ToastKind, content: impl Into<String>) -> Self {
        Self {
            kind,
            content: content.into(),
            i18n: BTreeMap::new(),
        }
    }

    /// A neutral toast.
    pub fn info(content: impl Into<String>) -> Self {
        Self::new(ToastKind::Info, content)
    }

    /// A success toast.
    pub fn success(content: impl Into<String>) -> Self {
        Self::new(ToastKind::Success, content)
    }

    /// A failure toast.
    pub fn error(content: impl Into<String>) -> Self {
        Self::new(ToastKind::Error, content)
    }

    /// A warning toast.
    pub fn warning(content: impl Into<String>) -> Self {
        Self::new(ToastKind::Warning, content)
    }

    /// Adds the text for one language, such as `zh_cn`, `en_us` or `ja_jp`.
    pub fn i18n(mut self, language: impl Into<String>, content: impl Into<String>) -> Self {
        self.i18n.insert(language.into(), content.into());
        self
    }
}

/// A card in a reply: its whole JSON, or a template from the platform's card builder.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[must_use]
pub struct ReplyCard {
    #[serde(rename = "type")]
    kind: &'static str,
    data: Value,
}

impl ReplyCard {
    /// A card given as JSON, in the same card version as the card that was sent.
    pub fn raw(card: Value) -> Self {
        Self {
            kind: "raw",
            data: card,
        }
    }

    /// A card given by the id of its template.
    pub fn template(template_id: impl Into<String>) -> Self {
        Self {
            kind: "template",
            data: json!({ "template_id": template_id.into() }),
        }
    }

    /// Sets the version of the template, such as `1.0.0`. Has no effect on a raw card.
    pub fn version(self, version: impl Into<String>) -> Self {
        self.set(|data| data["template_version_name"] = version.into().into())
    }

    /// Sets a variable of the template. Has no effect on a raw card.
    #[expect(clippy::indexing_slicing, reason = "an object takes any name, and so does null")]
    pub fn variable(self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.set(|data| data["template_variable"][name.into()] = value.into())
    }

    fn set(mut self, change: impl FnOnce(&mut Value)) -> Self {
        if self.kind == "template" {
            change(&mut self.data);
        }
        self
    }

    /// The parts of the reply to the old callback, which puts them at the top level.
    #[cfg(feature = "old-card")]
    pub(super) fn kind_and_data(self) -> (&'static str, Value) {
        (self.kind, self.data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_replies_can_be_written() {
        let toast = || {
            Toast::info("done")
                .i18n("zh_cn", "完成")
                .i18n("en_us", "done")
        };
        let raw = CardActionReply::new()
            .toast(toast())
            .card(ReplyCard::raw(json!({"schema": "2.0", "body": {}})).version("ignored"));
        assert_eq!(
            serde_json::to_value(raw).unwrap(),
            json!({
                "toast": {"type": "info", "content": "done", "i18n": {"zh_cn": "完成", "en_us": "done"}},
                "card": {"type": "raw", "data": {"schema": "2.0", "body": {}}},
            })
        );
        let template = ReplyCard::template("AAqi6xJ8rabcd")
            .version("1.0.0")
            .variable("open_id", "ou_1")
            .variable("count", 2);
        assert_eq!(
            serde_json::to_value(CardActionReply::new().card(template)).unwrap(),
            json!({"card": {"type": "template", "data": {
                "template_id": "AAqi6xJ8rabcd",
                "template_version_name": "1.0.0",
                "template_variable": {"open_id": "ou_1", "count": 2},
            }}})
        );
    }

    #[test]
    fn every_look_of_a_toast_has_the_documented_name() {
        for (toast, name) in [
            (Toast::info("x"), "info"),
            (Toast::success("x"), "success"),
            (Toast::error("x"), "error"),
            (Toast::warning("x"), "warning"),
        ] {
            let json = serde_json::to_value(toast).unwrap();
            assert_eq!(json, json!({"type": name, "content": "x"}));
        }
    }

    #[test]
    fn the_documented_sample_decodes_without_loss() {
        let sample: Value = serde_json::from_str(CardActionTrigger::SAMPLE.unwrap()).unwrap();
        let body: CardActionTrigger = serde_json::from_value(sample["event"].clone()).unwrap();
        assert_eq!(serde_json::to_value(body).unwrap(), sample["event"]);
    }

    #[test]
    fn members_that_no_page_has_are_typed_and_the_ids_found_in_each_place() {
        for (body, message, chat) in [
            (
                json!({"context": {"open_message_id": "om_1", "open_chat_id": "oc_1"}}),
                Some("om_1"),
                Some("oc_1"),
            ),
            (
                json!({"open_message_id": "om_1", "open_chat_id": "oc_1", "operator": {"name": "Ada"},
                    "context": {"open_id": "ou_1", "user_id": "u_1"},
                    "action": {"tag": "button", "form_action_type": "submit", "generate_type": "x"}}),
                Some("om_1"),
                Some("oc_1"),
            ),
            (
                json!({"open_message_id": "om_9", "open_chat_id": "oc_9",
                    "context": {"open_message_id": "om_1", "chat_id": "oc_1"}}),
                Some("om_1"),
                Some("oc_1"),
            ),
            (json!({"token": "c-1"}), None, None),
        ] {
            let raw = crate::RawJson::encode(&body).unwrap();
            let typed: CardActionTrigger = raw.decode_leniently().unwrap();
            assert_eq!(
                (typed.message_id(), typed.chat_id()),
                (message, chat),
                "{body}"
            );
            assert_eq!(raw.unread(&typed), [""; 0], "{body}");
        }
    }

    #[test]
    fn a_value_may_be_an_object_or_a_string() {
        for value in [json!({"key": "value"}), json!("text")] {
            let body = json!({"action": {"value": value, "tag": "button"}});
            let body: CardActionTrigger = serde_json::from_value(body).unwrap();
            assert_eq!(body.action.unwrap().value, Some(value));
        }
    }
}
