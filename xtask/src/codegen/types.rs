//! The types of a domain: types of one name are one type, which has what any page shows of it.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Facts;
use super::overlay::{External, Overlay};
use super::problem::Problems;
use super::spec::{Object, Property, Schema, Shape, Spec};

/// The types of all specs, by key.
pub(crate) type Types = BTreeMap<String, Definition>;

#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) object: Object,
    /// The first fact file that has it.
    pub(crate) file: String,
}

/// Collects the types. Where two pages contradict each other, the overlay decides.
pub(crate) fn collect(specs: &[Spec], overlay: &Overlay, problems: &mut Problems) -> Types {
    let mut types = Types::new();
    for spec in specs {
        for object in &spec.types {
            if let Some(external) = overlay.external(&object.key) {
                report_lost_fields(&spec.file, object, external, problems);
            }
            let Some(known) = types.get_mut(&object.key) else {
                let definition = Definition {
                    object: object.clone(),
                    file: spec.file.clone(),
                };
                types.insert(object.key.clone(), definition);
                continue;
            };
            let mut merging = Merging {
                key: &object.key,
                first: &known.file,
                file: &spec.file,
                overlay,
                problems,
            };
            merging.object(&mut known.object, object);
        }
    }
    for (key, definition) in &mut types {
        settle(&mut definition.object, key, overlay);
    }
    report_cycles(&types, problems);
    types
}

/// One type of two fact files on its way to become one.
struct Merging<'a> {
    key: &'a str,
    first: &'a str,
    file: &'a str,
    overlay: &'a Overlay,
    problems: &'a mut Problems,
}

impl Merging<'_> {
    fn object(&mut self, known: &mut Object, other: &Object) {
        for property in &other.properties {
            let mut properties = known.properties.iter_mut();
            match properties.find(|known| known.name == property.name) {
                Some(known) => self.property(known, property),
                None => known.properties.push(property.clone()),
            }
        }
    }

    fn property(&mut self, known: &mut Property, other: &Property) {
        if self.overlay.settled(self.key, &known.name).is_some() {
            return;
        }
        if !merge(&mut known.schema, &other.schema) {
            let rule = format!(
                "`{}` of `{}` is of another type in {}; set its `type` in the overlay",
                known.name, self.key, self.first
            );
            self.problems.push(self.file, &other.schema.pointer, rule);
        }
    }
}

/// Whether both can be one: a type that says nothing gives way, an integer is a number.
fn merge(known: &mut Schema, other: &Schema) -> bool {
    match (&mut known.shape, &other.shape) {
        (Shape::Array(known), Shape::Array(other)) | (Shape::Map(known), Shape::Map(other)) => {
            if !merge(known, other) {
                return false;
            }
        }
        (_, Shape::Any) | (Shape::Number, Shape::Integer) => {}
        (Shape::Any, shape) => known.shape = shape.clone(),
        (Shape::Integer, Shape::Number) => known.shape = Shape::Number,
        (known, other) if known == other => {}
        _ => return false,
    }
    merge_facts(&mut known.facts, &other.facts);
    true
}

/// Bounds hold for every page, so the widest count; anything else is told once.
fn merge_facts(known: &mut Facts, other: &Facts) {
    fn unite<T: Clone + PartialEq>(known: &mut Vec<T>, other: &[T]) {
        for item in other {
            if !known.contains(item) {
                known.push(item.clone());
            }
        }
    }
    let number = |number: &serde_json::Number| number.as_f64();
    known.minimum = widest(&known.minimum, &other.minimum, |a, b| number(a) < number(b));
    known.maximum = widest(&known.maximum, &other.maximum, |a, b| number(a) > number(b));
    known.min_length = widest(&known.min_length, &other.min_length, |a, b| a < b);
    known.max_length = widest(&known.max_length, &other.max_length, |a, b| a > b);
    if known.unit != other.unit {
        known.unit = known.unit.take().xor(other.unit.clone());
    }
    if known.default != other.default {
        known.default = known.default.take().xor(other.default.clone());
    }
    if known.round_to != other.round_to {
        known.round_to = known.round_to.take().xor(other.round_to.clone());
    }
    unite(&mut known.scopes, &other.scopes);
    unite(&mut known.keys, &other.keys);
    known.only_sampled &= other.only_sampled;
}

/// A bound that only one page states is none for the other.
fn widest<T: Clone>(a: &Option<T>, b: &Option<T>, is_wider: impl Fn(&T, &T) -> bool) -> Option<T> {
    let (a, b) = (a.as_ref()?, b.as_ref()?);
    Some(if is_wider(a, b) { a } else { b }.clone())
}

/// Gives fields the types that the overlay decided on.
fn settle(object: &mut Object, key: &str, overlay: &Overlay) {
    for property in &mut object.properties {
        if let Some(settled) = overlay.settled(key, &property.name) {
            property.schema.shape = settled.shape();
        }
    }
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
fn report_cycles(types: &Types, problems: &mut Problems) {
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
fn held_by<'a>(key: &'a str, types: &'a Types) -> BTreeSet<&'a str> {
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
