//! The generated text for given facts and descriptions.

use serde_json::{Value, json};

use super::super::sources::Source;
use super::super::{core_tables, generate_domain};
use super::{POURED, READY, problems, spec, string, tea};

#[test]
fn every_shape_has_its_rust_type() {
    let fields = json!({
        "type": string(),
        "leaveCount": {"type": "integer", "minimum": 1, "x-lark": {"unit": "leaves"}},
        "heat": {"type": "number", "maximum": 99.5, "default": 80},
        "hot": {"type": "boolean"},
        "extra": {},
        "cups": {"type": "array", "items": {"$ref": "#/$defs/cup"}},
        "labels": {"type": "object", "additionalProperties": string()},
        "maker": {"type": "object", "properties": {"name": string()}},
        "state": {"type": "integer", "x-lark": {"keys": [0, -1]}},
        "kind": {"type": "string", "x-lark": {"keys": ["green", "black"], "scopes": ["a", "b"]}},
        "marks": {"type": "array", "items": {"type": "string", "x-lark": {"keys": ["a b", "c"]}}},
        "size": {"type": "string", "minLength": 1, "maxLength": 64},
        "leaves": {"type": "array", "items": {"type": "integer", "x-lark": {"keys": [1, 2]}}, "maxItems": 3},
        "plain": string(),
        "when": {"type": ["string", "integer"], "x-lark": {"minimum": 0, "only_sampled": true}},
    });
    let overlay = r#"
        [events."tea.pot.ready_v1"]
        doc = "A pot is ready."
        name = "TeaReadyV1"
        fields.type = { doc = "A." }
        fields.leaveCount = { doc = "B." }
        fields.heat = { doc = "C." }
        fields.hot = { doc = "D." }
        fields.extra = { doc = "E." }
        fields.cups = { doc = "F." }
        fields.labels = { doc = "G." }
        fields.maker = { doc = "H." }
        fields.state = { doc = "I.", enum = "State" }
        fields.kind = { doc = "J." }
        fields.marks = { doc = "K.", enum = "Mark" }
        [types.cup]
        doc = "A cup."
        name = "Teacup"
        fields.inner = { doc = "Smaller cups." }
        [types."tea.pot.ready_v1/maker"]
        doc = "Who made it."
        fields.name = { doc = "Their name." }
        [enums.State]
        doc = "What it is doing."
        variants = [
            { key = 0, name = "Idle", doc = "Nothing." },
            { key = -1, name = "Broken", doc = "Leaking." },
        ]
        [enums.Mark]
        doc = "What it is marked with."
        variants = [
            { key = "a b", name = "Both", doc = "An A and a B." },
            { key = "c", name = "C", doc = "A C." },
        ]
    "#;
    let defs = json!({"cup": {"type": "object", "properties": {
        // A list may contain its own type.
        "inner": {"type": "array", "items": {"$ref": "#/$defs/cup"}},
    }}});
    let files = generate_domain(&tea([spec(READY, fields, defs)], overlay))
        .unwrap()
        .files;
    let event = &files["events.rs"];
    for line in [
        "use super::{Mark, State, TeaReadyV1Maker, Teacup};",
        "#[serde(rename = \"type\", deserialize_with",
        "pub type_: Option<String>,",
        "/// B. In leaves, at least 1.",
        "#[serde(rename = \"leaveCount\", deserialize_with",
        "pub leave_count: Option<i64>,",
        "/// C. At most 99.5; 80 when not set.",
        "pub heat: Option<f64>,",
        "pub hot: Option<bool>,",
        "pub extra: Option<serde_json::Value>,",
        "pub cups: Option<Vec<Teacup>>,",
        "pub labels: Option<std::collections::BTreeMap<String, String>>,",
        "pub maker: Option<TeaReadyV1Maker>,",
        "pub state: Option<State>,",
        "/// J. Known values are `green`, `black`. Sent only to apps with any one of the permissions `a`,",
        "pub marks: Option<Vec<Mark>>,",
        "#[expect(missing_docs, reason = \"the names say it\")]",
        "/// 1 to 64 characters.",
        "/// At most 3 elements. Each: known values are 1, 2.",
        "pub leaves: Option<Vec<i64>>,",
        "/// At least 0. Found only in the sample.",
        "pub when: Option<String>,",
        "found.range(\"leaveCount\", &self.leave_count, 1.0..);",
        "found.range(\"heat\", &self.heat, ..=99.5);",
        "found.length(\"size\", &self.size, 1..=64);",
        "found.length(\"leaves\", &self.leaves, ..=3);",
        "found.range(\"when\", &self.when, 0.0..);",
    ] {
        assert!(event.contains(line), "{line}\n{event}");
    }
    assert!(files["types.rs"].contains("pub inner: Option<Vec<Teacup>>,"));
    assert!(files["types.rs"].contains("/// Part of [`TeaReadyV1`](super::TeaReadyV1)."));
    for line in [
        "open_integer_enum!(State {\n    Idle = 0,\n    Broken = -1,\n});",
        "open_string_enum!(Mark {\n    Both = \"a b\",\n    C = \"c\",\n});",
        "/// An A and a B. Key `a b`.",
        "Unknown(String),",
    ] {
        assert!(files["enums.rs"].contains(line), "{line}");
    }
    for line in [
        "pub enum TeaEvent {",
        "TeaReadyV1(Event<TeaReadyV1>),",
        "TeaReadyV1::EVENT_TYPE => Self::TeaReadyV1(event.typed()?),",
    ] {
        assert!(files["events.rs"].contains(line), "{line}");
    }
    for text in files.values() {
        assert!(text.lines().next().unwrap().contains("do not edit"));
    }
}

