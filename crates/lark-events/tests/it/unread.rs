//! What `unread()` tells of a body, and what that may cost.

use lark_events::{Delivery, Event, RawJson, Transport};
use serde_json::json;

use super::kinds::{Kinds, decode};

#[track_caller]
fn unread(body: &str) -> Vec<String> {
    decode::<Kinds>(body).unwrap().unread()
}

#[test]
fn a_member_given_twice_is_told_of_whatever_its_copies_are() {
    for (body, lost) in [
        (r#"{"text": null, "text": "x"}"#, "/text"),
        (r#"{"text": "x", "text": null}"#, "/text"),
        (r#"{"any": {"a": null, "a": 5}}"#, "/any/a"),
        (r#"{"map": {"a": null, "a": 5}}"#, "/map/a"),
        (r#"{"later": null, "later": {}}"#, "/later"),
    ] {
        assert_eq!(unread(body), [lost], "{body}");
    }
}

#[test]
fn what_comes_after_an_odd_element_is_read() {
    for (body, lost) in [
        (r#"{"any": ["a", "\ud800", "b", "c"]}"#, vec!["/any/1"]),
        (
            r#"{"any": [{"a": 1, "a": 2}, [], null, "\ud800"]}"#,
            vec!["/any/0/a", "/any/3"],
        ),
        (
            r#"{"texts": ["a", "\ud800", [], "b", null, "c"]}"#,
            vec!["/texts/1", "/texts/2"],
        ),
        (
            r#"{"texts": ["a", 0.10000000000000000000001, {}, "b"], "any": [1e-400, 5]}"#,
            vec!["/texts/1", "/texts/2", "/any/0"],
        ),
    ] {
        assert_eq!(unread(body), lost, "{body}");
    }
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let unread = unread(&format!(r#"{{"any": ["a", {deep}, "b", "c"]}}"#));
    assert_eq!(unread.len(), 1);
    assert!(unread[0].starts_with("/any/1/0/0"), "{unread:?}");
}

#[test]
fn a_number_without_all_its_digits_is_told_of() {
    let body = r#"{"text": 0.123456789012345678901234567890, "integer": 100.00000000000000000001,
        "float": 0.1000000000000000055511151231257827, "texts": [1e-400, 1.10, 1e2],
        "any": [1e-400, 0.10, 0.0]}"#;
    let event = decode::<Kinds>(body).unwrap();
    assert_eq!(event.body.integer, Some(100));
    assert_eq!(event.body.texts.as_deref().unwrap(), ["0", "1.1", "100"]);
    assert_eq!(
        event.unread(),
        ["/text", "/integer", "/float", "/texts/0", "/any/0"]
    );
}

#[test]
fn the_word_null_is_not_nothing() {
    assert_eq!(
        unread(r#"{"integer": "null", "any": "null"}"#),
        ["/integer"]
    );
}

#[test]
fn what_the_old_header_could_not_take_is_told_of() {
    let document = r#"{"type":"event_callback",
        "event":{"type":"leave","app_id":{"a":1},"tenant_key":["x"],"text":"t"}}"#;
    let now = std::time::SystemTime::UNIX_EPOCH;
    let delivery = Delivery::parse_unauthenticated(document, Transport::Local, now).unwrap();
    assert_eq!(delivery.header.app_id.as_deref(), None);
    let unread = |raw: &RawJson| {
        let event = Event::new(delivery.header.clone(), raw.clone());
        event.typed::<Kinds>().unwrap().unread()
    };
    assert_eq!(unread(&delivery.raw), ["/app_id", "/tenant_key"]);
    let whole = json!({"type": "leave", "app_id": 7, "tenant_key": "x", "later": 1});
    let whole = RawJson::parse(whole.to_string()).unwrap();
    assert_eq!(unread(&whole), ["/later"]);
}

/// The bytes of all paths, and how many there are.
#[track_caller]
fn cost(body: &str) -> (usize, usize) {
    let paths = unread(body);
    (paths.iter().map(String::len).sum(), paths.len())
}

#[test]
fn the_paths_take_bounded_memory_and_what_holds_them_stands_in() {
    let long = "k".repeat(128 << 10);
    let odd = vec![r#""\ud800""#; 16 << 10].join(",");
    let body =
        format!(r#"{{"any": {{"a": ["\ud800"], "{long}": [{odd}], "b": "\ud800"}}, "later": 1}}"#);
    assert_eq!(
        unread(&body),
        ["/any/a/0", &format!("/any/{long}"), "/any/b", "/later"]
    );

    let nulls = vec!["0"; 20_000].join(",");
    let list = format!(r#"{}"\ud800",{nulls}{}"#, "[".repeat(120), "]".repeat(120));
    assert_eq!(cost(&format!(r#"{{"any": {list}}}"#)).1, 1);
    let (bytes, count) = cost(&format!(r#"{{"any": [{}]}}"#, vec![list; 3].join(",")));
    assert!(
        (1..=3).contains(&count) && bytes < 1 << 20,
        "{count}, {bytes}"
    );
}

#[test]
fn a_list_too_long_to_tell_of_is_told_of_as_one() {
    let odd = |count: usize| vec![r#""\ud800""#; count].join(",");
    let few = unread(&format!(r#"{{"any": [{}]}}"#, odd(1_000)));
    assert_eq!(few.len(), 1_000);
    let body = format!(
        r#"{{"later": 1, "any": {{"a": [{}]}}, "more": [1]}}"#,
        odd(100_000)
    );
    assert_eq!(unread(&body), ["/later", "/any/a", "/more"]);
    // What was listed inside makes room for what comes after.
    let [a, b] = ["a", "b"].map(|key| key.repeat(600 << 10));
    let body = format!(
        r#"{{"any": {{"{a}": [{0}], "{b}": [{0}]}}, "{b}": 1}}"#,
        odd(2)
    );
    assert_eq!(unread(&body), ["/any", &format!("/{b}")]);
    // Where one key alone is too long, all that is left to name is the whole.
    let body = format!(r#"{{"a": 1, "{}": 1}}"#, "k".repeat(2 << 20));
    assert_eq!(unread(&body), [""]);
}
