//! Our descriptions and names for the facts of a domain: `specs/<domain>/overlay.toml`. An import never
//! changes an overlay.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::problem::Problems;
use super::sdk_fields::SdkFields;
use super::spec::Shape;

/// The overlay of one domain.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Overlay {
    /// Relative to the workspace.
    #[serde(skip)]
    pub(crate) file: String,
    /// The subject of the domain's events, for its documentation.
    pub(crate) about: Option<String>,
    /// The crate of the domain, such as `vc-events`, instead of a module of the crate of types.
    #[serde(rename = "crate")]
    pub(crate) crate_name: Option<String>,
    /// The module with hand-written types for the whole domain. Nothing is generated for it.
    pub(crate) by_hand: Option<String>,
    /// Whether every event, type and field must have a description.
    pub(crate) described: bool,
    /// By event type.
    pub(crate) events: BTreeMap<String, ObjectWords>,
    /// By the name on the page, or `owner/field` for an unnamed type.
    pub(crate) types: BTreeMap<String, ObjectWords>,
    /// By Rust name.
    pub(crate) enums: BTreeMap<String, EnumWords>,
}

/// Our description and names for an event or a type.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ObjectWords {
    /// The trigger of an event, or the meaning of a type.
    pub(crate) doc: Option<String>,
    /// For an event: its title in Chinese, if the facts have no title of a page.
    pub(crate) title_zh: Option<String>,
    /// The Rust name, where the rule gives a bad one.
    pub(crate) name: Option<String>,
    /// For a type: a hand-written one to use instead of a generated one.
    #[serde(rename = "extern")]
    pub(crate) external: Option<External>,
    /// Whether hand-written code checks its documented rules.
    pub(crate) validated_by_hand: bool,
    pub(crate) fields: BTreeMap<String, FieldWords>,
    /// For a type: the members by which objects in models are recognised, as models do not name types.
    pub(crate) members: Vec<Vec<String>>,
    /// For an event: fields that SDKs have and its page does not.
    pub(crate) from_sdks: Option<SdkFields>,
    /// For an event: repairs of its sample.
    pub(crate) repairs: Vec<Repair>,
    /// For an event: a JSON pointer to the key for deduplication in the body, if its page names one
    /// other than the event's id. Pages have it in prose, so an import does not read it.
    pub(crate) duplicate_key: Option<String>,
}

/// Replaces each occurrence of a text in a sample, before the sample is parsed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Repair {
    pub(crate) find: String,
    pub(crate) replace: String,
    /// The reason.
    #[serde(rename = "note")]
    pub(crate) _note: String,
}

/// A type of another crate.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct External {
    /// Such as `lark_events::UserId`.
    pub(crate) path: String,
    /// Its fields. Other fields of the facts would be lost.
    pub(crate) fields: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FieldWords {
    pub(crate) doc: Option<String>,
    /// The Rust name, where the rule gives a bad one.
    pub(crate) name: Option<String>,
    /// The enum that names the keys.
    #[serde(rename = "enum")]
    pub(crate) enumeration: Option<String>,
    /// The hand-written type of a value with several forms.
    #[serde(rename = "extern")]
    pub(crate) external: Option<String>,
    /// The type to use if pages contradict each other.
    #[serde(rename = "type")]
    pub(crate) settled: Option<SettledType>,
}

/// A type that the overlay decides on.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SettledType {
    String,
    Integer,
    Number,
    Boolean,
    Any,
}

impl SettledType {
    pub(crate) fn shape(self) -> Shape {
        match self {
            Self::String => Shape::String,
            Self::Integer => Shape::Integer,
            Self::Number => Shape::Number,
            Self::Boolean => Shape::Boolean,
            Self::Any => Shape::Any,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnumWords {
    pub(crate) doc: Option<String>,
    pub(crate) variants: Vec<VariantWords>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VariantWords {
    pub(crate) key: Key,
    pub(crate) name: String,
    pub(crate) doc: Option<String>,
}

/// The value of a variant on the wire.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(untagged)]
pub(crate) enum Key {
    Integer(i64),
    Text(String),
}

impl Key {
    pub(crate) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::Text(text.clone())),
            value => value.as_i64().map(Self::Integer),
        }
    }

    pub(crate) fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }
}

/// As Rust and JSON write it.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(key) => write!(f, "{key}"),
            Self::Text(key) => write!(f, "{key:?}"),
        }
    }
}

impl Overlay {
    /// Parses an overlay. `None` is always accompanied by a problem.
    pub(crate) fn parse(file: &str, text: &str, problems: &mut Problems) -> Option<Self> {
        match toml::from_str(text) {
            Ok(overlay) => Some(Self {
                file: file.to_owned(),
                ..overlay
            }),
            Err(error) => {
                let start = error.span().map_or(0, |span| span.start);
                let before = text.get(..start).unwrap_or_default();
                let line = before.matches('\n').count() + 1;
                problems.push(file, format!("line {line}"), error.message());
                None
            }
        }
    }

    /// The hand-written type for a type of the pages.
    pub(crate) fn external(&self, key: &str) -> Option<&External> {
        self.types.get(key)?.external.as_ref()
    }

    /// The type of a field on which pages contradict each other.
    pub(crate) fn settled(&self, key: &str, field: &str) -> Option<SettledType> {
        self.types.get(key)?.fields.get(field)?.settled
    }
}

impl ObjectWords {
    /// The enum that names the keys of a field.
    pub(crate) fn enumeration(&self, field: &str) -> Option<&str> {
        self.fields.get(field)?.enumeration.as_deref()
    }
}

impl EnumWords {
    pub(crate) fn has(&self, key: &Key) -> bool {
        self.variants.iter().any(|variant| variant.key == *key)
    }
}

/// The TOML path of a table. Keys are quoted if TOML requires it.
pub(crate) fn path(keys: &[&str]) -> String {
    let bare = |char: char| char.is_ascii_alphanumeric() || char == '_' || char == '-';
    let keys: Vec<_> = keys
        .iter()
        .map(|key| {
            if key.chars().all(bare) {
                (*key).to_owned()
            } else {
                format!("{key:?}")
            }
        })
        .collect();
    keys.join(".")
}
