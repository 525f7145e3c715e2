//! What inputs take in memory that are made to take much of it, and are as large as they may be.

use std::time::SystemTime;

use allocation_counter::measure;
use lark_events::callback::CardActionTrigger;
use lark_events::lenient::MAX_NODE_BYTES;
use lark_events::limits::MAX_EVENT_BYTES;
use lark_events::{Delivery, Event, EventHeader, EventType, RawJson, Transport};
use lark_events_ws::frame::Frame;
use vc_events::ReserveConfigUpdatedV1;

/// Most bytes that a body of any text is decoded in, with its strings and a repaired copy.
const MAX_DECODING_BYTES: usize = MAX_NODE_BYTES + 3 * MAX_EVENT_BYTES;
/// What is rejected takes next to nothing.
const MAX_REJECTING_BYTES: usize = 64 * 1024;

/// Most bytes that are allocated at a time while `run` runs.
fn peak(run: impl FnOnce()) -> usize {
    usize::try_from(measure(run).bytes_max).expect("no more than the machine has")
}

/// As many parts as an event has room for, between a beginning and an end.
fn filled(begin: &str, part: impl Fn(usize) -> String, end: &str) -> RawJson {
    let mut json = begin.to_owned();
    for count in 0.. {
        let part = part(count);
        if json.len() + part.len() + end.len() > MAX_EVENT_BYTES {
            break;
        }
        json.push_str(&part);
    }
    json.push_str(end);
    RawJson::parse(json).expect("JSON")
}

fn decoded<E: EventType>(raw: &RawJson) -> Event<E> {
    let event = Event::new(EventHeader::new(E::EVENT_TYPE), raw.clone());
    event.typed().expect("an odd field costs itself")
}

#[test]
fn whatever_the_text_a_decoded_body_takes_bounded_memory() {
    for part in [
        r#"{"":0},"#,
        "[0],",
        "[],",
        "[[[]]],",
        r#""a","#,
        "0,",
        "null,",
    ] {
        let value = r#"{"action":{"tag":"button","value":["#;
        let raw = filled(value, |_| part.to_owned(), "0]}}");
        let bytes = peak(|| {
            let action = decoded::<CardActionTrigger>(&raw).body.action;
            let tag = action.expect("an action").tag;
            assert_eq!(tag.as_deref(), Some("button"), "{part}");
        });
        assert!(bytes < MAX_DECODING_BYTES, "{part} as a value: {bytes}");
    }

    for part in [r#":[],"#, ":0,"] {
        let form = r#"{"action":{"form_value":{"#;
        let raw = filled(form, |name| format!("\"{name}\"{part}"), r#""":0}}}"#);
        let bytes = peak(|| drop(decoded::<CardActionTrigger>(&raw)));
        assert!(bytes < MAX_DECODING_BYTES, "{part} in a form: {bytes}");
    }

    let users = r#"{"reserve_scope_config":{"allow_users":["#;
    let raw = filled(users, |_| "{},".to_owned(), "{}]}}");
    let bytes = peak(|| drop(decoded::<ReserveConfigUpdatedV1>(&raw)));
    assert!(bytes < MAX_DECODING_BYTES, "empty users: {bytes}");

    // A text that needs other passes, over copies of it.
    let raw = filled(
        r#"{"host":1e300,"a":{"#,
        |name| format!("\"{name}\":0,"),
        r#""":0}}"#,
    );
    let bytes = peak(|| drop(decoded::<CardActionTrigger>(&raw)));
    assert!(bytes < MAX_DECODING_BYTES, "repaired: {bytes}");
}

#[test]
fn what_takes_too_much_costs_its_own_field_and_is_unread() {
    let action = r#"{"host":"h","action":{"tag":"button","value":["#;
    let raw = filled(action, |_| r#"{"":0},"#.to_owned(), r#"0],"option":"o"}}"#);
    let event = decoded::<CardActionTrigger>(&raw);
    assert_eq!(event.unread(), ["/action/value"]);
    assert_eq!(event.raw(), &raw);
    let action = event.body.action.expect("an action");
    assert_eq!(action.option.as_deref(), Some("o"));
}

#[test]
fn a_text_that_is_too_long_for_an_envelope_is_not_copied() {
    let id = "x".repeat(3 << 20);
    let document = format!(r#"{{"header":{{"event_type":"x_v1","event_id":"{id}"}}}}"#);
    let now = SystemTime::now();
    let bytes = peak(|| {
        assert!(Delivery::parse_unauthenticated(document, Transport::Local, now).is_err());
    });
    assert!(bytes < MAX_REJECTING_BYTES, "{bytes}");
}

#[test]
fn the_headers_of_a_frame_that_has_too_many_are_not_copied() {
    let frame = [0x2a, 0x00].repeat(8 << 20);
    let bytes = peak(|| assert!(Frame::decode(frame).is_err()));
    assert!(bytes < MAX_REJECTING_BYTES, "{bytes}");
}
