//! The schemas: valid, self-contained, and true of the samples.

use lark_events_types::catalogue::{Field, events, fields};
use serde_json::{Value, json};

use crate::{site, text};

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
        let errors: Vec<_> = validator
            .iter_errors(&sample)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{event_type}: {errors:#?}");
        count += 1;
    }
    assert!(count > 200, "only {count} samples");
}

#[test]
fn a_document_of_another_shape_is_no_instance() {
    let validator = jsonschema::draft202012::new(&schema("im.message.receive_v1")).unwrap();
    assert!(validator.is_valid(&json!({"event": {"message": {"chat_id": "oc_1"}}})));
    assert!(!validator.is_valid(&json!({"event": {"message": {"chat_id": 1}}})));
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

#[test]
fn a_schema_has_each_field_of_the_type_with_its_description() {
    let mut count = 0;
    for event in events() {
        let event_type = event.info.event_type;
        let schema = schema(event_type);
        let body = schema.pointer("/properties/event").unwrap_or(&schema);
        let fields = fields(event_type).unwrap();
        count += assert_has(&schema, body, &fields, event_type, false);
    }
    assert!(count > 3000, "only {count} fields");
}

/// How many fields an object of a schema has, all of which are expected, except kinds of ids.
fn assert_has(
    schema: &Value,
    object: &Value,
    fields: &[Field],
    path: &str,
    is_user_id: bool,
) -> usize {
    let mut object = object;
    // To the object of a reference, or to those of a list or map.
    while object.get("properties").is_none() && !fields.is_empty() {
        let reference = object["$ref"].as_str();
        object = match reference.and_then(|it| it.strip_prefix('#')) {
            Some(pointer) => schema.pointer(pointer).unwrap(),
            None => ["items", "additionalProperties"]
                .iter()
                .find_map(|inner| object.get(inner))
                .unwrap_or_else(|| panic!("{path} has no fields: {object}")),
        };
    }
    let mut count = 0;
    for field in fields {
        let path = format!("{path}: {}", field.name);
        let property = &object["properties"][&field.name];
        if is_user_id && property.is_null() {
            continue;
        }
        assert!(property.is_object(), "no {path} in {object}");
        let description = property["description"].as_str().unwrap_or_default();
        assert!(!description.is_empty(), "{path} has no description");
        let is_user_id = field.rust_type.contains("lark_events::UserId");
        count += 1 + assert_has(schema, property, &field.fields, &path, is_user_id);
    }
    count
}