/// Two events with a `cup` each.
fn cups(first: Value, second: Value) -> [Source; 2] {
    let defs = |fields: Value| json!({"cup": {"type": "object", "properties": fields}});
    let fields = || json!({"cup": {"$ref": "#/$defs/cup"}});
    [
        spec(READY, fields(), defs(first)),
        spec(POURED, fields(), defs(second)),
    ]
}

#[test]
fn events_of_one_domain_share_a_type_that_has_all_that_any_page_shows() {
    let first = json!({
        "size": {"type": "integer", "maximum": 3, "x-lark": {"keys": [1]}},
        "lid": {},
        "of": {"type": "array", "items": {"type": "integer"}},
    });
    let second = json!({
        "size": {"type": "integer", "maximum": 5, "x-lark": {"keys": [1, 2], "unit": "sips"}},
        "lid": {"type": "boolean"},
        "of": {"type": "array", "items": {"type": "number"}},
        "colour": string(),
    });
    let types = generate_domain(&tea(cups(first, second), ""))
        .unwrap()
        .files["types.rs"]
        .clone();
    assert_eq!(types.matches("pub struct Cup").count(), 1);
    for line in [
        "/// In sips, at most 5; known values are 1, 2.",
        "pub size: Option<i64>,",
        "pub lid: Option<bool>,",
        "pub of: Option<Vec<f64>>,",
        "pub colour: Option<String>,",
        "/// Part of [`PotPouredV1`](super::PotPouredV1), [`PotReadyV1`](super::PotReadyV1).",
    ] {
        assert!(types.contains(line), "{line}\n{types}");
    }
}

#[test]
fn pages_that_contradict_each_other_need_a_decision() {
    let both = || {
        cups(
            json!({"size": string()}),
            json!({"size": {"type": "integer"}}),
        )
    };
    assert_eq!(
        problems(&tea(both(), "")),
        [
            "tea.pot.poured_v1.json: /$defs/cup/properties/size: `size` of `cup` has another type \
             in tea.pot.ready_v1.json; set its `type` in the overlay"
        ]
    );
    let decided = "[types.cup.fields]\nsize = { type = \"string\" }\n";
    let files = generate_domain(&tea(both(), decided)).unwrap().files;
    assert!(files["types.rs"].contains("pub size: Option<String>,"));
}

#[test]
fn what_pages_say_differently_is_not_said_in_whatever_order_they_come() {
    let size = |unit: &str| json!({"size": {"type": "integer", "x-lark": {"unit": unit}}});
    for units in [
        ["sips", "cups", "cups"],
        ["cups", "sips", "cups"],
        ["cups", "cups", "sips"],
    ] {
        let [first, second] = cups(size(units[0]), size(units[1]));
        let defs = json!({"cup": {"type": "object", "properties": size(units[2])}});
        let third = spec(
            "tea.pot.cold_v1",
            json!({"cup": {"$ref": "#/$defs/cup"}}),
            defs,
        );
        let files = generate_domain(&tea([first, second, third], ""))
            .unwrap()
            .files;
        assert!(!files["types.rs"].contains("/// In "), "{units:?}");
    }
}

#[test]
fn a_hand_written_type_is_used_as_it_is() {
    let inner = json!({"type": "object", "properties": {"x": string()}});
    let first = json!({"size": string(), "inner": inner, "of": {"$ref": "#/$defs/cup"}});
    let second = json!({"size": {"type": "integer"}});
    let overlay =
        "[types.cup]\nextern = { path = \"cups::Cup\", fields = [\"size\", \"inner\", \"of\"] }\n";
    let files = generate_domain(&tea(cups(first, second), overlay))
        .unwrap()
        .files;
    assert!(files["events.rs"].contains("pub cup: Option<cups::Cup>,"));
    assert!(
        !files.contains_key("types.rs"),
        "what is within it is its own"
    );
}

