//! The outline of a domain, for tools: the fields of its events with our descriptions, as JSON within
//! the catalogue's crate.

use serde_json::{Value, json};

use super::super::model::{Domain, Enum, Struct, Variant};
use super::super::overlay::Key;

/// A line for each field and each key, so that a change of one is a change of its line.
pub(crate) fn text(domain: &Domain) -> String {
    let events = domain.events.iter().filter(|event| event.raw.is_none());
    let events = events.map(|event| (event.event_type.as_str(), fields(&event.body)));
    let types = domain.types.iter().chain(&domain.externs);
    let types = types.map(|each| (each.name.as_str(), fields(each)));
    let enums = domain
        .enums
        .iter()
        .map(|each| (each.name.as_str(), keys(each)));
    format!(
        "{{\n\"events\": {},\n\"types\": {},\n\"enums\": {}\n}}\n",
        object(events),
        object(types),
        object(enums)
    )
}

/// Name on the wire, Rust type, description.
fn fields(each: &Struct) -> Vec<Value> {
    let fields = each.fields.iter();
    let rows = fields.map(|field| json!([field.wire_name, field.rust_type, field.doc]));
    rows.collect()
}

/// Key, name of the variant, description.
fn keys(each: &Enum) -> Vec<Value> {
    let row = |Variant { key, name, doc, .. }: &Variant| match key {
        Key::Integer(key) => json!([key, name, doc]),
        Key::Text(key) => json!([key, name, doc]),
    };
    each.variants.iter().map(row).collect()
}

fn object<'a>(members: impl Iterator<Item = (&'a str, Vec<Value>)>) -> String {
    let members = members.map(|(name, rows)| {
        let rows: Vec<_> = rows.iter().map(|row| format!("\n  {row}")).collect();
        format!("\n{}: [{}]", json!(name), rows.join(","))
    });
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}
