//! The documented rules for values: the fields and types that have them.

use std::collections::BTreeSet;

use super::facts::Facts;
use super::model::Rule;
use super::overlay::Overlay;
use super::spec::{Schema, Shape};
use super::types::{Definition, Types};

/// The types that have documented rules, or have a type that does.
pub(crate) fn with_rules<'a>(types: &'a Types, overlay: &Overlay) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    loop {
        let before = found.len();
        for (key, Definition { object, .. }) in types {
            let words = overlay.types.get(key);
            let by_hand = words.is_some_and(|words| words.validated_by_hand);
            let mut properties = object.properties.iter();
            let has_rules = properties.any(|property| {
                let is_enum =
                    words.is_some_and(|words| words.enumeration(&property.name).is_some());
                !of_field(&property.schema, is_enum, &found).is_empty()
            });
            if (by_hand || has_rules) && overlay.external(key).is_none() {
                found.insert(key.as_str());
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

/// The rules for a field: the length of a list, the bounds of a scalar, and the rules of its type. An
/// enum has no bounds, as its keys are the values.
pub(crate) fn of_field(schema: &Schema, is_enum: bool, validated: &BTreeSet<&str>) -> Vec<Rule> {
    let Schema { shape, facts, .. } = schema;
    let has_range = facts.minimum.is_some() || facts.maximum.is_some();
    let has_length = facts.min_length.is_some() || facts.max_length.is_some();
    let is_list = matches!(shape, Shape::Array(_));
    let is_text = *shape == Shape::String && !is_enum;
    let is_number = matches!(shape, Shape::Integer | Shape::Number) && !is_enum;
    let is_validated = shape.named().is_some_and(|key| validated.contains(key));
    let mut rules = Vec::new();
    rules.extend(((is_text || is_number) && has_range).then(|| Rule::Range(range(facts))));
    rules.extend(((is_text || is_list) && has_length).then(|| Rule::Length(length(facts))));
    rules.extend(is_validated.then_some(Rule::Nested));
    rules
}

fn range(facts: &Facts) -> String {
    let bound = |bound: &Option<serde_json::Number>| {
        let bound = bound.as_ref()?.as_f64()?;
        Some(format!("{bound:?}"))
    };
    rust_range(bound(&facts.minimum), bound(&facts.maximum))
}

fn length(facts: &Facts) -> String {
    let minimum = facts.min_length.filter(|minimum| *minimum > 0);
    let text = |bound: Option<u64>| bound.map(|bound| bound.to_string());
    rust_range(text(minimum), text(facts.max_length))
}

/// A range of Rust. Both bounds are included.
fn rust_range(minimum: Option<String>, maximum: Option<String>) -> String {
    let minimum = minimum.unwrap_or_default();
    match maximum {
        Some(maximum) => format!("{minimum}..={maximum}"),
        None => format!("{minimum}.."),
    }
}
