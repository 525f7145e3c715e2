//! `inspect`: every sample, and what is no event.

use lark_events::limits::MAX_EVENT_BYTES;
use lark_events::{Delivery, EncryptKey, RawJson, Transport};
use lark_events_types::catalogue::DOMAINS;
use serde_json::json;

use crate::{KEY, file, lark_events};

#[test]
fn the_line_for_machines_is_as_promised() {
    let body = r#" {"schema": "2.0", "header": {"event_type": "vc.reserve_config.updated_v1"},
        "event": {"scope_type": "2", "odd": [1],
        "scope_id": 123456789012345678901234567890}} "#;
    let ran = lark_events(&["inspect", "--json"])
        .stdin(body)
        .run()
        .with_code(0);
    assert_eq!(
        ran.stdout,
        r#"{"event_type":"vc.reserve_config.updated_v1","rust_type":"ReserveConfigUpdatedV1","#
            .to_owned()
            + r#""crate":"vc-events","event":{"scope_id":"123456789012345678901234567890","#
            + r#""scope_type":2},"unread":["/odd"]}"#
            + "\n"
    );
}

#[test]
fn an_unknown_event_keeps_its_body_to_the_last_digit() {
    let body = "{\"type\": \"event_callback\", \"uuid\": \"u\", \"event\": {\"type\": \"tea\",\n \
                \"a\": 1.000000000000000000001, \"a\": [ ]}}";
    let ran = lark_events(&["inspect", "--json"])
        .stdin(body)
        .run()
        .with_code(0);
    assert_eq!(
        ran.stdout,
        r#"{"event_type":"tea","rust_type":null,"crate":null,"#.to_owned()
            + r#""event":{"type":"tea","a":1.000000000000000000001,"a":[]},"unread":[]}"#
            + "\n"
    );
    let ran = lark_events(&["inspect"]).stdin(body).run().with_code(0);
    let pretty = "{\n  \"event_type\": \"tea\",\n  \"rust_type\": null,\n  \"crate\": null,\n";
    assert!(ran.stdout.starts_with(pretty), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("\"a\": 1.000000000000000000001,\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn every_sample_has_its_type_and_what_that_does_not_take() {
    let mut seen = 0;
    for domain in DOMAINS {
        for (known, name) in domain.events.iter().zip(domain.names) {
            let Some(sample) = known.sample else { continue };
            let info = known.info;
            let ran = lark_events(&["inspect", "--json"])
                .stdin(sample)
                .run()
                .with_code(0);
            let raw = match info.event_type {
                "card.action.trigger_v1" => RawJson::parse(sample).unwrap(),
                _ => {
                    let now = std::time::SystemTime::now();
                    let delivery = Delivery::parse_unauthenticated(sample, Transport::Local, now);
                    delivery.unwrap().raw
                }
            };
            let typed = known.decode(&raw).unwrap();
            let expected = json!({
                "event_type": info.event_type,
                "rust_type": name,
                "crate": domain.crate_name,
                "event": typed.json,
                "unread": typed.unread,
            });
            assert_eq!(ran.json(), expected, "{}", info.event_type);
            seen += 1;
        }
    }
    assert!(seen > 200, "{seen}");
}

#[test]
fn what_a_message_says_is_inspected_too() {
    for (message_type, content, unread) in [
        ("text", json!(r#"{"text":"hello"}"#), json!([])),
        (
            "post",
            json!(
                r#"{"title":"Tea","content":[[{"tag":"text","text":"x","size":1}]],"theme":"dark"}"#
            ),
            json!([
                "/message/content/content/0/0/size",
                "/message/content/theme"
            ]),
        ),
        (
            "hologram",
            json!(r#"{"key":1}"#),
            json!(["/message/content"]),
        ),
        ("text", json!("no JSON"), json!(["/message/content"])),
        ("text", json!([1]), json!(["/message/content"])),
        ("text", json!(null), json!([])),
    ] {
        let message = json!({"message_type": message_type, "content": content});
        let header = json!({"event_type": "im.message.receive_v1"});
        let event = json!({"schema": "2.0", "header": header, "event": {"message": message}});
        let ran = lark_events(&["inspect", "--json"])
            .stdin(event.to_string())
            .run()
            .with_code(0);
        assert_eq!(ran.json()["unread"], unread, "{event}");
    }
}

#[test]
fn an_encrypted_event_needs_its_key() {
    let event = r#"{"header":{"event_type":"tea.pot.ready_v1"},"event":{"a":1}}"#;
    let sealed = EncryptKey::new(KEY).seal(event.as_bytes(), [7; 16]);
    let sealed = json!({ "encrypt": sealed }).to_string();
    let inspect = || lark_events(&["inspect", "--json"]).stdin(sealed.clone());

    let ran = inspect().secrets().run().with_code(0);
    assert_eq!(ran.json()["event"], json!({"a": 1}));
    let ran = inspect().run().with_code(2);
    assert!(ran.stderr.contains("set LARK_ENCRYPT_KEY"), "{ran:?}");
    let ran = inspect()
        .env("LARK_ENCRYPT_KEY", "another")
        .run()
        .with_code(1);
    assert!(ran.stderr.contains("does not decrypt"), "{ran:?}");
    assert_eq!(ran.stdout, "");
    // One whose padding happens to be good, as that of one in 256 is.
    let text: serde_json::Value = serde_json::from_str(&sealed).unwrap();
    let text = text["encrypt"].as_str().unwrap();
    let mut keys = (0..).map(|number| format!("key {number}"));
    let lucky = keys.find(|key| EncryptKey::new(key.as_str()).open(text).is_ok());
    let ran = inspect()
        .env("LARK_ENCRYPT_KEY", &lucky.unwrap())
        .run()
        .with_code(1);
    assert!(ran.stderr.contains("does not decrypt"), "{ran:?}");
}

#[test]
fn what_is_no_event_is_status_1_and_nothing_is_misuse() {
    for (payload, why) in [
        ("{", "not JSON at line 1"),
        ("[]", "expected an object"),
        (
            "{}",
            "the document has neither a version 1 nor a version 2 envelope",
        ),
        (r#"{"type":"url_verification","challenge":"c"}"#, "envelope"),
        (r#"{"open_message_id":"m"}"#, "envelope"),
        (
            r#"{"header":{"event_type":""},"event":{}}"#,
            "no event type",
        ),
        (
            r#"{"header":{"event_type":"vc.reserve_config.updated_v1"},"event":[]}"#,
            "the body does not fit vc.reserve_config.updated_v1: expected an object",
        ),
        ("\u{feff}{}", "begins with a byte order mark"),
    ] {
        let ran = lark_events(&["inspect"]).stdin(payload).run().with_code(1);
        assert!(ran.stderr.contains(why), "{payload}: {}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
    let ran = lark_events(&["inspect"]).run().with_code(2);
    assert!(
        ran.stderr.contains("stdin: empty, expected a payload"),
        "{ran:?}"
    );
    let ran = lark_events(&["inspect"]).stdin(*b"\xff").run().with_code(1);
    assert!(ran.stderr.contains("not UTF-8"), "{ran:?}");
}

#[test]
fn files_and_stdin_have_the_same_bounds() {
    let empty = file("empty.json", "");
    let large = file("large.json", vec![b' '; 2 * MAX_EVENT_BYTES + 1]);
    for (path, why) in [(empty, "empty"), (large, "expected at most")] {
        let name = path.to_str().unwrap();
        let ran = lark_events(&["inspect", name]).run().with_code(2);
        assert!(ran.stderr.contains(&format!("{name}: {why}")), "{ran:?}");
        let stdin = std::fs::read(&path).unwrap();
        let ran = lark_events(&["inspect"]).stdin(stdin).run().with_code(2);
        assert!(ran.stderr.contains(&format!("stdin: {why}")), "{ran:?}");
    }
}
