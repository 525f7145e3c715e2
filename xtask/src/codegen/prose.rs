//! Facts as sentences: what rustdoc says of a field after its description.

use serde_json::Value;

use super::facts::{Bound, Facts, Rule};
use super::spec::{Property, Schema, Shape};

/// Everything documented of a field, a sentence each.
pub(crate) fn field_sentences(property: &Property, is_enum: bool) -> Vec<String> {
    let mut sentences = value_sentences(&property.schema, is_enum);
    sentences.extend(property.rules.iter().map(rule_sentence));
    sentences.extend(scope_sentence(&property.schema.facts.scopes));
    sentences
}

fn value_sentences(schema: &Schema, is_enum: bool) -> Vec<String> {
    let mut sentences = Vec::new();
    sentences.extend(value_clauses(&schema.facts, is_enum).map(|clauses| sentence(&clauses)));
    if let Shape::Array(inner) | Shape::Map(inner) = &schema.shape {
        let inner = value_clauses(&inner.facts, false);
        sentences.extend(inner.map(|clauses| format!("Each: {clauses}.")));
    }
    sentences
}

/// `in seconds, 0 to 86400; 28800 when not set; rounded to the nearest multiple of 60`
fn value_clauses(facts: &Facts, is_enum: bool) -> Option<String> {
    let unit = facts.unit.as_ref().map(|unit| format!("in {unit}"));
    // The range of an enum is the list of its variants.
    let range = range(facts).filter(|_| !is_enum);
    let what = [unit, range].into_iter().flatten().collect::<Vec<_>>();

    let mut clauses = Vec::new();
    clauses.extend((!what.is_empty()).then(|| what.join(", ")));
    if !is_enum && !facts.keys.is_empty() {
        clauses.push(format!("known values are {}", list(&facts.keys)));
    }
    if let Some(default) = &facts.default {
        clauses.push(format!("{} when not set", value(default)));
    }
    if let Some(step) = &facts.round_to {
        clauses.push(format!("rounded to the nearest multiple of {step}"));
    }
    (!clauses.is_empty()).then(|| clauses.join("; "))
}

fn range(facts: &Facts) -> Option<String> {
    match (&facts.minimum, &facts.maximum) {
        (Some(minimum), Some(maximum)) => Some(format!("{minimum} to {maximum}")),
        (Some(minimum), None) => Some(format!("at least {minimum}")),
        (None, Some(maximum)) => Some(format!("at most {maximum}")),
        (None, None) => None,
    }
}

/// `At least 30 when start_time is not set.`
fn rule_sentence(rule: &Rule) -> String {
    let minimum = rule.minimum.iter();
    let minimum = minimum.map(|bound| format!("at least {}", bound_text(bound)));
    let maximum = rule.exclusive_maximum.iter();
    let maximum = maximum.map(|bound| format!("less than {}", bound_text(bound)));
    let bounds: Vec<_> = minimum.chain(maximum).collect();

    let others = rule.given.iter().filter(|name| **name != rule.field);
    let given = others.map(|name| format!("`{name}` is set"));
    let absent = rule
        .absent
        .iter()
        .map(|name| format!("`{name}` is not set"));
    let conditions: Vec<_> = given.chain(absent).collect();
    let mut text = bounds.join(" and ");
    if !conditions.is_empty() {
        text = format!("{text} when {}", conditions.join(" and "));
    }
    sentence(&text)
}

fn bound_text(bound: &Bound) -> String {
    match bound {
        Bound::Number(number) => number.to_string(),
        Bound::Sum { field, plus } => format!("`{field}` plus {plus}"),
    }
}

fn scope_sentence(scopes: &[String]) -> Option<String> {
    match scopes {
        [] => None,
        [scope] => Some(format!("Sent only to apps with the permission `{scope}`.")),
        scopes => {
            let scopes = code_list(scopes);
            Some(format!(
                "Sent only to apps with any permission of {scopes}."
            ))
        }
    }
}

/// `` `a`, `b` ``
pub(crate) fn code_list(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

fn list(values: &[Value]) -> String {
    let values: Vec<_> = values.iter().map(value).collect();
    values.join(", ")
}

/// Numbers are plain, anything else is code.
fn value(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}

fn sentence(clauses: &str) -> String {
    let mut chars = clauses.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).chain(['.']).collect()
}

/// The lines of a paragraph, none wider than `width` where it can be helped. Code spans stay whole,
/// and with them their meaning: a line that begins with `+` or `-` would be a list.
pub(crate) fn wrap(paragraph: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in unbreakable(paragraph) {
        let line = lines.last_mut().expect("there is always a line");
        if line.is_empty() {
            line.push_str(&word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(&word);
        } else {
            lines.push(word);
        }
    }
    lines
}

/// The words of a text, those of one code span together.
fn unbreakable(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut in_code = false;
    for word in text.split_whitespace() {
        match words.last_mut() {
            Some(last) if in_code => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
        in_code ^= word.matches('`').count() % 2 == 1;
    }
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(rule: Value) -> String {
        rule_sentence(&serde_json::from_value(rule).unwrap())
    }

    #[test]
    fn a_rule_is_said_with_its_conditions() {
        for (facts, sentence) in [
            (
                json!({"at": "", "field": "end", "minimum": 30}),
                "At least 30.",
            ),
            (
                json!({"at": "", "field": "end", "given": ["start", "end"],
                    "minimum": {"field": "start", "plus": 30}}),
                "At least `start` plus 30 when `start` is set.",
            ),
            (
                json!({"at": "", "field": "end", "given": ["on"], "absent": ["start", "stop"],
                    "minimum": 1, "exclusive_maximum": 9}),
                "At least 1 and less than 9 when `on` is set and `start` is not set and `stop` \
                 is not set.",
            ),
        ] {
            assert_eq!(rule(facts), sentence);
        }
    }

    #[test]
    fn lines_break_outside_of_code() {
        assert_eq!(
            wrap("one two `three - four` five", 10),
            ["one two", "`three - four`", "five"]
        );
        assert_eq!(wrap("one two", 7), ["one two"]);
        assert_eq!(wrap("one two", 6), ["one", "two"]);
    }
}
