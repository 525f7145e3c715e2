//! What samples tell, beside a table, against it and without one.

use serde_json::{Value, json};

use super::{assert_body, assert_facts, document, integer, reference, string};

#[test]
fn a_type_within_itself_keeps_the_facts_of_its_rows() {
    let expected = json!({
        // The innermost one is a number, against the table.
        "id": {"type": ["string", "number"], "minLength": 1, "maxLength": 8},
        "shelves": {"type": "array", "items": reference("shelf")},
        "note": {"type": "string", "x-lark": {"only_sampled": true}},
    });
    let document = document("type_within_itself");
    assert_facts(&document, [("/$defs/shelf/properties", expected)]);
}

#[test]
fn keys_are_found_however_they_are_listed() {
    let keys = |kind: Value, keys: Value| json!({"type": kind, "x-lark": {"keys": keys}});
    let integers = |keys: Value| json!({"type": "integer", "x-lark": {"keys": keys}});
    let mut bare = integers(json!([0, 1]));
    bare["minimum"] = json!(0);
    bare["maximum"] = json!(1);
    let plural = json!({"type": "array", "items": keys(json!("string"), json!(["a", "b"]))});
    assert_body(
        &document("keys"),
        [
            ("tagged", integers(json!([1, 2]))),
            // Of a text, though the sample has a number.
            (
                "texts",
                keys(json!(["string", "number"]), json!(["1", "2"])),
            ),
            // The sample has another, which is no key for that.
            ("bullets", keys(json!("string"), json!(["green", "black"]))),
            ("inline", integers(json!([0, 1]))),
            ("spoken", integers(json!([1, 2]))),
            ("bare", bare),
            ("lone", integer()),
            ("plural", plural),
        ],
    );
}

#[test]
fn a_sample_without_a_table_tells_all_even_its_comments() {
    let document = document("commented_sample");
    let keys = |keys: Value| json!({"type": "integer", "x-lark": {"keys": keys}});
    let room = json!({"kind": keys(json!([1, 2])), "size": {"type": "number"}, "window": {}});
    let rooms = json!({"type": "array", "items": {"type": "object", "properties": room}});
    assert_facts(
        &document,
        [
            ("/x-lark/schema", json!("1.0")),
            ("/properties/uuid", string()),
            ("/examples/0/uuid", json!("xxx")),
            ("/$defs", Value::Null),
        ],
    );
    assert_body(
        &document,
        [
            ("app_id", string()),
            (
                "state",
                json!({"type": "string", "x-lark": {"keys": ["open_now", "open_soon"]}}),
            ),
            ("floor", keys(json!([1, 2]))),
            // None of the values is the sampled one.
            ("count", integer()),
            ("rooms", rooms),
            ("empty", json!({"type": "array", "items": {}})),
        ],
    );
}

#[test]
fn what_the_sample_has_against_the_table_is_noted() {
    let either = |first: &str, second: &str| json!({"type": [first, second]});
    let beside = |kind: &str, facts: Value| json!({"type": kind, "x-lark": facts});
    let list = |items: Value| json!({"type": "array", "items": items});
    let mut few = list(integer());
    few["x-lark"] = json!({"min_length": 2, "max_length": 3});
    let extra = json!({
        "type": "object",
        "properties": {"deep": list(integer())},
        "x-lark": {"only_sampled": true},
    });
    let document = document("contradictions");
    assert_body(
        &document,
        [
            ("text", either("string", "number")),
            ("flag", either("string", "boolean")),
            ("number", either("string", "integer")),
            ("digits", either("integer", "string")),
            ("fraction", json!({"type": "number"})),
            ("truth", either("boolean", "string")),
            ("zero", either("integer", "boolean")),
            ("one", list(reference("cup"))),
            ("many", reference("cup")),
            ("scalars", list(string())),
            ("nothing", json!({})),
            // Bounds that do not hold are no keywords.
            (
                "short",
                beside("string", json!({"min_length": 5, "max_length": 9})),
            ),
            (
                "low",
                beside("integer", json!({"minimum": 10, "maximum": 20})),
            ),
            ("few", few),
            (
                "at",
                beside(
                    "integer",
                    json!({"unit": "milliseconds", "unix_time": true}),
                ),
            ),
            ("extra", extra),
        ],
    );
    let at: i64 = 1_700_000_000_000;
    assert_facts(&document, [("/examples/0/event/at", json!(at))]);
}
