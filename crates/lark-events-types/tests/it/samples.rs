//! A sample decodes into its type and comes back whole.

use lark_events::RawJson;
use lark_events_types::catalogue::{events, fields, find, origin};
use serde_json::Value;

use crate::sampled;

/// The path of the first member of a sample that did not come back.
fn lost(sent: &Value, back: &Value, at: &str) -> Option<String> {
    match (sent, back) {
        (Value::Null, _) => None,
        (Value::Object(sent), Value::Object(back)) => sent.iter().find_map(|(name, sent)| {
            let back = back.get(name).unwrap_or(&Value::Null);
            lost(sent, back, &format!("{at}/{name}"))
        }),
        (Value::Array(sent), Value::Array(back)) if sent.len() == back.len() => {
            let pairs = sent.iter().zip(back).enumerate();
            pairs
                .into_iter()
                .find_map(|(index, (sent, back))| lost(sent, back, &format!("{at}/{index}")))
        }
        _ => (!is_same(sent, back)).then(|| format!("{at}: {sent} came back as {back}")),
    }
}

/// Numbers are compared as numbers, and a number with a text as texts.
fn is_same(sent: &Value, back: &Value) -> bool {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match (sent, back) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Number(_), Value::String(_)) | (Value::String(_), Value::Number(_)) => {
            text(sent) == text(back)
        }
        _ => sent == back,
    }
}

#[test]
fn every_sample_comes_back_whole() {
    let mut count = 0;
    for (known, body) in sampled() {
        let info = known.info;
        let typed = known
            .decode(&body)
            .unwrap_or_else(|error| panic!("{}: {error}", info.event_type));
        let sent: Value = body.decode().unwrap();
        let back: Value = typed.json.decode().unwrap();
        assert_eq!(lost(&sent, &back, ""), None, "{}", info.event_type);
        assert!(
            typed.unread.is_empty(),
            "{}: unread {:?}",
            info.event_type,
            typed.unread
        );
        count += 1;
    }
    assert!(count > 250, "only {count} samples");
}

#[test]
fn every_event_that_an_official_source_describes_is_typed() {
    let raw: Vec<_> = events()
        .map(|known| known.info)
        .map(|info| info.event_type)
        .filter(|event_type| fields(event_type).unwrap().is_empty())
        .collect();
    // Nobody says what is in them; of all but the callback, no official source says that they are.
    let expected = [
        "profile.view.get",
        "im.message.bot_muted_v1",
        "im.message.updated_v1",
        "passport.session.created_v1",
        "passport.session.deleted_v1",
        "search.data_source.created_v1",
        "search.data_source.deleted_v1",
        "search.data_source.updated_v1",
    ];
    assert_eq!(raw, expected);
    let unconfirmed = events()
        .map(|known| known.info)
        .filter(|info| origin(info.event_type).unwrap().is_unconfirmed);
    let unconfirmed: Vec<_> = unconfirmed.map(|info| info.event_type).collect();
    assert_eq!(unconfirmed, expected[1..]);
}

#[test]
fn what_sources_disagree_on_decodes_in_either_form() {
    for (event_type, bodies) in [
        (
            "vc.bot.meeting_invited_v1",
            [
                r#"{"bot":{"id":"ou_1"}}"#,
                r#"{"bot":{"id":{"union_id":"on_1","open_id":"ou_1"}}}"#,
            ],
        ),
        (
            "message_read",
            [
                r#"{"open_message_ids":["om_1"]}"#,
                r#"{"message_id_list":["om_1"]}"#,
            ],
        ),
        (
            "out_approval",
            [
                r#"{"i18n_resources":["{}"]}"#,
                r#"{"i18n_resources":[{"is_default":true,"locale":"zh_cn"}]}"#,
            ],
        ),
        (
            "application.application.visibility.added_v6",
            [
                r#"{"users":[{"user_id":{"union_id":"on_1","user_id":"u","open_id":"ou_1"}}]}"#,
                r#"{"user_id":{"union_id":"on_1","open_id":"ou_1"}}"#,
            ],
        ),
    ] {
        let known = find(event_type).unwrap();
        for body in bodies {
            let typed = known.decode(&RawJson::parse(body).unwrap()).unwrap();
            assert_eq!(typed.json.as_str(), body, "{event_type}");
            assert!(typed.unread.is_empty(), "{event_type}: {:?}", typed.unread);
        }
    }
}

#[test]
fn a_loss_would_be_noticed() {
    let sent = serde_json::json!({"a": [{"b": 1, "c": null}], "d": "x"});
    let back = serde_json::json!({"a": [{"b": "1"}], "d": "x"});
    assert_eq!(lost(&sent, &back, ""), None);
    let back = serde_json::json!({"a": [{}], "d": "x"});
    assert_eq!(
        lost(&sent, &back, "").as_deref(),
        Some("/a/0/b: 1 came back as null")
    );
    let back = serde_json::json!({"a": [{"b": 1}], "d": "y"});
    assert!(lost(&sent, &back, "").is_some());
}
