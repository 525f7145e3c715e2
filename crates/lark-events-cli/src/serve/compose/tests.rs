//! Composed pushes are read as a whole, or are an error with a name.

use lark_events_sim::Platform;

use super::*;

const MESSAGE: &str = "im.message.receive_v1";

fn pushed(composed: Composed<'_>) -> String {
    let pushable = composed.read().unwrap();
    let body = Platform::builder().request(pushable.document).into_body();
    String::from_utf8(body.to_vec()).unwrap()
}

#[track_caller]
fn refused(composed: Composed<'_>) -> (&'static str, String) {
    let error = composed.read().unwrap_err();
    (error.kind.name(), error.to_string())
}

#[test]
fn the_sample_of_every_event_can_be_edited_and_pushed() {
    for known in catalogue::all() {
        let event_type = known.info.event_type;
        let text = sample_text(event_type).unwrap();
        let composed = Composed {
            event_type,
            json: Some(&text),
            ..Composed::default()
        };
        let pushable = composed.read().unwrap();
        assert_eq!(pushable.event_type, event_type);
        let sample = Document::sample_of(&known.event);
        if event_type != OLD_CARD {
            assert_eq!(pushable.document.body(), sample.body(), "{event_type}");
        }
        let new = ["\"event_id\"", "\"uuid\"", "\"ts\":"];
        let header = text.split("\"event\"").next().unwrap_or_default();
        assert!(!new.iter().any(|name| header.contains(name)), "{text}");
    }
    let error = sample_text("im.message.recieve_v1").unwrap_err();
    assert!(error.contains("similar: im.message.receive_v1"), "{error}");
}

#[test]
fn a_body_or_a_document_is_pushed_with_what_is_set_in_it() {
    let sets = ["message.chat_id=oc_7".to_owned(), "+tea=1e400".to_owned()];
    for json in [
        r#"{"message": {"message_id": "om_1", "n": 12345678901234567890123}}"#,
        r#"{"header": {"event_type": "im.message.receive_v1", "token": "old", "event_id": "old"},
            "event": {"message": {"message_id": "om_1", "n": 12345678901234567890123}}}"#,
    ] {
        let text = pushed(Composed {
            event_type: MESSAGE,
            json: Some(json),
            sets: &sets,
            event_id: Some("e-1"),
        });
        for part in [
            r#""event_id":"e-1""#,
            r#""chat_id":"oc_7""#,
            r#""message_id":"om_e-1""#,
            "12345678901234567890123",
            r#""tea":1e400"#,
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("old"), "{text}");
    }
    let own = r#"{"header": {"event_type": "kitchen.tea.ready_v1"}, "event": {"kind": "green"}}"#;
    for event_type in ["", "kitchen.tea.ready_v1"] {
        let text = pushed(Composed {
            event_type,
            json: Some(own),
            sets: &["kind=black".to_owned()],
            event_id: Some(""),
        });
        assert!(text.contains(r#""kind":"black""#), "{text}");
    }
}

#[test]
fn a_callback_is_pushed_as_one_and_the_old_card_without_an_envelope() {
    for (event_type, is_callback) in [
        ("card.action.trigger", true),
        ("url.preview.get", true),
        (OLD_CARD, true),
        (MESSAGE, false),
    ] {
        let composed = Composed {
            event_type,
            ..Composed::default()
        };
        let pushable = composed.read().unwrap();
        assert_eq!(pushable.is_callback, is_callback, "{event_type}");
    }
    let card = Composed {
        event_type: OLD_CARD,
        json: Some(r#"{"open_id": "ou_1"}"#),
        ..Composed::default()
    };
    assert_eq!(pushed(card), r#"{"open_id": "ou_1"}"#);
    let (kind, error) = refused(Composed {
        event_id: Some("e-1"),
        ..card
    });
    assert_eq!(kind, "event-id");
    assert!(error.contains("has no event id"), "{error}");
}

#[test]
fn each_mistake_has_a_name_and_says_what_to_do() {
    let whole = r#"{"header": {"event_type": "im.chat.disbanded_v1"}, "event": {}}"#;
    for (event_type, json, kind, says) in [
        ("", None, "no-event-type", "choose an event type"),
        ("", Some("{}"), "no-event-type", "choose an event type"),
        (
            "im.message.recieve_v1",
            None,
            "unknown-event-type",
            "similar: im.message.receive_v1",
        ),
        (
            "kitchen.tea.ready_v1",
            Some("{}"),
            "unknown-event-type",
            "give the document with its envelope",
        ),
        (
            MESSAGE,
            Some(whole),
            "other-event-type",
            "expected an event of type im.message.receive_v1, but the document has type \
             im.chat.disbanded_v1",
        ),
        (MESSAGE, Some(" \n"), "not-json", "got an empty text"),
        (MESSAGE, Some("[]"), "not-an-object", "not a JSON object"),
        (MESSAGE, Some("null"), "not-an-object", "not a JSON object"),
        (
            "",
            Some(r#"{"type": "event_callback", "event": {}}"#),
            "envelope",
            "/event/type is not a string",
        ),
    ] {
        let (name, error) = refused(Composed {
            event_type,
            json,
            ..Composed::default()
        });
        assert_eq!(name, kind, "{error}");
        assert!(error.contains(says), "{error}");
    }
    let large = format!("\"{}\"", "x".repeat(MAX_EVENT_BYTES));
    let composed = Composed {
        event_type: MESSAGE,
        json: Some(&large),
        ..Composed::default()
    };
    assert_eq!(refused(composed).0, "too-large");
}

#[test]
fn a_set_that_leads_nowhere_is_an_error() {
    for (set, kind, says) in [
        ("message", "set", "message has no `=`"),
        ("message.chat_id.x=1", "set", "cannot set `x`"),
        (
            "mesage.chat_id=1",
            "unknown-path",
            "similar: message.chat_id",
        ),
    ] {
        let (name, error) = refused(Composed {
            event_type: MESSAGE,
            sets: &[set.to_owned()],
            ..Composed::default()
        });
        assert_eq!(name, kind, "{error}");
        assert!(error.contains(says), "{error}");
    }
    let (name, _) = refused(Composed {
        event_type: "add_bot",
        sets: &["type=remove_bot".to_owned()],
        ..Composed::default()
    });
    assert_eq!(name, "set");
}

#[test]
fn text_that_is_not_json_has_a_place_counted_in_characters() {
    for (json, line, column) in [
        ("{", 1, 1),
        ("{\n  \"a\": 1,\n}", 3, 1),
        ("{\n  \"消息\": tea}", 2, 10),
        ("{\"a\": 1} x", 1, 10),
    ] {
        let composed = Composed {
            event_type: MESSAGE,
            json: Some(json),
            ..Composed::default()
        };
        let error = composed.read().unwrap_err();
        assert_eq!(error.kind.name(), "not-json");
        assert_eq!(error.place, Some(Place { line, column }), "{json}: {error}");
        assert!(error.to_string().starts_with("not JSON: "), "{error}");
        assert!(
            error
                .to_string()
                .ends_with(&format!(" at line {line}, column {column}")),
            "{error}"
        );
    }
}
