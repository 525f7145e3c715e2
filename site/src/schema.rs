//! The JSON Schema of each event: its fact file with a title and descriptions, for any language.

use lark_events_types::catalogue::{Field, KnownValue};
use serde_json::{Map, Value, json};

use crate::Files;
use crate::catalogue::{Catalogue, Entry};

/// Adds the schemas, and an index of them.
pub(crate) fn add(files: &mut Files, catalogue: &Catalogue) {
    let mut index = Vec::new();
    for entry in &catalogue.entries {
        files.add(format!("schemas/{}", file(entry)), text(&schema(entry)));
        index.push(json!({
            "event_type": entry.event_type(),
            "title": entry.info.title,
            "domain": entry.domain.name,
            "callback": entry.is_callback(),
            "schema": file(entry),
        }));
    }
    files.add("schemas/index.json", text(&json!({ "events": index })));
}

/// The name of an event's schema, which is its `$id` too: it is relative, so that it holds wherever the site is.
pub(crate) fn file(entry: &Entry) -> String {
    format!("{}.json", entry.event_type())
}

fn text(value: &Value) -> String {
    format!("{value:#}\n")
}

fn schema(entry: &Entry) -> Value {
    let mut schema = Map::new();
    for (key, value) in entry.facts.as_object().into_iter().flatten() {
        if key == "$id" {
            schema.insert(key.clone(), file(entry).into());
            schema.insert("title".to_owned(), entry.info.title.into());
        } else {
            schema.insert(key.clone(), value.clone());
        }
    }
    let mut schema = Value::Object(schema);
    let body = "/properties/event";
    let body = if schema.pointer(body).is_some() {
        body
    } else {
        ""
    };
    describe(&mut schema, body, &entry.fields);
    for at in [body, "/$defs"] {
        if let Some(at) = schema.pointer_mut(at) {
            allow_null(at);
        }
    }
    schema
}

/// Allows `null` in the fields of objects and maps, at any depth: the platform may send it for a field without a
/// value.
fn allow_null(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            for (key, value) in members {
                match (key.as_str(), &mut *value) {
                    ("properties", Value::Object(fields)) => fields.values_mut().for_each(or_null),
                    ("additionalProperties", values) => or_null(values),
                    _ => {}
                }
                if !matches!(key.as_str(), "x-lark" | "examples") {
                    allow_null(value);
                }
            }
        }
        Value::Array(forms) => forms.iter_mut().for_each(allow_null),
        _ => {}
    }
}

/// Adds `null` to the types of a field. A field without a type has any.
fn or_null(field: &mut Value) {
    let Value::Object(keywords) = field else {
        return;
    };
    for (key, value) in std::mem::take(keywords) {
        let (key, value) = match key.as_str() {
            "type" => (key, with(value, json!("null"))),
            "anyOf" => (key, with(value, json!({ "type": "null" }))),
            "$ref" => (
                "anyOf".to_owned(),
                json!([{ "$ref": value }, { "type": "null" }]),
            ),
            _ => (key, value),
        };
        keywords.insert(key, value);
    }
}

/// One or several forms, with another.
fn with(forms: Value, another: Value) -> Value {
    let mut forms = match forms {
        Value::Array(forms) => forms,
        one => vec![one],
    };
    if !forms.contains(&another) {
        forms.push(another);
    }
    Value::Array(forms)
}

/// Writes the descriptions of fields into the object at a pointer.
fn describe(schema: &mut Value, at: &str, fields: &[Field]) {
    let Some(at) = object(schema, at) else {
        return;
    };
    for field in fields {
        let name = field.name.replace('~', "~0").replace('/', "~1");
        let at = format!("{at}/properties/{name}");
        let Some(Value::Object(property)) = schema.pointer_mut(&at) else {
            continue;
        };
        let text = description(field);
        if !text.is_empty() && !property.contains_key("description") {
            property.insert("description".to_owned(), text.into());
        }
        describe(schema, &at, &field.fields);
    }
}

/// Where the object is that a schema describes, or the objects of its list or map.
fn object(schema: &Value, at: &str) -> Option<String> {
    /// Of references and lists within each other: more than any event has.
    const MAX_STEPS: usize = 16;
    let mut at = at.to_owned();
    for _ in 0..MAX_STEPS {
        let node = schema.pointer(&at)?;
        if node.get("properties").is_some() {
            return Some(at);
        }
        at = match node.get("$ref").and_then(Value::as_str) {
            Some(reference) => reference.trim_start_matches('#').to_owned(),
            None if node.get("items").is_some() => at + "/items",
            None => at + "/additionalProperties",
        };
    }
    None
}

fn description(field: &Field) -> String {
    let values: Vec<_> = field.values.iter().map(known).collect();
    match values.join("; ") {
        values if values.is_empty() => field.doc.clone(),
        values => format!("{} Known values: {values}.", field.doc)
            .trim_start()
            .to_owned(),
    }
}

fn known(value: &KnownValue) -> String {
    let doc = value.doc.trim_end_matches('.');
    let meaning = if doc.is_empty() { &value.name } else { doc };
    format!("`{}` {meaning}", value.key.as_str())
}
