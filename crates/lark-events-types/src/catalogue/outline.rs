//! The fields of an event, as a tree built from the generated outline of its domain.

use std::borrow::Cow;
use std::collections::BTreeMap;

use lark_events::RawJson;
use serde::{Deserialize, Serialize};

use super::DOMAINS;

/// A field of an event's body, or of an object in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Field {
    /// The name on the wire.
    pub name: String,
    /// The Rust type, without the `Option` around every field. A type without a known Rust name is an
    /// `object`.
    pub rust_type: String,
    /// The description, with unit, range, required permissions and similar facts. May be empty.
    pub doc: String,
    /// The fields of an object, or of the objects of a list or map.
    pub fields: Vec<Self>,
    /// The documented values with names. Other values may occur.
    pub values: Vec<KnownValue>,
}

/// A documented value of a field.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct KnownValue {
    /// The value on the wire: a number or a string.
    pub key: RawJson,
    /// The variant of the Rust enum.
    pub name: String,
    /// The meaning of the value.
    pub doc: String,
}

/// The fields of an event's body, in the order of its page; empty if no source describes them. `None`
/// for an event that is not in the catalogue.
///
/// ```
/// let fields = lark_events_types::catalogue::fields("vc.meeting.meeting_started_v1").unwrap();
/// assert_eq!((&*fields[0].name, &*fields[0].rust_type), ("meeting", "MeetingEventMeeting"));
/// assert_eq!(fields[0].fields[0].doc, "The id of the meeting. It has one from its start on.");
/// ```
///
/// # Panics
///
/// Never: a test reads every outline.
#[must_use]
pub fn fields(event_type: &str) -> Option<Vec<Field>> {
    let mut domains = DOMAINS.iter();
    let has = |known: &lark_events::event::KnownEvent| known.info.event_type == event_type;
    let domain = domains.find(|domain| domain.events.iter().any(has))?;
    let outline: Outline<'_> =
        serde_json::from_str(domain.outline).expect("a generated outline is JSON of this form");
    // Hand-written types have their own names, which the facts do not know.
    let is_generated = domain.name != "core";
    let rows = outline
        .events
        .get(event_type)
        .map_or(&[][..], Vec::as_slice);
    Some(outline.fields(rows, is_generated, &[]))
}

/// The generated form: each type and enum once, by name.
#[derive(Deserialize)]
struct Outline<'a> {
    #[serde(borrow)]
    events: BTreeMap<&'a str, Vec<Row<'a>>>,
    #[serde(borrow)]
    types: BTreeMap<&'a str, Vec<Row<'a>>>,
    #[serde(borrow)]
    enums: BTreeMap<&'a str, Vec<KnownValue>>,
}

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    rust_type: &'a str,
    #[serde(borrow)]
    doc: Cow<'a, str>,
}

impl Outline<'_> {
    /// The fields of a nested type, by name. A type may contain lists of itself, whose fields are not
    /// repeated.
    fn fields(&self, rows: &[Row<'_>], is_generated: bool, within: &[&str]) -> Vec<Field> {
        let field = |row: &Row<'_>| {
            let named = innermost(row.rust_type);
            let inner = self.types.get(named);
            let rows = inner.filter(|_| !within.contains(&named));
            let rust_type = row.rust_type.replace("std::collections::", "");
            Field {
                name: row.name.to_string(),
                rust_type: match inner {
                    Some(_) if !is_generated => rust_type.replace(named, "object"),
                    _ => rust_type,
                },
                doc: row.doc.to_string(),
                fields: rows.map_or_else(Vec::new, |rows| {
                    self.fields(rows, is_generated, &[within, &[named]].concat())
                }),
                values: self.enums.get(named).cloned().unwrap_or_default(),
            }
        };
        rows.iter().map(field).collect()
    }
}

/// The element type of lists and maps.
fn innermost(rust_type: &str) -> &str {
    let inner = rust_type.trim_end_matches('>');
    inner.rsplit(['<', ' ']).next().unwrap_or(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_that_is_within_itself_ends_there() {
        let outline =
            r#"{"events": {}, "types": {"Pot": [["pots", "Vec<Pot>", ""]]}, "enums": {}}"#;
        let outline: Outline<'_> = serde_json::from_str(outline).unwrap();
        let fields = outline.fields(&outline.types["Pot"], true, &[]);
        assert_eq!(fields[0].fields[0].name, "pots");
        assert_eq!(fields[0].fields[0].fields, []);
    }

    #[test]
    fn the_innermost_type_is_what_lists_and_maps_are_made_of() {
        for (rust_type, inner) in [
            ("String", "String"),
            ("Vec<Vec<Room>>", "Room"),
            (
                "std::collections::BTreeMap<String, Vec<lark_events::UserId>>",
                "lark_events::UserId",
            ),
        ] {
            assert_eq!(innermost(rust_type), inner);
        }
    }
}
