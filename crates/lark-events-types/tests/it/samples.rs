//! A sample decodes into its type and comes back whole.

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
    assert!(count > 200, "only {count} samples");
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
