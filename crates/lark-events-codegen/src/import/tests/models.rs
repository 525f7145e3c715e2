//! Models of SDKs, as facts and beside them.

use serde_json::{Value, json};

use super::super::super::drift;
use super::{Workspace, assert_body, assert_facts, reference, string};

const POURED: &str = "specs/tea/tea.pot.poured_v1.json";

/// Everything that a model can say.
fn model() -> Value {
    json!({
        "event_type": "tea.pot.poured_v1",
        "schema": "2.0",
        "title_zh": "倒茶",
        "page": "https://open.feishu.cn/document/tea/poured",
        "source": "tea-sdk 1.2.3 models/poured.py",
        "other_sources": ["go-tea 0f9e8d7c (2026-01-02) service/tea: Poured"],
        "scopes": ["tea:pot"],
        "notes": ["For people."],
        "fields": [
            {"name": "by", "type": "object", "children": [
                {"name": "id", "type": "string"},
                {"name": "name", "type": "string", "sample": "Ada"},
            ]},
            {"name": "cups", "type": "object", "list": 1, "description_zh": "杯；长度 1～9", "children": [
                {"name": "size", "type": "integer", "enum": {"1": "small", "2": "large"}},
            ]},
            {"name": "kinds", "type": "string", "list": 2},
            {"name": "grams", "type": "integer", "description_zh": "克；取值范围 0～500"},
            {"name": "at", "type": "string", "description_zh": "毫秒级 unix 时间戳"},
            {"name": "who", "type": "string|object", "only_in": "go-tea 0f9e8d7c (2026-01-02) service/tea: Poured"},
            {"name": "guest", "type": "object", "children": [
                {"name": "open_id", "type": "string"},
                {"name": "user_id", "type": "string"},
                {"name": "union_id", "type": "string"},
            ]},
        ],
        "sample": {
            "schema": "2.0",
            "header": {"event_type": "tea.pot.poured_v1", "create_time": "1608725989000"},
            "event": {
                "by": {"id": {"open_id": "ou_1", "union_id": "on_1", "user_id": null}, "name": "Ada"},
                "at": "1608725989000",
                "who": {"open_id": "ou_2", "union_id": "on_2", "user_id": "u"},
                "hot": true,
            },
        },
    })
}

/// The refusal of a model.
fn refusal(model: &Value) -> String {
    let workspace = Workspace::new();
    workspace.write("model.json", model.to_string());
    let mut report = workspace.import(&["model.json"]);
    assert_eq!(report.lines, [""; 0]);
    report.refused.remove(0)
}

#[test]
fn a_model_has_the_facts_of_a_page() {
    let workspace = Workspace::new();
    workspace.write(
        "specs/tea/overlay.toml",
        "[types.cup]\nmembers = [[\"size\"]]\n",
    );
    workspace.write("model.json", model().to_string());
    let report = workspace.import(&["model.json"]);
    assert_eq!(report.refused, [""; 0]);
    let document: Value = serde_json::from_str(&workspace.read(POURED)).unwrap();
    assert_facts(
        &document,
        [
            (
                "/x-lark",
                json!({
                    "domain": "tea",
                    "event_type": "tea.pot.poured_v1",
                    "schema": "2.0",
                    "title": "倒茶",
                    "page": "https://open.feishu.cn/document/tea/poured",
                    "sdks": ["go-tea 0f9e8d7c (2026-01-02)", "tea-sdk 1.2.3"],
                    "scopes": [{"name": "tea:pot"}],
                }),
            ),
            (
                "/properties/header/properties/create_time/x-lark",
                json!({"unit": "milliseconds", "unix_time": true}),
            ),
            ("/$defs/cup/properties/size/x-lark/keys", json!([1, 2])),
            (
                "/$defs/user_id/properties/user_id/type",
                json!(["string", "null"]),
            ),
            ("/examples/0/event/hot", json!(true)),
        ],
    );
    let either = json!([string(), reference("user_id")]);
    assert_body(
        &document,
        [
            (
                "by",
                json!({"type": "object", "properties": {"id": {"anyOf": either}, "name": string()}}),
            ),
            (
                "cups",
                json!({"type": "array", "items": reference("cup"), "minItems": 1, "maxItems": 9}),
            ),
            (
                "kinds",
                json!({"type": "array", "items": {"type": "array", "items": string()}}),
            ),
            (
                "grams",
                json!({"type": "integer", "minimum": 0, "maximum": 500}),
            ),
            (
                "at",
                json!({"type": "string", "x-lark": {"unit": "milliseconds", "unix_time": true}}),
            ),
            (
                "who",
                json!({"anyOf": either, "x-lark": {"sdks": ["go-tea 0f9e8d7c (2026-01-02)"]}}),
            ),
            ("guest", reference("user_id")),
            (
                "hot",
                json!({"type": "boolean", "x-lark": {"only_sampled": true}}),
            ),
        ],
    );
}

