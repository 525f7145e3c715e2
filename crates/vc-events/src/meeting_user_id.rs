//! The id of a user in a meeting, which the sources disagree on: the SDKs have a string, and every
//! sample an object with the three identities.

use std::fmt;

use lark_events::UserId;
use lark_events::lenient::Lenient;
use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// A user in a meeting that a bot is in, in whichever form the platform sends.
///
/// ```
/// use vc_events::{BotMeetingUser, MeetingUserId};
///
/// let text = r#"{"id": {"open_id": "ou_1", "union_id": "on_1"}, "user_name": "Ada"}"#;
/// let user: BotMeetingUser = serde_json::from_str(text)?;
/// assert_eq!(user.id.unwrap().open_id(), Some("ou_1"));
///
/// let user: BotMeetingUser = serde_json::from_str(r#"{"id": "ou_1"}"#)?;
/// assert_eq!(user.id, Some(MeetingUserId::Text("ou_1".to_owned())));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum MeetingUserId {
    /// The platform's identities of the user.
    Ids(UserId),
    /// A single id. Which of the three it is, is not documented.
    Text(String),
}

impl MeetingUserId {
    /// The user as the app knows them: the `open_id` of an object, or a text that looks like one.
    #[must_use]
    pub fn open_id(&self) -> Option<&str> {
        match self {
            Self::Ids(ids) => ids.open_id.as_deref(),
            Self::Text(text) => Some(text.as_str()).filter(|text| text.starts_with("ou_")),
        }
    }
}

impl Lenient for MeetingUserId {
    fn deserialize_lenient<'de, D>(deserializer: D) -> Result<Option<Self>, D::Error>
    where
        D: Deserializer<'de>,
    {
        deserializer.deserialize_any(Forms)
    }
}

struct Forms;

impl<'de> Visitor<'de> for Forms {
    type Value = Option<MeetingUserId>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id, or an object of ids")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(MeetingUserId::Text(text.to_owned())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(MeetingUserId::Text(number.to_string())))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let ids = UserId::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Some(MeetingUserId::Ids(ids)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::BotMeetingUser;

    #[test]
    fn both_forms_of_an_id_decode_and_come_back() {
        let user_id = |value: serde_json::Value| -> Option<MeetingUserId> {
            let user: BotMeetingUser = serde_json::from_value(json!({"id": value})).unwrap();
            let back = serde_json::to_value(&user).unwrap();
            let id = user.id;
            assert_eq!(back.get("id"), Some(&value).filter(|_| id.is_some()));
            id
        };
        let ids = user_id(json!({"open_id": "ou_1", "union_id": "on_1"})).unwrap();
        assert_eq!(ids.open_id(), Some("ou_1"));
        let text = user_id(json!("ou_1")).unwrap();
        assert_eq!(text, MeetingUserId::Text("ou_1".to_owned()));
        assert_eq!(text.open_id(), Some("ou_1"));
        assert_eq!(user_id(json!("g6964gd3")).unwrap().open_id(), None);
        for odd in [
            json!(null),
            json!(true),
            json!([[1]]),
            json!(-1),
            json!(0.5),
        ] {
            assert_eq!(user_id(odd), None);
        }
    }

    #[test]
    fn a_number_is_taken_as_its_text() {
        let user: BotMeetingUser = serde_json::from_str(r#"{"id": 7}"#).unwrap();
        assert_eq!(user.id, Some(MeetingUserId::Text("7".to_owned())));
    }
}
