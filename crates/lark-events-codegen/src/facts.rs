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
    /// What the page calls it, in the page's language.
    pub(crate) title: Option<String>,
    /// The SDKs that its fields are from, where they are from no page.
    #[serde(default)]
    pub(crate) sdks: Vec<String>,
    /// No official source says what is in it, or that it is there at all.
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
    /// It can no longer be applied for; apps that have it keep it.
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
    /// It is a point in time, counted from 1970.
    pub(crate) unix_time: bool,
    /// Beside `type` for numbers, as long as the sample keeps to them. Here for numbers that travel
    /// as strings, and for bounds that the page's own sample breaks.
    pub(crate) minimum: Option<Number>,
    pub(crate) maximum: Option<Number>,
    /// The same for characters of a string and elements of a list.
    pub(crate) min_length: Option<u64>,
    pub(crate) max_length: Option<u64>,
    /// What counts where the value is not given; here or beside `type`, like the range.
    pub(crate) default: Option<Value>,
    /// The platform rounds to the nearest multiple of this.
    pub(crate) round_to: Option<Number>,
    /// The documented values. Others may come: hence no `enum`.
    pub(crate) keys: Vec<Value>,
    /// Without any one of these permissions, the value is not sent.
    pub(crate) scopes: Vec<String>,
    /// The sample has it, and the table of fields does not.
    pub(crate) only_sampled: bool,
    /// The only sources that have it, where it is in no page or not in all SDKs.
    pub(crate) sdks: Vec<String>,
}
