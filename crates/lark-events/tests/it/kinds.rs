//! A body with a field of every kind, for tests of what odd fields cost.

use std::collections::BTreeMap;

use lark_events::{DecodeError, Event, EventHeader, EventType, RawJson, lenient};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Switch {
    Off,
    On,
    Unknown(i64),
}

lark_events::open_integer_enum!(Switch { Off = 0, On = 1 });

/// A field of every kind.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Kinds {
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub(crate) integer: Option<i64>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub(crate) unsigned: Option<u32>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub(crate) float: Option<f64>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub(crate) boolean: Option<bool>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub(crate) switch: Option<Switch>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub(crate) object: Option<Inner>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub(crate) list: Option<Vec<Inner>>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub(crate) texts: Option<Vec<String>>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub(crate) map: Option<BTreeMap<String, i64>>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub(crate) any: Option<Value>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Inner {
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub(crate) ids: Option<Vec<i64>>,
}

lark_events::lenient_object!(Inner);

impl EventType for Kinds {
    const EVENT_TYPE: &'static str = "kinds_v1";
    type Reply = ();
}

pub(crate) fn decode<E: EventType>(body: &str) -> Result<Event<E>, DecodeError> {
    let raw = RawJson::parse(body.to_owned())?;
    Event::new(EventHeader::new(E::EVENT_TYPE), raw).typed()
}
