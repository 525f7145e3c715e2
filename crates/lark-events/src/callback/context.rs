//! The common parts of the callbacks: who acted, and where.

use serde::{Deserialize, Serialize};

use crate::event::UserId;
use crate::json::lenient::{self, Deserializer, Lenient, Serializer};
use serde_json::Value;

/// The user whose action triggered a callback.
///
/// The documentation lists the ids as members of the operator. Some callbacks nest them in an object
/// `user_id` or `operator_id`; the fields here are filled from there too.
///
/// ```
/// use lark_events::callback::CallbackOperator;
///
/// let operator = r#"{"tenant_key": "t_1", "user_id": {"open_id": "ou_1", "user_id": "u_1"}}"#;
/// let operator: CallbackOperator = serde_json::from_str(operator)?;
/// assert_eq!(operator.open_id.as_deref(), Some("ou_1"));
/// assert_eq!(operator.user_id.as_deref(), Some("u_1"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CallbackOperator {
    /// The user's tenant.
    pub tenant_key: Option<String>,
    /// The same for all apps within one tenant. Needs `contact:user.employee_id:readonly`.
    pub user_id: Option<String>,
    /// The user's id within one app.
    pub open_id: Option<String>,
    /// The same for all apps of one developer.
    pub union_id: Option<String>,
    /// The user's name. Undocumented.
    pub name: Option<String>,
    /// The value of `user_id`, if it was an object.
    ids_in_user_id: Option<UserId>,
    /// The object `operator_id`.
    ids_in_operator_id: Option<UserId>,
}

/// An operator as received, with its ids at either level.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct SentOperator {
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    tenant_key: Option<String>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    user_id: Option<IdOrIds>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    open_id: Option<String>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    union_id: Option<String>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    operator_id: Option<UserId>,
}

/// The value of `user_id`: an id, or an object of ids.
#[derive(Serialize)]
#[serde(untagged)]
enum IdOrIds {
    Id(String),
    Ids(UserId),
}

impl Lenient for IdOrIds {
    fn deserialize_lenient<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Self>, D::Error> {
        let Some(value) = lenient::field::<Value, D>(deserializer)? else {
            return Ok(None);
        };
        let ids = UserId::deserialize_lenient(&value);
        let id = String::deserialize_lenient(&value);
        let taken = ids.ok().flatten().map(Self::Ids);
        Ok(taken.or_else(|| id.ok().flatten().map(Self::Id)))
    }
}

impl From<SentOperator> for CallbackOperator {
    fn from(sent: SentOperator) -> Self {
        let (user_id, ids_in_user_id) = match sent.user_id {
            Some(IdOrIds::Id(id)) => (Some(id), None),
            Some(IdOrIds::Ids(ids)) => (None, Some(ids)),
            None => (None, None),
        };
        let nested = [&ids_in_user_id, &sent.operator_id];
        let inside = |id: fn(&UserId) -> &Option<String>| {
            let mut ids = nested.into_iter().flatten();
            ids.find_map(|ids| id(ids).clone())
        };
        Self {
            tenant_key: sent.tenant_key,
            user_id: user_id.or_else(|| inside(|ids| &ids.user_id)),
            open_id: sent.open_id.or_else(|| inside(|ids| &ids.open_id)),
            union_id: sent.union_id.or_else(|| inside(|ids| &ids.union_id)),
            name: sent.name,
            ids_in_operator_id: sent.operator_id,
            ids_in_user_id,
        }
    }
}

impl<'de> Deserialize<'de> for CallbackOperator {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        SentOperator::deserialize(deserializer).map(Self::from)
    }
}

/// Keeps the received form: objects of ids stay, and the ids are repeated beside them.
impl Serialize for CallbackOperator {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let operator = self.clone();
        let user_id = match operator.ids_in_user_id {
            Some(ids) => Some(IdOrIds::Ids(ids)),
            None => operator.user_id.map(IdOrIds::Id),
        };
        let sent = SentOperator {
            tenant_key: operator.tenant_key,
            user_id,
            open_id: operator.open_id,
            union_id: operator.union_id,
            name: operator.name,
            operator_id: operator.ids_in_operator_id,
        };
        sent.serialize(serializer)
    }
}

/// The place where a callback was triggered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CallbackContext {
    /// The link, if the callback is about a link preview.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Identifies the link preview.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub preview_token: Option<String>,
    /// The message that holds the card or link.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub open_message_id: Option<String>,
    /// The chat that holds the message.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub open_chat_id: Option<String>,
    /// The chat under another, undocumented name.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub chat_id: Option<String>,
    /// The operator's `open_id` again. Undocumented.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub open_id: Option<String>,
    /// The operator's `user_id` again. Undocumented.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
}

crate::lenient_object!(CallbackOperator, CallbackContext);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::RawJson;

    fn operator(json: &str) -> (CallbackOperator, Vec<String>) {
        let raw = RawJson::parse(json.to_owned()).unwrap();
        let operator = raw.decode_leniently().unwrap();
        let unread = raw.unread(&operator);
        (operator, unread)
    }

    #[test]
    fn the_ids_of_an_operator_are_found_on_every_level() {
        for json in [
            r#"{"tenant_key": "t", "open_id": "ou_1", "user_id": "u_1", "union_id": "on_1"}"#,
            r#"{"tenant_key": "t", "user_id": {"open_id": "ou_1", "user_id": "u_1", "union_id": "on_1"}}"#,
            r#"{"tenant_key": "t", "operator_id": {"open_id": "ou_1", "user_id": "u_1", "union_id": "on_1"}}"#,
            r#"{"tenant_key": "t", "open_id": "ou_1", "user_id": {"open_id": "ou_9", "union_id": "on_1"},
                "operator_id": {"user_id": "u_1", "union_id": "on_9"}}"#,
        ] {
            let (operator, unread) = operator(json);
            assert_eq!(operator.tenant_key.as_deref(), Some("t"), "{json}");
            assert_eq!(operator.open_id.as_deref(), Some("ou_1"), "{json}");
            assert_eq!(operator.user_id.as_deref(), Some("u_1"), "{json}");
            assert_eq!(operator.union_id.as_deref(), Some("on_1"), "{json}");
            assert!(unread.is_empty(), "{json}: {unread:?}");
        }
    }

    #[test]
    fn an_odd_operator_costs_its_own_members_and_they_are_unread() {
        let (odd, unread) =
            operator(r#"{"user_id": [1], "operator_id": "ou_1", "open_id": 7, "more": 1}"#);
        assert_eq!((odd.user_id, odd.open_id.as_deref()), (None, Some("7")));
        assert_eq!(unread, ["/user_id", "/operator_id", "/more"]);

        let (odd, unread) =
            operator(r#"{"user_id": {"open_id": {}, "lark_id": 1}, "name": "Tom"}"#);
        assert_eq!((odd.open_id, odd.name.as_deref()), (None, Some("Tom")));
        assert_eq!(unread, ["/user_id/open_id", "/user_id/lark_id"]);
        assert_eq!(
            operator(r#"{"user_id": 867}"#).0.user_id.as_deref(),
            Some("867")
        );
    }
}
