//! Bodies with an odd field: they decode, and nothing but that field is lost.

use std::collections::BTreeMap;

use lark_events::callback::CardActionTrigger;
use lark_events::{DecodeError, Event, EventHeader, EventType, RawJson, lenient};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Switch {
    Off,
    On,
    Unknown(i64),
}

lark_events::open_integer_enum!(Switch { Off = 0, On = 1 });

/// A field of every kind.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Kinds {
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    integer: Option<i64>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    float: Option<f64>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    boolean: Option<bool>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    switch: Option<Switch>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    object: Option<Inner>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    list: Option<Vec<Inner>>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    texts: Option<Vec<String>>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    map: Option<BTreeMap<String, i64>>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    any: Option<Value>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Inner {
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    ids: Option<Vec<i64>>,
}

lark_events::lenient_object!(Inner);

impl EventType for Kinds {
    const EVENT_TYPE: &'static str = "kinds_v1";
    type Reply = ();
}

fn sample() -> Value {
    json!({
        "text": "t",
        "integer": -7,
        "float": 1.5,
        "boolean": true,
        "switch": 1,
        "object": {"id": "o", "ids": [1, 2]},
        "list": [{"id": "a", "ids": []}, {"id": "b", "ids": [3]}],
        "texts": ["x", "y"],
        "map": {"m": 1, "n": 2},
        "any": {"deep": [{"er": "v"}], "null": null},
    })
}

fn decode<E: EventType>(body: &str) -> Result<Event<E>, DecodeError> {
    let raw = RawJson::parse(body.to_owned())?;
    Event::new(EventHeader::new(E::EVENT_TYPE), raw).typed()
}

