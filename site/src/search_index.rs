//! What the search looks at, as a script: a page that was opened from a folder cannot fetch a file.

use lark_events::event::Schema;
use lark_events_types::catalogue::Field;
use serde_json::{Value, json};

use crate::Files;
use crate::catalogue::{Catalogue, Entry};

/// Adds the index: each name of a field and each permission once, and for each event their numbers.
pub(crate) fn add(files: &mut Files, catalogue: &Catalogue) {
    let entries = || catalogue.entries.iter();
    let fields = sorted(entries().flat_map(names));
    let scopes = sorted(entries().flat_map(scopes));
    let numbers = |of: &[&str], all: &[&str]| -> Vec<usize> {
        let found = of.iter().filter_map(|name| all.binary_search(name).ok());
        found.collect()
    };
    let rows: Vec<Value> = entries()
        .map(|entry| {
            json!([
                entry.event_type(),
                entry.info.title.replace('`', ""),
                entry.origin.title.unwrap_or_default(),
                entry.name,
                entry.domain.name,
                u8::from(entry.info.schema == Schema::V1),
                numbers(&scopes_of(entry), &scopes),
                numbers(&sorted(names(entry).into_iter()), &fields),
            ])
        })
        .collect();
    let index = json!({"fields": fields, "scopes": scopes, "events": rows});
    files.add("search-index.js", format!("var larkEvents = {index};\n"));
}

fn scopes_of(entry: &Entry) -> Vec<&'static str> {
    sorted(scopes(entry).into_iter())
}

/// The permissions for an event, and for single fields of it.
fn scopes(entry: &Entry) -> Vec<&'static str> {
    [entry.info.scopes, entry.info.field_scopes].concat()
}

/// The names of all fields of an event.
fn names(entry: &Entry) -> Vec<&str> {
    fn collect<'a>(fields: &'a [Field], names: &mut Vec<&'a str>) {
        for field in fields {
            names.push(&field.name);
            collect(&field.fields, names);
        }
    }
    let mut names = Vec::new();
    collect(&entry.fields, &mut names);
    names
}

fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let names: std::collections::BTreeSet<_> = names.collect();
    names.into_iter().collect()
}
