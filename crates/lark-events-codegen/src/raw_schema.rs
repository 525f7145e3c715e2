//! One level of a schema in a fact file, with its facts in one place.

use serde::Deserialize;
use serde_json::{Map, Number, Value};

use super::facts::Facts;

/// One level of a schema, its children not yet parsed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct RawSchema {
    #[serde(rename = "$ref")]
    pub(crate) reference: Option<String>,
    /// A type, and differing types of its sample.
    pub(crate) any_of: Option<Vec<Value>>,
    #[serde(rename = "type")]
    pub(crate) kinds: Option<Kinds>,
    pub(crate) properties: Option<Map<String, Value>>,
    pub(crate) additional_properties: Option<Value>,
    pub(crate) items: Option<Value>,
    min_length: Option<u64>,
    max_length: Option<u64>,
    min_items: Option<u64>,
    max_items: Option<u64>,
    minimum: Option<Number>,
    maximum: Option<Number>,
    default: Option<Value>,
    #[serde(rename = "x-lark", default)]
    facts: Facts,
}

/// The type on the page, and then differing types of its sample.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Kinds {
    One(Kind),
    Several(Vec<Kind>),
}

/// The types of JSON Schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    String,
    Integer,
    Number,
    Boolean,
    Array,
    Object,
    Null,
}

impl RawSchema {
    /// Whether `type` is an empty list.
    pub(crate) fn has_no_kind(&self) -> bool {
        matches!(&self.kinds, Some(Kinds::Several(kinds)) if kinds.is_empty())
    }

    pub(crate) fn kind(&self) -> Option<Kind> {
        match self.kinds.as_ref()? {
            Kinds::One(kind) => Some(*kind),
            Kinds::Several(kinds) => kinds.first().copied(),
        }
    }

    /// Takes the facts from both of their places.
    pub(crate) fn take_facts(&mut self) -> Result<Facts, &'static str> {
        let mut facts = std::mem::take(&mut self.facts);
        let kind = self.kind();
        let has_range = self.minimum.is_some() || self.maximum.is_some();
        let has_length = self.min_length.is_some() || self.max_length.is_some();
        let has_items = self.min_items.is_some() || self.max_items.is_some();
        let is_number = matches!(kind, Some(Kind::Integer | Kind::Number));
        if has_range && !is_number
            || has_length && kind != Some(Kind::String)
            || has_items && kind != Some(Kind::Array)
        {
            return Err("bounds belong beside their `type`, or else in `x-lark`");
        }
        if is_number && facts.default.is_some() {
            return Err("the default of a number belongs beside its `type`");
        }
        let min_length = self.min_length.or(self.min_items);
        let max_length = self.max_length.or(self.max_items);
        let is_single = put(&mut facts.minimum, self.minimum.take())
            && put(&mut facts.maximum, self.maximum.take())
            && put(&mut facts.default, self.default.take())
            && put(&mut facts.min_length, min_length)
            && put(&mut facts.max_length, max_length);
        if is_single {
            Ok(facts)
        } else {
            Err("a fact belongs beside `type` or in `x-lark`, not in both")
        }
    }
}

/// Puts a value into its place. Returns whether there was at most one.
fn put<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    let is_single = place.is_none() || value.is_none();
    if value.is_some() {
        *place = value;
    }
    is_single
}