#[test]
fn an_event_of_the_old_envelope_has_the_old_one() {
    let mut model = model();
    model["schema"] = json!("1.0");
    model["event_type"] = json!("tea_added");
    model.as_object_mut().unwrap().remove("sample");
    let workspace = Workspace::new();
    workspace.write("model.json", model.to_string());
    workspace.import(&["model.json"]);
    let document: Value =
        serde_json::from_str(&workspace.read("specs/tea/tea_added.json")).unwrap();
    let names = document["properties"].as_object().unwrap().keys();
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["ts", "uuid", "token", "type", "event"]
    );
    assert_body(
        &document,
        [(
            "cups",
            json!({
                "type": "array", "minItems": 1, "maxItems": 9,
                "items": {"type": "object", "properties": {
                    "size": {"type": "integer", "x-lark": {"keys": [1, 2]}},
                }},
            }),
        )],
    );
}

#[test]
fn a_model_without_an_official_source_is_a_raw_event_that_is_unconfirmed() {
    let model = json!({"event_type": "tea.pot.lost_v1", "schema": "2.0", "notes": ["A guess."]});
    let workspace = Workspace::new();
    workspace.write("model.json", model.to_string());
    workspace.import(&["model.json"]);
    let text = workspace.read("specs/tea/tea.pot.lost_v1.json");
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_facts(
        &document,
        [
            ("/x-lark/unconfirmed", json!(true)),
            ("/properties/event", json!({"type": "object"})),
        ],
    );
}

#[test]
fn what_is_no_model_is_refused() {
    let with = |pointer: &str, value: Value| {
        let mut model = model();
        *model.pointer_mut(pointer).unwrap() = value;
        model
    };
    let mut deep = json!({"name": "a", "type": "string"});
    for _ in 0..30 {
        deep = json!({"name": "a", "type": "object", "children": [deep]});
    }
    for (model, expected) in [
        (
            with("/schema", json!("3.0")),
            "`schema` 1.0 or 2.0, not `3.0`",
        ),
        (
            with("/event_type", json!("../x")),
            "an event type, not `../x`",
        ),
        (
            with("/event_type", json!("tea_lost")),
            "a domain for `tea_lost` in specs/domains.toml",
        ),
        (
            with("/fields/0/name", json!("a b")),
            "the name of a field, not `a b`",
        ),
        (
            with("/fields/0/name", json!("cups")),
            "one field `cups`, not two",
        ),
        (
            with("/fields/3/type", json!("many things")),
            "a type, not `many things`",
        ),
        (with("/fields/0", deep), "at most 24 levels"),
        (
            with(
                "/fields",
                vec![json!({"name": "a", "type": "string"}); 4097].into(),
            ),
            "at most 4096 fields of an object",
        ),
        (
            with("/fields", json!({})),
            "a model: invalid type: map, expected a sequence",
        ),
    ] {
        assert_eq!(
            refusal(&model),
            format!("model.json:1: expected {expected}")
        );
    }
}

/// The rows of a comparison, without the columns that are the same in all.
fn compared(workspace: &Workspace, model: &Value) -> (Vec<String>, bool) {
    let path = workspace.write("model.json", model.to_string());
    let drift = drift::run(&workspace.0, &[path]).unwrap();
    assert_eq!(drift.refused, [""; 0]);
    let lines = drift.lines();
    let row = |line: &str| {
        let [_, field, facts, model, _, reason] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        format!("{field}: {facts} / {model} {reason}")
            .trim_end()
            .to_owned()
    };
    let rows = lines.lines().skip(1).map(row).collect();
    (rows, drift.is_open())
}

#[test]
fn a_model_and_the_facts_are_compared_field_by_field() {
    let workspace = Workspace::new();
    workspace.write("model.json", model().to_string());
    workspace.import(&["model.json"]);
    assert_eq!(compared(&workspace, &model()), (Vec::new(), false));

    let mut newer = model();
    // A field takes a number for a string, and the reverse.
    newer["fields"][3]["type"] = json!("string");
    newer["fields"][2]["list"] = json!(1);
    newer["fields"].as_array_mut().unwrap().remove(6);
    newer["fields"][0]["children"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "age", "type": "integer"}));
    let rows = [
        "by.age: - / integer",
        "kinds: list<list<string>> / list<string>",
        "guest: object / -",
        "guest.open_id: string / -",
        "guest.union_id: string / -",
        "guest.user_id: string / -",
    ];
    assert_eq!(
        compared(&workspace, &newer),
        (rows.map(str::to_owned).into(), true)
    );

    let left = "[[left]]\nreason = \"No.\"\n[left.fields]\n\"tea.pot.poured_v1\" = [\"by.age\", \"kinds\"]\n";
    workspace.write(drift::LEFT, left);
    let (rows, is_open) = compared(&workspace, &newer);
    assert_eq!(
        rows[..2],
        [
            "by.age: - / integer No.",
            "kinds: list<list<string>> / list<string> No."
        ]
    );
    assert!(!is_open);

    let page = workspace.write("page.md", super::fixture("pages/regular.md"));
    let refused = drift::run(&workspace.0, &[page]).unwrap();
    assert!(refused.refused[0].ends_with("page.md:1: expected a model, not a page"));
    assert!(refused.is_open());
}
