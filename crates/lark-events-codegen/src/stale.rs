//! Overlay entries without a fact: reports them, so that they are removed.

use std::collections::BTreeMap;

use super::overlay::{Overlay, path};
use super::problem::Problems;
use super::spec::{Object, Spec};
use super::types::Types;

/// Reports each entry by its place in the overlay.
pub(crate) fn report(specs: &[Spec], types: &Types, overlay: &Overlay, problems: &mut Problems) {
    let bodies = specs
        .iter()
        .map(|spec| (spec.body.key.as_str(), &spec.body));
    let types = types
        .iter()
        .map(|(key, definition)| (key.as_str(), &definition.object));
    let objects: [BTreeMap<&str, &Object>; 2] = [bodies.collect(), types.collect()];
    let tables = [("events", &overlay.events), ("types", &overlay.types)];
    for ((table, entries), objects) in tables.into_iter().zip(objects) {
        for (key, words) in entries {
            let mut report = |at: &[&str], rule| problems.push(&overlay.file, path(at), rule);
            let Some(object) = objects.get(key.as_str()) else {
                report(&[table, key], "not in the facts");
                continue;
            };
            for (name, field) in &words.fields {
                if object.property(name).is_none() {
                    report(&[table, key, "fields", name], "not in the facts");
                }
                if table == "events" && field.settled.is_some() {
                    let at = [table, key, "fields", name, "type"];
                    report(
                        &at,
                        "only for the fields of a type, which several pages share",
                    );
                }
            }
            if table == "types" && !words.repairs.is_empty() {
                report(
                    &[table, key, "repairs"],
                    "only for an event, which has a sample",
                );
            }
            if table == "types" && words.from_sdks.is_some() {
                report(&[table, key, "from_sdks"], "only for an event");
            }
            if table == "events" && !words.members.is_empty() {
                report(&[table, key, "members"], "only for a type");
            }
            let titled = |spec: &Spec| spec.body.key == *key && spec.facts.title.is_some();
            if words.title_zh.is_some() && (table == "types" || specs.iter().any(titled)) {
                report(
                    &[table, key, "title_zh"],
                    "only for an event whose page has no title in the facts",
                );
            }
            let is_generated =
                words.doc.is_some() || words.name.is_some() || !words.fields.is_empty();
            if words.external.is_some() && (table == "events" || is_generated) {
                report(
                    &[table, key, "extern"],
                    "only for a type, and without anything else",
                );
            }
        }
    }
}
