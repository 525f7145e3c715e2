//! Facts as sentences, for rustdoc after the description of a field.

use std::collections::BTreeSet;

use serde_json::Value;

use super::facts::Facts;
use super::spec::{Property, Schema, Shape};

/// All documented facts of a field, as sentences. Leaves out permissions that apps can no longer apply
/// for, unless there are no others.
pub(crate) fn field_sentences(
    property: &Property,
    is_enum: bool,
    retired: &BTreeSet<&str>,
) -> Vec<String> {
    let mut sentences = value_sentences(&property.schema, is_enum);
    let mut scopes = property.schema.facts.scopes.clone();
    if !scopes.iter().all(|scope| retired.contains(scope.as_str())) {
        scopes.retain(|scope| !retired.contains(scope.as_str()));
    }
    sentences.extend(scope_sentence(&scopes));
    if property.schema.facts.only_sampled {
        sentences.push("Found only in the sample.".to_owned());
    }
    let sdks = &property.schema.facts.sdks;
    sentences
        .extend((!sdks.is_empty()).then(|| format!("Found only in SDKs: {}.", code_list(sdks))));
    sentences
}

fn value_sentences(schema: &Schema, is_enum: bool) -> Vec<String> {
    let mut sentences = Vec::new();
    if let Shape::Either(forms) = &schema.leaf().shape {
        let forms: Vec<_> = forms.iter().map(|form| form.shape.article()).collect();
        sentences.push(format!("Either {}.", forms.join(" or ")));
    }
    sentences.extend(value_clauses(schema, is_enum).map(|clauses| sentence(&clauses)));
    if let Shape::Array(inner) | Shape::Map(inner) = &schema.shape {
        let inner = value_clauses(inner, is_enum);
        sentences.extend(inner.map(|clauses| format!("Each: {clauses}.")));
    }
    sentences
}

/// `in seconds, 0 to 86400; 28800 when not set; rounded to the nearest multiple of 60`
fn value_clauses(schema: &Schema, is_enum: bool) -> Option<String> {
    let facts = &schema.facts;
    let what = if facts.unix_time { "Unix time " } else { "" };
    let unit = facts.unit.as_ref();
    let unit = unit.map(|unit| format!("{what}in {unit}"));
    // The range of an enum is the list of its variants.
    let range = range(facts).filter(|_| !is_enum);
    let length = length(schema);
    let what = [unit, range, length].into_iter().flatten();
    let what = what.collect::<Vec<_>>();

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

/// `1 to 100 characters`
fn length(schema: &Schema) -> Option<String> {
    let what = match schema.shape {
        Shape::Array(_) => "elements",
        Shape::Map(_) => "members",
        _ => "characters",
    };
    let minimum = schema.facts.min_length.filter(|minimum| *minimum > 0);
    match (minimum, schema.facts.max_length) {
        (Some(minimum), Some(maximum)) => Some(format!("{minimum} to {maximum} {what}")),
        (Some(1), None) => Some("not empty".to_owned()),
        (Some(minimum), None) => Some(format!("at least {minimum} {what}")),
        (None, Some(maximum)) => Some(format!("at most {maximum} {what}")),
        (None, None) => None,
    }
}

fn range(facts: &Facts) -> Option<String> {
    match (&facts.minimum, &facts.maximum) {
        (Some(minimum), Some(maximum)) => Some(format!("{minimum} to {maximum}")),
        (Some(minimum), None) => Some(format!("at least {minimum}")),
        (None, Some(maximum)) => Some(format!("at most {maximum}")),
        (None, None) => None,
    }
}

fn scope_sentence(scopes: &[String]) -> Option<String> {
    match scopes {
        [] => None,
        [scope] => Some(format!("Sent only to apps with the permission `{scope}`.")),
        scopes => {
            let scopes = code_list(scopes);
            Some(format!(
                "Sent only to apps with any one of the permissions {scopes}."
            ))
        }
    }
}

/// The most events that the documentation of a type names.
const MAX_PART_OF: usize = 3;

/// `Part of A, B and 3 more events.`
pub(crate) fn part_of(events: &[String]) -> String {
    let named = &events[..events.len().min(MAX_PART_OF)];
    let named: Vec<_> = named
        .iter()
        .map(|name| format!("[`{name}`](super::{name})"))
        .collect();
    let more = match events.len() - named.len() {
        0 => String::new(),
        1 => " and 1 more event".to_owned(),
        more => format!(" and {more} more events"),
    };
    format!("Part of {}{more}.", named.join(", "))
}

/// Any text as a code span.
pub(crate) fn code(text: &str) -> String {
    if text.is_empty() {
        return "`\"\"`".to_owned();
    }
    let mut fence = "`".to_owned();
    while text.contains(&fence) {
        fence.push('`');
    }
    let space = if text.contains('`') { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// `` `a`, `b` ``
pub(crate) fn code_list(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| code(name)).collect();
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
        Value::String(text) => code(text),
        other => code(&other.to_string()),
    }
}

fn sentence(clauses: &str) -> String {
    let mut chars = clauses.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).chain(['.']).collect()
}

/// Wraps a paragraph at `width` where possible. Code spans are not split, and no line begins like a
/// list, a heading or a quotation.
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

/// Whether a line that begins with this word would start a list, a heading or a quotation.
fn begins_block(word: &str) -> bool {
    let number = word.trim_end_matches(['.', ')']);
    let is_number =
        number.len() + 1 == word.len() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number || ["-", "+", "*", ">"].contains(&word) || word.starts_with('#')
}

/// The words of a text. A code span counts as one word.
fn unbreakable(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut in_code = false;
    for word in text.split_whitespace() {
        match words.last_mut() {
            Some(last) if in_code || begins_block(word) => {
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
    use super::*;

    #[test]
    fn lines_break_outside_of_code() {
        assert_eq!(
            wrap("one two `three - four` five", 10),
            ["one two", "`three - four`", "five"]
        );
        assert_eq!(wrap("one two", 7), ["one two"]);
        assert_eq!(wrap("one two", 6), ["one", "two"]);
        assert_eq!(
            wrap("known are 0, 1. Sent", 10),
            ["known are", "0, 1. Sent"]
        );
        assert_eq!(wrap("one - two", 4), ["one -", "two"]);
    }

    #[test]
    fn whatever_a_key_is_it_is_shown_as_code() {
        for (key, shown) in [
            ("a b", "`a b`"),
            ("", "`\"\"`"),
            ("a`b", "`` a`b ``"),
            ("\"", "`\"`"),
        ] {
            assert_eq!(code(key), shown);
        }
    }
}
