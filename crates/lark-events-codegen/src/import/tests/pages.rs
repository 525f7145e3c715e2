//! What is taken from which page.

use serde_json::{Value, json};

use super::{assert_body, assert_facts, document, documents, fixture, integer, reference, string};

#[test]
fn all_facts_of_a_regular_page_are_taken() {
    let document = document("regular");
    assert_facts(
        &document,
        [
            (
                "/x-lark",
                json!({
                    "domain": "tea",
                    "event_type": "tea.pot.ready_v1",
                    "schema": "2.0",
                    "title": "Pot ready",
                    "page": "https://example.com/document/tea/regular",
                    "updated": "2024-02-29",
                    "app_types": ["custom", "isv"],
                    "scopes": [
                        {"name": "tea:pot", "app_types": ["custom", "isv"]},
                        {"name": "tea:pot:old", "app_types": ["custom"], "retired": true},
                    ],
                    "field_scopes": [{"name": "tea:brewer:read"}],
                }),
            ),
            ("/properties/schema", string()),
            ("/properties/header/properties/event_type", string()),
            (
                "/$defs/brewer/properties/id",
                json!({"type": "string", "x-lark": {"scopes": ["tea:brewer:read", "tea:brewer"]}}),
            ),
            ("/examples/0/event/brewer/id", json!("b1")),
            // To the last digit.
            ("/examples/0/event/weight", json!(120.04004357074373)),
        ],
    );
    assert_body(
        &document,
        [
            (
                "label",
                json!({"type": "string", "minLength": 1, "maxLength": 20}),
            ),
            (
                "leaves",
                json!({"type": "integer", "minimum": -1, "maximum": 500}),
            ),
            (
                "tags",
                json!({"type": "array", "items": string(), "minItems": 0, "maxItems": 3}),
            ),
            (
                "code",
                json!({"type": "string", "minLength": 2, "maxLength": 4}),
            ),
            (
                "ready_at",
                json!({"type": "string", "x-lark": {"unit": "milliseconds", "unix_time": true}}),
            ),
            (
                "steep",
                json!({"type": "integer", "default": 180, "x-lark": {"unit": "seconds", "round_to": 30}}),
            ),
            ("weight", json!({"type": "number"})),
            ("hot", json!({"type": "boolean"})),
            ("brewer", reference("brewer")),
        ],
    );
}

#[test]
fn no_sentence_of_a_page_is_taken() {
    let document = document("regular").to_string();
    for word in ["How", "校验", "Any one", "Pots", "wrong", "golang"] {
        assert!(!document.contains(word), "{word}");
    }
}

#[test]
fn line_ends_and_a_byte_order_mark_make_no_difference() {
    let page = fixture("pages/regular.md");
    let expected = documents(&page);
    let other = format!("\u{feff}{}", page.replace('\n', "\r\n"));
    assert_eq!(documents(&other), expected);
}

#[test]
fn a_comment_can_be_missing_or_say_little() {
    let facts =
        |event_type: &str| json!({"domain": "tea", "event_type": event_type, "schema": "2.0"});
    assert_eq!(document("no_comment")["x-lark"], facts("tea.pot.cooled_v1"));
    let mut expected = facts("tea.pot.lidded_v1");
    expected["title"] = json!("Pot lidded");
    expected["page"] = json!("https://open.feishu.cn/document/docs/lidded");
    assert_eq!(document("part_of_a_comment")["x-lark"], expected);
}

#[test]
fn an_event_type_is_found_in_prose_or_in_the_sample() {
    for (name, event_type) in [
        ("type_in_prose", "tea.pot.stirred_v1"),
        ("type_in_sample", "tea.pot.poured_v1"),
    ] {
        let document = document(name);
        assert_eq!(document["$id"], event_type);
        assert_body(&document, [("cup", string())]);
    }
    assert_eq!(document("type_in_prose")["examples"], json!([]));
}

#[test]
fn several_events_of_a_page_have_a_table_and_a_sample_each() {
    let documents = documents(&fixture("pages/two_events.md"));
    let [(first, added), (second, removed)] = documents.as_slice() else {
        panic!("{documents:?}");
    };
    assert_eq!([first, second], ["tea_added", "tea_removed"]);
    let body = |field: Value| json!({"type": "object", "properties": field});
    assert_facts(
        added,
        [
            ("/x-lark/schema", json!("1.0")),
            (
                "/properties/event",
                body(json!({"type": string(), "grams": integer()})),
            ),
            (
                "/examples/0/event",
                json!({"type": "tea_added", "grams": 5}),
            ),
        ],
    );
    assert_facts(
        removed,
        [
            (
                "/properties/event",
                body(json!({"type": string(), "reason": string()})),
            ),
            (
                "/examples/0/event",
                json!({"type": "tea_removed", "reason": "old"}),
            ),
        ],
    );
}

#[test]
fn a_sample_stands_for_each_event_that_its_comment_lists() {
    let documents = documents(&fixture("pages/listed_events.md"));
    let types: Vec<_> = documents.iter().map(|(event_type, _)| event_type).collect();
    assert_eq!(types, ["cup_filled", "cup_emptied", "cup_broken"]);
    for (event_type, document) in &documents {
        assert_body(document, [("type", string()), ("cup", string())]);
        assert_facts(document, [("/examples/0/event/type", json!(event_type))]);
    }
}

