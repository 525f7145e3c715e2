//! The layouts that a page can be in, and what they have in common.

use serde_json::{Value, json};

use super::{
    Workspace, assert_body, assert_facts, document, documents, fixture, integer, reference, string,
};

#[test]
fn samples_of_one_event_are_united() {
    let page = fixture("pages/two_events.md").replace(
        "\"type\": \"tea_removed\",\n",
        "\"type\": \"tea_added\",\n\"cups\": 1,\n",
    );
    let documents = documents(&page);
    let [(_, added)] = documents.as_slice() else {
        panic!("{documents:?}");
    };
    let only_sampled = |kind: &str| json!({"type": kind, "x-lark": {"only_sampled": true}});
    assert_body(
        added,
        [
            ("grams", integer()),
            ("cups", only_sampled("integer")),
            ("reason", only_sampled("string")),
        ],
    );
    assert_facts(
        added,
        [
            ("/examples/0/event/grams", json!(5)),
            ("/examples/1/event/cups", json!(1)),
        ],
    );
}

#[test]
fn an_english_page_is_read_like_a_chinese_one() {
    let english = fixture("pages/english.md");
    let mut chinese = english.clone();
    for (here, there) in [
        ("| Event type |", "| 事件类型 |"),
        ("Supported app types", "支持的应用类型"),
        ("Required scopes", "权限要求"),
        ("| Required field scopes", "| 字段权限要求"),
        ("**Required field scopes**", "**字段权限要求**"),
        ("Push mode", "推送方式"),
        ("| Name | Type | Description |", "| 名称 | 类型 | 描述 |"),
        ("timestamp(in ms)", "时间戳（单位：毫秒）"),
        ("**Optional values are**", "**可选值有**"),
        ("Value range", "取值范围"),
        ("Length range", "长度范围"),
        ("Maximum length", "最大长度"),
    ] {
        assert!(chinese.contains(here), "{here}");
        chinese = chinese.replace(here, there);
    }
    let facts = documents(&english);
    assert_eq!(facts, documents(&chinese));
    assert_facts(
        &facts[0].1,
        [
            (
                "/x-lark",
                json!({
                    "domain": "tea",
                    "event_type": "tea.pot.rinsed_v1",
                    "schema": "2.0",
                    "title": "Pot rinsed",
                    "page": "https://open.feishu.cn/document/docs/rinsed",
                    "updated": "2024-02-29",
                    "app_types": ["custom", "isv"],
                    "scopes": [{"name": "tea:pot"}, {"name": "tea:pot:old", "retired": true}],
                    "field_scopes": [{"name": "tea:brewer:read"}],
                }),
            ),
            (
                "/$defs/user_id/properties/open_id",
                json!({"type": "string", "x-lark": {"scopes": ["tea:brewer:read"]}}),
            ),
            (
                "/properties/header/properties/create_time/x-lark",
                json!({"unit": "milliseconds", "unix_time": true}),
            ),
        ],
    );
    assert_body(
        &facts[0].1,
        [
            ("brewer", reference("user_id")),
            (
                "times",
                json!({"type": "integer", "minimum": 1, "maximum": 2, "x-lark": {"keys": [1, 2]}}),
            ),
            (
                "marks",
                json!({"type": "array", "items": string(), "minItems": 0, "maxItems": 3}),
            ),
            ("note", json!({"type": "string", "maxLength": 9})),
        ],
    );
    assert_eq!(document("english_pipes")["$id"], "tea.pot.ready_v1");
}

#[test]
fn the_platforms_own_answer_is_a_page() {
    let page = fixture("pages/regular.md");
    let (_, content) = page.split_once("-->\n").unwrap();
    let answer = |code: i64, data: Value| {
        json!({"code": code, "msg": "gone", "data": data, "log_id": "x"}).to_string()
    };
    let whole = json!({
        "name": "Pot ready",
        "content": content.replace('\n', "\r\n"),
        "fullPath": "/docs/ready",
        "updateTime": 1_709_210_096_000_u64,
        "reactions": [{"like": 1}],
    });
    let mut expected = documents(&page);
    expected[0].1["x-lark"]["page"] = json!("https://open.feishu.cn/document/docs/ready");
    assert_eq!(documents(&answer(0, whole.clone())), expected);

    let refused = |answer: String| {
        let workspace = Workspace::new();
        workspace.write("page.json", answer);
        let mut report = workspace.import(&["page.json"]);
        assert_eq!(report.lines, [""; 0]);
        report.refused.remove(0)
    };
    for (answer, expected) in [
        (
            answer(100, whole),
            "page.json:1: expected a page, not the platform's error 100: gone",
        ),
        (
            answer(0, json!({"name": "Pot ready"})),
            "page.json:1: expected a page as `content` of `data`",
        ),
        (
            answer(0, Value::Null),
            "page.json:1: expected a page as `content` of `data`",
        ),
        (
            answer(0, json!({"content": "Text.\n```json\n{}"})),
            "page.json:1: expected a line `",
        ),
        (
            "{\"tea\": 1}".to_owned(),
            "page.json:1: expected a page, the platform's answer with one, or a model with its `event_type`",
        ),
        (
            "{\n\"code\": 0,\n".to_owned(),
            "page.json:3: expected JSON: ",
        ),
    ] {
        let refusal = refused(answer);
        assert!(refusal.starts_with(expected), "{refusal}");
    }
    let refusal = refused(answer(0, json!({"content": "Text.\n```json\n{}"})));
    assert!(
        refusal.ends_with(" in line 2 of the `content`"),
        "{refusal}"
    );
}

#[test]
fn a_page_with_a_sample_and_no_table_is_marked() {
    let document = document("commented_sample");
    assert_facts(&document, [("/x-lark/only_sampled", json!(true))]);
}

#[test]
fn events_of_one_page_are_called_what_their_sections_are() {
    let page = "---\ntitle: 事件\nfull_path: /tea/old\nupdated_at: 2021-05-28T08:52:34Z\n---\n# 事件\n\
                ## 加茶\n### 示例\n```json\n{\"type\": \"event_callback\", \"event\": {\"type\": \"tea_added\"}}\n```\n\
                ## 倒茶\n```json\n{\"type\": \"event_callback\", \"event\": {\"type\": \"tea_removed\"}}\n```\n";
    let documents = documents(page);
    let titles = documents
        .iter()
        .map(|(_, document)| &document["x-lark"]["title"]);
    assert_eq!(titles.collect::<Vec<_>>(), ["加茶", "倒茶"]);
    assert_facts(
        &documents[0].1,
        [
            ("/x-lark/updated", json!("2021-05-28")),
            (
                "/x-lark/page",
                json!("https://open.feishu.cn/document/tea/old"),
            ),
        ],
    );
}
