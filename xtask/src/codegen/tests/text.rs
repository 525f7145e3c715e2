//! What is generated for which facts and words.

use serde_json::json;

use super::super::generate;
use super::{POURED, READY, overlay, problems, spec, string, tea};

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
        "marks": {"type": "array", "items": {"type": "integer", "x-lark": {"keys": [1, 2]}}},
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
        fields.marks = { doc = "K." }
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
    "#;
    let defs = json!({"cup": {"type": "object", "properties": {
        // A list may hold its own type.
        "inner": {"type": "array", "items": {"$ref": "#/$defs/cup"}},
    }}});
    let files = generate(&tea([spec(READY, fields, defs)], overlay)).unwrap();
    let event = &files["tea_ready_v1.rs"];
    for line in [
        "use super::{State, TeaReadyV1Maker, Teacup};",
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
        "/// J. Known values are `green`, `black`. Sent only to apps with any permission of `a`, `b`.",
        "/// K. Each: known values are 1, 2.",
        "pub marks: Option<Vec<i64>>,",
    ] {
        assert!(event.contains(line), "{line}\n{event}");
    }
    assert!(files["types.rs"].contains("pub inner: Option<Vec<Teacup>>,"));
    assert!(files["enums.rs"].contains("open_integer_enum!(State { Idle = 0, Broken = -1 });"));
    for text in files.values() {
        assert!(text.lines().next().unwrap().contains("do not edit"));
    }
}

#[test]
fn events_of_one_domain_share_a_type() {
    let cup = || json!({"cup": {"type": "object", "properties": {"size": string()}}});
    let fields = || json!({"cup": {"$ref": "#/$defs/cup"}});
    let words = overlay(READY, "cup")
        + &overlay(POURED, "cup")
        + "[types.cup]\ndoc = \"A cup.\"\nfields.size = { doc = \"How big.\" }\n";
    let both = [spec(READY, fields(), cup()), spec(POURED, fields(), cup())];
    let files = generate(&tea(both, &words)).unwrap();
    assert_eq!(files["types.rs"].matches("pub struct Cup").count(), 1);

    let other = json!({"cup": {"type": "object", "properties": {"size": {"type": "integer"}}}});
    let both = [spec(READY, fields(), cup()), spec(POURED, fields(), other)];
    assert_eq!(
        problems(&tea(both, &words)),
        [
            "tea.pot.poured_v1.json: /$defs/cup: `cup` is defined otherwise in \
             tea.pot.ready_v1.json"
        ]
    );
}
