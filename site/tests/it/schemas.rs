//! The schemas: valid, self-contained, and true of the samples.

use std::fs;

use lark_events_types::catalogue::{DOMAINS, events};
use serde_json::{Value, json};

use crate::{root, site, text};

fn schema(event_type: &str) -> Value {
    serde_json::from_str(text(&format!("schemas/{event_type}.json"))).unwrap()
}

#[test]
fn every_sample_is_an_instance_of_its_schema() {
    let mut count = 0;
    for event in events() {
        let event_type = event.info.event_type;
        let schema = schema(event_type);
        assert!(jsonschema::meta::is_valid(&schema), "{event_type}");
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let Some(sample) = event.sample else { continue };
        let mut sample: Value = serde_json::from_str(sample).unwrap();
        // A sample may be the body alone.
        if schema.pointer("/properties/event").is_some() && sample.get("event").is_none() {
            sample = json!({ "event": sample });
        }
        let check = |sample: &Value| {
            let errors: Vec<_> = validator
                .iter_errors(sample)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{event_type}: {errors:#?}");
        };
        check(&sample);
        // Fields without a value, the innermost first.
        for depth in (1..6).rev() {
            let body = sample.get_mut("event");
            body.into_iter().for_each(|body| set_null(body, depth));
            check(&sample);
        }
        count += 1;
    }
    assert!(count > 200, "only {count} samples");
}

/// Sets the members of objects to `null` that are so many objects deep.
fn set_null(value: &mut Value, depth: usize) {
    match value {
        Value::Object(members) if depth == 1 => {
            members.values_mut().for_each(|it| *it = Value::Null);
        }
        Value::Object(members) => members.values_mut().for_each(|it| set_null(it, depth - 1)),
        Value::Array(values) => values.iter_mut().for_each(|it| set_null(it, depth)),
        _ => {}
    }
}

#[test]
fn a_document_of_another_shape_is_no_instance() {
    let validator = jsonschema::draft202012::new(&schema("im.message.receive_v1")).unwrap();
    assert!(validator.is_valid(&json!({"event": {"message": {"chat_id": "oc_1"}}})));
    assert!(!validator.is_valid(&json!({"event": {"message": {"chat_id": 1}}})));
    assert!(!validator.is_valid(&json!({"event": null})));
}

/// The values of a key, at any depth.
fn values<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if name == key {
                    found.push(value);
                }
                values(value, key, found);
            }
        }
        Value::Array(values) => values
            .iter()
            .for_each(|value| self::values(value, key, found)),
        _ => {}
    }
}

#[test]
fn a_schema_has_the_name_of_its_file_and_refers_to_itself_only() {
    for (path, content) in site().iter() {
        let Some(name) = path
            .strip_prefix("schemas/")
            .filter(|it| it.ends_with(".json"))
        else {
            continue;
        };
        let value: Value = serde_json::from_slice(content).unwrap();
        if name == "index.json" {
            let rows = value["events"].as_array().unwrap();
            assert_eq!(rows.len(), events().count());
            for row in rows {
                text(&format!("schemas/{}", row["schema"].as_str().unwrap()));
            }
            continue;
        }
        assert_eq!(
            value["$schema"],
            "https://json-schema.org/draft/2020-12/schema"
        );
        assert_eq!(value["$id"], name);
        let mut references = Vec::new();
        values(&value, "$ref", &mut references);
        for reference in references {
            let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
            assert!(value.pointer(pointer).is_some(), "{path}: {reference}");
        }
    }
}

#[test]
fn a_schema_has_the_descriptions_of_the_fields() {
    let schema = schema("im.message.receive_v1");
    assert_eq!(
        schema["title"],
        "A user sent a message to the bot, or in a chat that the bot is in"
    );
    let described = |pointer: &str| schema.pointer(pointer).unwrap()["description"].clone();
    let message = described("/properties/event/properties/message");
    assert!(
        message.as_str().is_some_and(|it| !it.is_empty()),
        "{message}"
    );
    let key = described("/$defs/mention_event/properties/key");
    assert!(key.as_str().is_some_and(|it| !it.is_empty()), "{key}");
}

/// What a value of a schema consists of: the value that it refers to, or those of a list or map.
fn leaf<'a>(schema: &'a Value, value: &'a Value) -> &'a Value {
    if let Some([form, null]) = value["anyOf"].as_array().map(Vec::as_slice)
        && null == &json!({ "type": "null" })
    {
        return leaf(schema, form);
    }
    if let Some(reference) = value["$ref"].as_str() {
        let pointer = reference.strip_prefix('#').unwrap();
        return leaf(schema, schema.pointer(pointer).unwrap());
    }
    let inner = ["items", "additionalProperties"];
    match inner.iter().find_map(|inner| value.get(inner)) {
        Some(inner) => leaf(schema, inner),
        None => value,
    }
}

/// The object that a value of a schema consists of, or has as one of its forms.
fn object<'a>(schema: &'a Value, value: &'a Value) -> &'a Value {
    let value = leaf(schema, value);
    let forms = value["anyOf"].as_array().into_iter().flatten();
    let mut objects = forms.map(|form| leaf(schema, form));
    let object = objects.find(|it| it["properties"].is_object());
    object.unwrap_or(value)
}

/// Counts the fields below a value. Each has a description.
fn count_fields(schema: &Value, value: &Value, path: &str, depth: usize) -> usize {
    // A value of several forms has no type, whose fields would have descriptions.
    let fields = leaf(schema, value)["properties"].as_object();
    let mut count = 0;
    // A type may contain itself.
    for (name, field) in fields.into_iter().flatten().filter(|_| depth < 8) {
        let path = format!("{path}: {name}");
        let description = field["description"].as_str().unwrap_or_default();
        assert!(!description.is_empty(), "{path} has no description");
        count += 1 + count_fields(schema, field, &path, depth + 1);
    }
    count
}

#[test]
fn every_field_of_a_body_is_described() {
    let mut count = 0;
    for event in events() {
        let event_type = event.info.event_type;
        let schema = schema(event_type);
        let body = schema.pointer("/properties/event").unwrap_or(&schema);
        count += count_fields(&schema, body, event_type, 0);
    }
    assert!(count > 3000, "only {count} fields");
}

#[test]
fn a_schema_has_the_fields_that_are_accepted_from_sdks() {
    let mut count = 0;
    for domain in DOMAINS {
        let overlay = root().join("specs").join(domain.name).join("overlay.toml");
        let overlay: toml::Table = fs::read_to_string(overlay).unwrap().parse().unwrap();
        let words = overlay.get("events").and_then(toml::Value::as_table);
        for (event_type, words) in words.into_iter().flatten() {
            let accepted = words.get("from_sdks").map(|it| &it["fields"]);
            let accepted = accepted.and_then(toml::Value::as_table);
            let schema = schema(event_type);
            let body = schema.pointer("/properties/event").unwrap_or(&schema);
            for path in accepted.into_iter().flat_map(|fields| fields.keys()) {
                let mut value = body;
                for name in path.split('.') {
                    value = &object(&schema, value)["properties"][name];
                    assert!(value.is_object(), "{event_type} has no {path}");
                }
                count += 1;
            }
        }
    }
    assert!(count > 50, "only {count} fields");
}
