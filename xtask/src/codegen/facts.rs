//! What the platform documents beyond names and types: the `x-lark` members of a fact file, for
//! which JSON Schema has no words of its own.

use serde::Deserialize;
use serde_json::{Number, Value};

/// The `x-lark` of a whole document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventFacts {
    /// The folder of the fact file.
    pub(crate) domain: String,
    pub(crate) event_type: String,
    pub(crate) schema: Envelope,
    /// The documentation page.
    pub(crate) page: Option<String>,
    /// The day of the page, `YYYY-MM-DD`.
    pub(crate) updated: Option<String>,
    #[serde(default)]
    pub(crate) app_types: Vec<String>,
    /// The app needs any one of these.
    #[serde(default)]
    pub(crate) scopes: Vec<Scope>,
    #[serde(default)]
    pub(crate) field_scopes: Vec<Scope>,
    #[serde(default)]
    pub(crate) push_modes: Vec<String>,
    #[serde(default)]
    pub(crate) rules: Vec<Rule>,
}

/// A permission, and the kinds of app that can be given it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scope {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) app_types: Vec<String>,
}

/// The version of the envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Envelope {
    #[serde(rename = "1.0")]
    V1,
    #[serde(rename = "2.0")]
    V2,
}

impl Envelope {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "1.0",
            Self::V2 => "2.0",
        }
    }
}

/// A bound on one field that depends on other fields of the same object.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// The object: `#/properties/event` or `#/$defs/…`.
    pub(crate) at: String,
    /// The bounded field.
    pub(crate) field: String,
    /// The rule holds where all of these are given …
    #[serde(default)]
    pub(crate) given: Vec<String>,
    /// … and none of these is.
    #[serde(default)]
    pub(crate) absent: Vec<String>,
    pub(crate) minimum: Option<Bound>,
    pub(crate) exclusive_maximum: Option<Bound>,
}

impl Rule {
    /// Every field that the rule names.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &String> {
        let bounds = self.minimum.iter().chain(&self.exclusive_maximum);
        let summed = bounds.filter_map(|bound| match bound {
            Bound::Number(_) => None,
            Bound::Sum { field, .. } => Some(field),
        });
        [&self.field]
            .into_iter()
            .chain(&self.given)
            .chain(&self.absent)
            .chain(summed)
    }
}

/// A number, or another field and a number.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum Bound {
    Number(Number),
    Sum { field: String, plus: Number },
}

/// The facts of one value: those that JSON Schema has keywords for, and its `x-lark`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Facts {
    /// `seconds`, `days`, …
    pub(crate) unit: Option<String>,
    /// Here for numbers that travel as strings; beside `type` for numbers.
    pub(crate) minimum: Option<Number>,
    pub(crate) maximum: Option<Number>,
    /// What counts where the value is not given; here or beside `type`, like the range.
    pub(crate) default: Option<Value>,
    /// The platform rounds to the nearest multiple of this.
    pub(crate) round_to: Option<Number>,
    /// The documented values. Others may come: hence no `enum`.
    pub(crate) keys: Vec<Value>,
    /// Without any one of these permissions, the value is not sent.
    pub(crate) scopes: Vec<String>,
}
