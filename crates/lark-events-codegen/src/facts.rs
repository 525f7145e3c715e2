//! Documented facts beyond names and types: the `x-lark` members of a fact file, for which JSON
//! Schema has no keyword.

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
    /// The title of the page, in the page's language.
    pub(crate) title: Option<String>,
    /// The SDKs with its fields, if no page has them.
    #[serde(default)]
    pub(crate) sdks: Vec<String>,
    /// No official source describes the event, or even mentions it.
    #[serde(default)]
    pub(crate) unconfirmed: bool,
    /// Its page has a sample and no table of fields.
    #[serde(default)]
    pub(crate) only_sampled: bool,
    #[serde(default)]
    pub(crate) app_types: Vec<String>,
    /// The app needs any one of these.
    #[serde(default)]
    pub(crate) scopes: Vec<Scope>,
    #[serde(default)]
    pub(crate) field_scopes: Vec<Scope>,
}

/// A permission, and the kinds of app that can be given it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scope {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) app_types: Vec<String>,
    /// Apps can no longer apply for it. Apps that have it keep it.
    #[serde(default)]
    pub(crate) retired: bool,
}

/// The version of the envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Envelope {
    #[serde(rename = "1.0")]
    V1,
    #[serde(rename = "2.0")]
    V2,
    /// The document is the body: callbacks of the old form.
    #[serde(rename = "none")]
    None,
}

impl Envelope {
    pub(crate) fn phrase(self) -> &'static str {
        match self {
            Self::V1 => "envelope 1.0",
            Self::V2 => "envelope 2.0",
            Self::None => "no envelope",
        }
    }
}

/// The facts of one value: those that JSON Schema has keywords for, and its `x-lark`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Facts {
    /// `seconds`, `days`, …
    pub(crate) unit: Option<String>,
    /// The value is a point in time, counted from 1970.
    pub(crate) unix_time: bool,
    /// Beside `type` for numbers, as long as the sample keeps to them. Here for numbers that travel
    /// as strings, and for bounds that the page's own sample breaks.
    pub(crate) minimum: Option<Number>,
    pub(crate) maximum: Option<Number>,
    /// The same for characters of a string and elements of a list.
    pub(crate) min_length: Option<u64>,
    pub(crate) max_length: Option<u64>,
    /// The value to assume if it is absent. Like the range, it is here or beside `type`.
    pub(crate) default: Option<Value>,
    /// The platform rounds to the nearest multiple of this.
    pub(crate) round_to: Option<Number>,
    /// The documented values. Others may come: hence no `enum`.
    pub(crate) keys: Vec<Value>,
    /// The value is sent only to apps with one of these permissions.
    pub(crate) scopes: Vec<String>,
    /// Only the sample has the value, and not the table of fields.
    pub(crate) only_sampled: bool,
    /// The SDKs with the value, if no page or not every SDK has it.
    pub(crate) sdks: Vec<String>,
}