#[test]
fn the_outline_has_every_type_once_with_our_words() {
    let object = |fields: Value| json!({"type": "object", "properties": fields});
    let cup = json!({
        "size": {"type": "integer", "x-lark": {"keys": [1]}},
        "of": {"type": "array", "items": {"$ref": "#/$defs/leaf"}},
    });
    let defs = json!({"cup": object(cup), "leaf": object(json!({"kind": string()}))});
    let fields = json!({"cup": {"$ref": "#/$defs/cup"}});
    let events = [READY, POURED].map(|event| spec(event, fields.clone(), defs.clone()));
    let overlay = r#"
        [types.leaf]
        extern = { path = "leaves::Leaf", fields = ["kind"] }
        [types.cup.fields]
        size = { doc = "How large.", enum = "Size" }
        [enums.Size]
        doc = "A size."
        variants = [{ key = 1, name = "Small", doc = "Not \"large\"." }]
    "#;
    let outline = generate_domain(&tea(events, overlay)).unwrap().outline;
    assert_eq!(
        outline,
        r#"{
"events": {
"tea.pot.poured_v1": [
  ["cup","Cup",""]],
"tea.pot.ready_v1": [
  ["cup","Cup",""]]},
"types": {
"Cup": [
  ["size","Size","How large."],
  ["of","Vec<leaves::Leaf>",""]],
"leaves::Leaf": [
  ["kind","String",""]]},
"enums": {
"Size": [
  [1,"Small","Not \"large\"."]]}
}
"#
    );
}

#[test]
fn the_key_of_duplicates_is_in_the_table_for_the_core() {
    let fields = json!({"pot_id": string()});
    let specs = [POURED, READY].map(|event_type| spec(event_type, fields.clone(), json!({})));
    let overlay = format!("[events.\"{READY}\"]\nduplicate_key = \"/pot_id\"\n");
    let generated = generate_domain(&tea(specs, &overlay)).unwrap();
    let table = core_tables::text(generated.entries.iter());
    let (_, rows) = table.split_once("= &[\n").unwrap();
    let (rows, _) = rows.split_once("];").unwrap();
    assert_eq!(rows, "(\"tea.pot.ready_v1\", \"/pot_id\"),\n");
}

#[test]
fn a_field_can_be_given_a_name() {
    let fields = json!({"zh-CN": string(), "zh_cn": string()});
    let overlay = "[events.\"tea.pot.ready_v1\".fields]\nzh-CN = { name = \"zh_cn_too\" }\n";
    let files = generate_domain(&tea([spec(READY, fields, json!({}))], overlay))
        .unwrap()
        .files;
    let event = &files["events.rs"];
    assert!(event.contains("rename = \"zh-CN\""));
    assert!(event.contains("pub zh_cn_too: Option<String>,"));
}

#[test]
fn an_event_that_no_page_describes_keeps_its_body_as_it_is() {
    let mut raw = spec(READY, json!({}), json!({}));
    raw.text = raw.text.replace(
        "{\"properties\":{},\"type\":\"object\"}",
        "{\"type\":\"object\"}",
    );
    raw.text = raw.text.replace(
        "{\"type\":\"object\",\"properties\":{}}",
        "{\"type\":\"object\"}",
    );
    let files = generate_domain(&tea([raw], "")).unwrap().files;
    let event = &files["events.rs"];
    for line in [
        "/// The event `tea.pot.ready_v1`.",
        "#[serde(transparent)]",
        "pub RawJson,",
    ] {
        assert!(event.contains(line), "{line}\n{event}");
    }
}

#[test]
fn rules_reach_through_types() {
    let outer = json!({
        "inner": {"type": "array", "items": {"$ref": "#/$defs/cup"}, "maxItems": 6},
        "lid": string(),
    });
    let defs = json!({
        "tray": {"type": "object", "properties": outer},
        "cup": {"type": "object", "properties": {"size": {"type": "integer", "minimum": 1}}},
    });
    let fields = json!({"tray": {"$ref": "#/$defs/tray"}});
    let sources = |overlay: &str| tea([spec(READY, fields.clone(), defs.clone())], overlay);
    let files = generate_domain(&sources("")).unwrap().files;
    assert!(files["events.rs"].contains("found.nested(\"tray\", &self.tray);"));
    assert!(files["types.rs"].contains("found.nested(\"inner\", &self.inner);"));
    assert!(files["types.rs"].contains("found.length(\"inner\", &self.inner, ..=6);"));
    assert!(!files["types.rs"].contains("lid\", &self"));

    let by_hand = "[types.cup]\nvalidated_by_hand = true\n";
    let files = generate_domain(&sources(by_hand)).unwrap().files;
    assert!(!files["types.rs"].contains("impl Validate for Cup"));
    assert!(files["types.rs"].contains("impl Validate for Tray"));
}
