//! The types of a domain: types of one name are one type, whatever page they stand on.

use std::collections::{BTreeMap, BTreeSet};

use super::overlay::{External, Overlay};
use super::problem::Problems;
use super::spec::{Object, Shape, Spec};

/// The types of all specs, by key.
pub(crate) type Types<'a> = BTreeMap<&'a str, Definition<'a>>;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Definition<'a> {
    pub(crate) object: &'a Object,
    /// The first fact file that has it.
    pub(crate) file: &'a str,
}

/// Collects the types, whose definitions must agree.
pub(crate) fn collect<'a>(
    specs: &'a [Spec],
    overlay: &Overlay,
    problems: &mut Problems,
) -> Types<'a> {
    let mut types = Types::new();
    for spec in specs {
        for object in &spec.types {
            let file = &spec.file;
            let first = *types
                .entry(&object.key)
                .or_insert(Definition { object, file });
            if let Some(external) = overlay.external(&object.key) {
                report_lost_fields(file, object, external, problems);
            } else if first.object != object {
                let rule = format!("`{}` is defined otherwise in {}", object.key, first.file);
                problems.push(file, &object.pointer, rule);
            }
        }
    }
    report_cycles(&types, problems);
    types
}

/// A hand-written type may have more than a page says, but not less.
fn report_lost_fields(file: &str, object: &Object, external: &External, problems: &mut Problems) {
    for property in &object.properties {
        if !external.fields.contains(&property.name) {
            let rule = format!("`{}` has no such field", external.path);
            problems.push(file, &property.schema.pointer, rule);
        }
    }
}

/// A type that holds itself other than in a list or a map would need a `Box`.
fn report_cycles(types: &Types<'_>, problems: &mut Problems) {
    for Definition { object, file } in types.values() {
        for property in &object.properties {
            let Shape::Named(member) = &property.schema.shape else {
                continue;
            };
            if held_by(member, types).contains(object.key.as_str()) {
                let rule = format!("`{}` holds itself here: not supported", object.key);
                problems.push(file, &property.schema.pointer, rule);
            }
        }
    }
}

/// The type itself, and every type that is within it without a list or a map between.
fn held_by<'a>(key: &'a str, types: &Types<'a>) -> BTreeSet<&'a str> {
    let mut held = BTreeSet::new();
    let mut open = vec![key];
    while let Some(key) = open.pop() {
        let Some(definition) = types.get(key).filter(|_| held.insert(key)) else {
            continue;
        };
        let properties = definition.object.properties.iter();
        open.extend(
            properties.filter_map(|property| match &property.schema.shape {
                Shape::Named(key) => Some(key.as_str()),
                _ => None,
            }),
        );
    }
    held
}