#[test]
fn tables_and_samples_of_a_reply_are_no_part_of_the_event() {
    let document = document("reply_tables");
    assert_facts(
        &document,
        [
            ("/x-lark/event_type", json!("tea.cup.asked_v1")),
            ("/properties/toast", Value::Null),
            ("/properties/card", Value::Null),
        ],
    );
    assert_body(&document, [("cup", string())]);
}

#[test]
fn columns_are_found_by_their_labels() {
    let heat = json!({"type": "integer", "minimum": 0, "maximum": 100});
    assert_body(&document("columns_swapped"), [("heat", heat)]);
    let after = json!({"type": "integer", "x-lark": {"unit": "minutes"}});
    assert_body(&document("four_columns"), [("after", after)]);
}

#[test]
fn a_pipe_table_is_a_tree_by_its_indents() {
    let document = document("pipe_table");
    assert_body(
        &document,
        [
            ("leaf", reference("leaf")),
            (
                "grade",
                json!({"type": "integer", "x-lark": {"keys": [0, 1]}}),
            ),
            (
                "by_day",
                json!({"type": "object", "additionalProperties": integer()}),
            ),
        ],
    );
    let marks = json!({"marks": {"type": "array", "items": string()}});
    assert_facts(&document, [("/$defs/leaf/properties", marks)]);
}

#[test]
fn cells_need_no_tags_within_and_no_end() {
    let list = json!({"type": "array", "items": string()});
    let document = document("untagged_cells");
    assert_eq!(document["$id"], "tea.cup.washed_v1");
    assert_body(&document, [("cup", string()), ("list", list)]);
}

#[test]
fn tags_without_a_meaning_do_no_harm() {
    assert_body(&document("unknown_tags"), [("cup", string())]);
    let huge = format!("<md-new x=\"{}\">", "1".repeat(1 << 20));
    let page = fixture("pages/unknown_tags.md").replace("<md-new x=\"1\">", &huge);
    assert_body(&documents(&page)[0].1, [("cup", string())]);
}

#[test]
fn escapes_in_types_are_undone() {
    let list = |items: Value| json!({"type": "array", "items": items});
    let map = |values: Value| json!({"type": "object", "additionalProperties": values});
    assert_body(
        &document("escaped_types"),
        [
            ("names", list(string())),
            ("grid", list(list(integer()))),
            ("counts", map(integer())),
            ("lists", map(list(string()))),
            ("more", list(reference("cup"))),
            // The sample tells.
            (
                "open",
                json!({"type": "object", "properties": {"a": integer()}}),
            ),
            ("either", json!({})),
            ("none", json!({})),
        ],
    );
}

#[test]
fn rows_for_key_and_value_are_a_map() {
    let text = json!({"type": "string", "minLength": 1, "maxLength": 9});
    let map = |values: Value| json!({"type": "object", "additionalProperties": values});
    let document = document("map_rows");
    assert_body(
        &document,
        [("names", map(text)), ("cups", map(reference("cup")))],
    );
    assert_facts(
        &document,
        [("/$defs/cup/properties", json!({"size": integer()}))],
    );
}

#[test]
fn rows_below_a_scalar_make_it_an_object() {
    let object = |fields: Value| json!({"type": "object", "properties": fields});
    let others = json!({"type": "array", "items": object(json!({"cup_id": string()}))});
    let from = object(json!({"shelf": integer()}));
    assert_body(
        &document("rows_under_scalars"),
        [("from", from), ("others", others)],
    );
}

#[test]
fn a_type_has_what_any_place_of_the_page_shows_of_it() {
    let document = document("shapes_merged");
    let expected = json!({
        "size": integer(),
        "colour": string(),
        "chips": {"type": "integer", "x-lark": {"only_sampled": true}},
    });
    assert_facts(&document, [("/$defs/cup/properties", expected)]);
    let spare = json!({"type": "array", "items": reference("cup")});
    assert_body(
        &document,
        [
            ("old", reference("cup")),
            ("new", reference("cup")),
            ("spare", spare),
        ],
    );
}

#[test]
fn a_field_can_be_called_what_its_type_is() {
    let document = document("named_like_its_type");
    assert_body(
        &document,
        [("cup", reference("cup")), ("event", reference("event"))],
    );
    assert_facts(
        &document,
        [
            ("/$defs/cup/properties/cup", reference("cup_shape")),
            ("/$defs/event/properties", json!({"name": string()})),
        ],
    );
}

#[test]
fn names_are_kept_as_they_are() {
    let document = document("odd_names");
    let names = ["type", "match", "cupID", "a-b.c"];
    assert_body(&document, names.map(|name| (name, string())));
    assert_body(&document, [("newName", reference("newName"))]);
    assert_facts(
        &document,
        [("/$defs/newName/properties", json!({"inEnglish": string()}))],
    );
}

#[test]
fn a_callback_of_the_old_form_has_no_envelope() {
    let size = json!({"type": "integer", "minimum": 1, "maximum": 3});
    let cup = json!({"type": "object", "properties": {"size": size}});
    assert_facts(
        &document("old_callback"),
        [
            ("/$id", json!("tea.button.pressed")),
            ("/x-lark/schema", json!("none")),
            ("/properties/open_id", string()),
            // Both have the type's fields.
            ("/properties/cup", cup.clone()),
            ("/properties/other", cup),
            ("/properties/card", Value::Null),
            ("/examples/0/action/value/k", json!("v")),
        ],
    );
}
