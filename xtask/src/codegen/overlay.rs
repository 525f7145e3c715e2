//! Our words and names for the facts of a domain: `specs/<domain>/overlay.toml`. An import never
//! touches it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::problem::Problems;

/// The overlay of one domain.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Overlay {
    /// Relative to the workspace.
    #[serde(skip)]
    pub(crate) file: String,
    /// By event type.
    pub(crate) events: BTreeMap<String, ObjectWords>,
    /// By the page's name, or `owner/field` for a type without one.
    pub(crate) types: BTreeMap<String, ObjectWords>,
    /// By Rust name.
    pub(crate) enums: BTreeMap<String, EnumWords>,
}

/// What we say of an event or a type.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ObjectWords {
    /// What triggers the event; what the type is.
    pub(crate) doc: Option<String>,
    /// The Rust name, where the rule gives a bad one.
    pub(crate) name: Option<String>,
    /// For a type: a hand-written one to use instead of a generated one.
    #[serde(rename = "extern")]
    pub(crate) external: Option<External>,
    pub(crate) fields: BTreeMap<String, FieldWords>,
}

/// A type of another crate.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct External {
    /// Such as `lark_events::UserId`.
    pub(crate) path: String,
    /// What it has: a fact beyond these would be lost in it.
    pub(crate) fields: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FieldWords {
    pub(crate) doc: Option<String>,
    /// The enum that names the keys of an integer.
    #[serde(rename = "enum")]
    pub(crate) enumeration: Option<String>,
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
    pub(crate) key: i64,
    pub(crate) name: String,
    pub(crate) doc: Option<String>,
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

    /// The hand-written type that stands for a type of the pages.
    pub(crate) fn external(&self, key: &str) -> Option<&External> {
        self.types.get(key)?.external.as_ref()
    }
}

impl EnumWords {
    pub(crate) fn has(&self, key: i64) -> bool {
        self.variants.iter().any(|variant| variant.key == key)
    }
}

/// The TOML path of a table, with keys quoted where TOML wants it.
pub(crate) fn path(keys: &[&str]) -> String {
    let bare = |char: char| char.is_ascii_alphanumeric() || char == '_' || char == '-';
    let keys: Vec<_> = keys
        .iter()
        .map(|key| {
            if key.chars().all(bare) {
                (*key).to_owned()
            } else {
                format!("\"{key}\"")
            }
        })
        .collect();
    keys.join(".")
}