/// The JSON pointers of all members of objects, at any depth.
fn pointers(value: &Value, at: &str) -> Vec<String> {
    let inside = |name: &str, value: &Value| pointers(value, &format!("{at}/{name}"));
    match value {
        Value::Object(members) => {
            let mut found = Vec::new();
            for (name, value) in members {
                found.push(format!("{at}/{name}"));
                found.extend(inside(name, value));
            }
            found
        }
        Value::Array(list) => {
            let list = list.iter().enumerate();
            list.flat_map(|(index, value)| inside(&index.to_string(), value))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// The sample with `text` for the value at `pointer`.
#[track_caller]
fn decode_with(pointer: &str, text: &str) -> Event<Kinds> {
    let mut body = sample();
    *body.pointer_mut(pointer).unwrap() = json!("here");
    let body = body.to_string().replacen("\"here\"", text, 1);
    decode(&body).unwrap_or_else(|error| panic!("{body}: {error}"))
}

/// A body as JSON without what is at `pointer`.
fn without(body: &Kinds, pointer: &str) -> Value {
    let mut body = serde_json::to_value(body).unwrap();
    let (owner, name) = pointer.rsplit_once('/').unwrap();
    let owner = body.pointer_mut(owner).and_then(Value::as_object_mut);
    owner.unwrap().remove(name);
    body
}

#[test]
fn an_odd_member_costs_that_member_only() {
    let good = decode::<Kinds>(&sample().to_string()).unwrap();
    assert_eq!(serde_json::to_value(&good.body).unwrap(), sample());
    assert!(good.unread().is_empty());

    let pointers = pointers(&sample(), "");
    assert_eq!(pointers.len(), 21);
    for pointer in pointers {
        let (_, name) = pointer.rsplit_once('/').unwrap();
        let twice = format!(r#"1,"{name}":1"#);
        let first = name.as_bytes()[0];
        let escaped = format!(r#"{{}},"\u{first:04x}{}":"x""#, &name[1..]);
        for lost in [r#""\ud800""#, &twice, &escaped] {
            let event = decode_with(&pointer, lost);
            assert_eq!(
                without(&event.body, &pointer),
                without(&good.body, &pointer)
            );
            assert_eq!(event.unread(), [pointer.as_str()], "{lost}");
        }

        // Some fields take these, or a part of them.
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for odd in [
            "7",
            "2.5",
            r#""odd""#,
            r#"["odd",[[]]]"#,
            r#"{"odd":{}}"#,
            "true",
            "1e400",
            "123456789012345678901234567890",
            r#"{"\udc00":1}"#,
            &deep,
        ] {
            let event = decode_with(&pointer, odd);
            assert_eq!(
                without(&event.body, &pointer),
                without(&good.body, &pointer)
            );
            let unread = event.unread();
            let inside = |path: &String| path.starts_with(&pointer);
            assert!(unread.iter().all(inside), "{pointer} {odd}: {unread:?}");
        }

        let event = decode_with(&pointer, "null");
        assert_eq!(
            without(&event.body, &pointer),
            without(&good.body, &pointer)
        );
        assert!(event.unread().is_empty(), "{pointer}");
    }
}

#[test]
fn an_odd_element_costs_that_element_only() {
    for (list, texts, lost) in [
        (r#"["a", "\ud800", "b"]"#, &["a", "b"][..], "/texts/1"),
        (r#"["a", {"x": 1, "x": 2}, "b"]"#, &["a", "b"], "/texts/1"),
        (r#"[[], "a"]"#, &["a"], "/texts/0"),
    ] {
        let event = decode::<Kinds>(&format!(r#"{{"texts": {list}}}"#)).unwrap();
        assert_eq!(event.body.texts.as_deref().unwrap(), texts);
        assert_eq!(event.unread(), [lost]);
    }
}

#[test]
fn a_number_too_large_keeps_its_digits_in_a_text() {
    let large = "123456789012345678901234567890";
    let body =
        format!(r#"{{"text": {large}, "float": {large}, "integer": {large}, "any": [{large}]}}"#);
    let event = decode::<Kinds>(&body).unwrap();
    assert_eq!(event.body.text.as_deref(), Some(large));
    assert_eq!(event.body.float, Some(1.234_567_890_123_456_8e29));
    assert_eq!(event.body.integer, None);
    assert_eq!(event.body.any, Some(json!([large])));
    assert_eq!(event.unread(), ["/integer"]);

    let event = decode::<Kinds>(r#"{"text": 9007199254740993.0, "float": 0.1}"#).unwrap();
    assert_eq!(event.body.text.as_deref(), Some("9007199254740993.0"));
    assert_eq!(event.body.float, Some(0.1));
}

#[test]
fn a_card_value_nested_without_bounds_costs_what_is_too_deep() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let body = format!(r#"{{"action": {{"tag": "button", "value": {{"a": {deep}, "b": 1}}}}}}"#);
    let event = decode::<CardActionTrigger>(&body).unwrap();
    let unread = event.unread();
    assert_eq!(unread.len(), 1);
    assert!(unread[0].starts_with("/action/value/a/0/0"), "{unread:?}");
    let action = event.body.action.unwrap();
    assert_eq!(action.tag.as_deref(), Some("button"));
    assert_eq!(action.value.unwrap()["b"], 1);
}

#[test]
fn a_body_type_may_be_the_raw_text() {
    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(transparent)]
    struct UserUpdatedV3(pub RawJson);

    impl EventType for UserUpdatedV3 {
        const EVENT_TYPE: &'static str = "contact.user.updated_v3";
        type Reply = ();
    }

    let body = r#"{"b" : 1e400, "b": "\ud800", "a": [ ]}"#;
    let event = decode::<UserUpdatedV3>(body).unwrap();
    assert_eq!(event.body.0.as_str(), body);
    assert!(event.unread().is_empty());
    let typed = UserUpdatedV3::INFO.typed(event.raw()).unwrap();
    assert_eq!(typed.json.as_str(), body);
    assert_eq!(UserUpdatedV3::default().0.as_str(), "{}");
    for no_object in ["[]", "null", r#""{}""#] {
        assert!(decode::<UserUpdatedV3>(no_object).is_err(), "{no_object}");
    }
}

#[test]
fn a_strict_type_fails_with_the_error_of_the_text_as_it_came() {
    #[derive(Debug, Serialize, Deserialize)]
    struct Strict {
        count: i64,
    }

    impl EventType for Strict {
        const EVENT_TYPE: &'static str = "strict_v1";
        type Reply = ();
    }

    let error = decode::<Strict>("{\n  \"a\": 1e400,\n  \"count\": []}").unwrap_err();
    let place = "not the JSON expected at line 3 column 11";
    assert_eq!(error.to_string(), place);
    let event = decode::<Strict>(r#"{"a": 1, "a": "\ud800", "count": 1}"#).unwrap();
    assert_eq!(event.body.count, 1);
}
