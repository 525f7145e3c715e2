//! Bodies with an odd field: they decode, and nothing but that field is lost.

use lark_events::callback::CardActionTrigger;
use lark_events::event::KnownEvent;
use lark_events::{Event, EventType, RawJson, lenient};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::kinds::{Kinds, decode};

fn sample() -> Value {
    json!({
        "text": "t",
        "integer": -7,
        "unsigned": 7,
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

/// The JSON pointers of all members and elements, at any depth.
fn pointers(value: &Value, at: &str) -> Vec<String> {
    let inside = |(name, value): (String, &Value)| {
        let at = format!("{at}/{name}");
        let inside = pointers(value, &at);
        [vec![at], inside].concat()
    };
    match value {
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), value));
            members.flat_map(inside).collect()
        }
        Value::Array(list) => {
            let list = list.iter().enumerate();
            list.map(|(index, value)| (index.to_string(), value))
                .flat_map(inside)
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

/// What became of the value at `pointer`. All else has to be as in the sample.
#[track_caller]
fn left_at(pointer: &str, event: &Event<Kinds>) -> Option<Value> {
    let (mut good, mut body) = (sample(), serde_json::to_value(&event.body).unwrap());
    let (owner, name) = pointer.rsplit_once('/').unwrap();
    let is_of = "a sample has what its pointers say";
    let left = match (good.pointer_mut(owner), body.pointer_mut(owner)) {
        (Some(Value::Object(good)), Some(Value::Object(body))) => {
            good.remove(name).expect(is_of);
            body.remove(name)
        }
        (Some(Value::Array(good)), Some(Value::Array(body))) => {
            let index = name.parse().expect(is_of);
            // An odd element can have been left out.
            let left = (good.len() == body.len()).then(|| body.remove(index));
            good.remove(index);
            left
        }
        _ => panic!("{pointer}: what holds it is lost"),
    };
    assert_eq!(body, good, "{pointer}");
    left.filter(|value| !value.is_null())
}

/// Whether all of the JSON text `sent` is in `left`.
fn is_whole(sent: &str, left: Option<&Value>) -> bool {
    match left {
        None => false,
        Some(Value::String(text)) => text == sent.trim_matches('"'),
        Some(Value::Number(number)) => number.to_string().trim_end_matches(".0") == sent,
        Some(other) => format!("{other}") == sent,
    }
}

#[test]
fn an_odd_value_costs_itself_only() {
    let good = decode::<Kinds>(&sample().to_string()).unwrap();
    assert_eq!(serde_json::to_value(&good.body).unwrap(), sample());
    assert!(good.unread().is_empty());

    let pointers = pointers(&sample(), "");
    assert_eq!(pointers.len(), 30);
    for pointer in pointers {
        let (_, name) = pointer.rsplit_once('/').unwrap();
        let first = name.as_bytes()[0];
        let mut lost = vec![r#""\ud800""#.to_owned()];
        if !first.is_ascii_digit() {
            lost.push(format!(r#"1,"{name}":1"#));
            lost.push(format!(r#"null,"{name}":1"#));
            lost.push(format!(r#"{{}},"\u{first:04x}{}":"x""#, &name[1..]));
        }
        for lost in lost {
            let event = decode_with(&pointer, &lost);
            assert_eq!(left_at(&pointer, &event), None, "{pointer} {lost}");
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
            let left = left_at(&pointer, &event);
            let unread = event.unread();
            let inside = format!("{pointer}/");
            let is_there = |path: &String| *path == pointer || path.starts_with(&inside);
            assert!(unread.iter().all(is_there), "{pointer} {odd}: {unread:?}");
            let is_whole = is_whole(odd, left.as_ref());
            assert_eq!(unread.is_empty(), is_whole, "{pointer} {odd}: {left:?}");
        }

        let event = decode_with(&pointer, "null");
        assert_eq!(left_at(&pointer, &event), None);
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
    assert_eq!(event.unread(), ["/float", "/integer"]);

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
    let typed = KnownEvent::of::<UserUpdatedV3>()
        .decode(event.raw())
        .unwrap();
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
    let place = "`count`: expected i64, got a list at line 3 column 11";
    assert_eq!(error.to_string(), place);
    let event = decode::<Strict>(r#"{"a": 1, "a": "\ud800", "count": 1}"#).unwrap();
    assert_eq!(event.body.count, 1);
}

#[test]
fn a_strict_field_is_what_it_was_beside_an_odd_lenient_one() {
    #[derive(Debug, Serialize, Deserialize)]
    struct Mixed {
        strict: f64,
        any: Option<Value>,
        #[serde(default, deserialize_with = "lenient::field")]
        text: Option<String>,
    }

    impl EventType for Mixed {
        const EVENT_TYPE: &'static str = "mixed_v1";
        type Reply = ();
    }

    for text in [r#""ok""#, r#""\ud800""#, r#"1,"text":2"#] {
        let body = format!(r#"{{"strict":1e300,"any":{{"x":1e300}},"text":{text}}}"#);
        let body = decode::<Mixed>(&body).unwrap().body;
        assert_eq!((body.strict, body.any), (1e300, Some(json!({"x": 1e300}))));
    }
    let body = decode::<Mixed>(r#"{"strict":1,"any":1e400,"text":1e300}"#);
    let body = body.unwrap().body;
    assert_eq!(
        (body.any, body.text.as_deref()),
        (Some(json!("1e400")), Some("1e300"))
    );
}

#[test]
fn a_number_too_small_keeps_its_own_text() {
    let body = r#"{"text": 1e-323, "any": [1e-300, 0.000000000000001, 0], "float": 1e-300}"#;
    let event = decode::<Kinds>(body).unwrap();
    assert_eq!(event.body.text.as_deref(), Some("1e-323"));
    assert_eq!(event.body.any, Some(json!(["1e-300", 1e-15, 0])));
    assert_eq!(event.body.float, Some(1e-300));
    assert!(event.unread().is_empty());
}

#[test]
fn a_field_may_be_raw_and_keeps_all_where_nothing_else_is_odd() {
    #[derive(Debug, Default, Serialize, Deserialize)]
    #[serde(default)]
    struct Parts {
        #[serde(deserialize_with = "lenient::field")]
        raw: Option<RawJson>,
        #[serde(deserialize_with = "lenient::field")]
        raws: Option<Vec<RawJson>>,
        #[serde(deserialize_with = "lenient::field")]
        text: Option<String>,
    }

    impl EventType for Parts {
        const EVENT_TYPE: &'static str = "parts_v1";
        type Reply = ();
    }

    let event = decode::<Parts>(r#"{"raw": {"a" : 1e400, "a": "\ud800"}, "raws": [1, null, [ ]]}"#);
    let event = event.unwrap();
    let raw = |raw: &RawJson| raw.as_str().to_owned();
    assert_eq!(
        event.body.raw.as_ref().map(raw).unwrap(),
        r#"{"a" : 1e400, "a": "\ud800"}"#
    );
    let raws: Vec<_> = event.body.raws.iter().flatten().map(raw).collect();
    assert_eq!(raws, ["1", "[ ]"]);
    assert!(event.unread().is_empty());

    let event = decode::<Parts>(r#"{"raw": ["\ud800", 1e300], "text": "\ud800"}"#).unwrap();
    assert_eq!(event.body.raw.as_ref().map(raw).unwrap(), "[null,1e300]");
    assert_eq!(event.unread(), ["/raw/0", "/text"]);
    assert!(
        decode::<Parts>(r#"{"raw": null}"#)
            .unwrap()
            .body
            .raw
            .is_none()
    );
}
