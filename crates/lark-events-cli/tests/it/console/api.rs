//! The JSON API: what it changes, its errors, and its documentation.

use std::fs;

use serde_json::{Value, json};

use super::http::request;
use super::{Console, EVENT};
use crate::push;

/// The webhook of an app that accepts everything, without a key.
fn accepting() -> (Console, String) {
    let answer = async |body: axum::body::Bytes| {
        let document: Value = serde_json::from_slice(&body).unwrap();
        let challenge = document.get("challenge").cloned();
        json!({"challenge": challenge, "toast": {"type": "info", "content": "Saved"}}).to_string()
    };
    let route = axum::routing::post(answer);
    let url = push::serve(axum::Router::new().route("/webhook/event", route));
    (Console::of(&url, &["--no-key"]), url)
}

#[test]
fn a_push_shows_what_was_sent_and_what_came_back() {
    let (console, url) = accepting();
    let document = json!({
        "header": {"event_type": EVENT}, "event": {"message": {"chat_id": "oc_1"}},
    });
    let number = console.push(&json!({"type": EVENT, "document": document, "event_id": "e-1"}));
    let delivery = console.ended(number);
    assert_eq!(delivery["progress"], "acknowledged");
    assert_eq!(delivery["event_id"], "e-1");
    assert_eq!(delivery["document"]["event"]["message"]["chat_id"], "oc_1");
    let attempt = &delivery["attempts"][0];
    assert_eq!(attempt["sent"]["request"]["url"], url);
    assert_eq!(
        attempt["sent"]["request"]["body"]["header"]["event_id"],
        "e-1"
    );
    assert_eq!(attempt["code"], 200);
    assert_eq!(attempt["body"]["toast"]["content"], "Saved");
    let command = delivery["commands"]["push"].as_str().unwrap();
    assert!(
        command.contains("lark-events push") && command.contains(&url),
        "{command}"
    );
}

#[test]
fn a_text_of_an_editor_is_pushed_like_json() {
    let (console, _) = accepting();
    let text = json!({"message": {"chat_id": "oc_2", "n": 1}}).to_string();
    let body = json!({"type": EVENT, "document": text, "set": "message.chat_id=oc_3\n\n+x=1\n"});
    let delivery = console.ended(console.push(&body));
    assert_eq!(delivery["document"]["event"]["message"]["chat_id"], "oc_3");
    assert_eq!(delivery["document"]["event"]["x"], 1);
    let body = json!({"type": EVENT, "transport": "long-connection"});
    let delivery = console.until(&format!("/api/deliveries/{}", console.push(&body)), |it| {
        it["attempt_count"] == 1
    });
    assert_eq!(delivery["transport"], "long-connection");
    assert!(delivery["attempts"][0]["sent"].is_null());
}

#[test]
fn a_callback_has_a_reply_with_what_is_wrong_with_it() {
    let (console, _) = accepting();
    let delivery = console.ended(console.push(&json!({"type": "card.action.trigger"})));
    assert_eq!(delivery["callback"], true);
    assert_eq!(delivery["reply"]["toast"]["text"], "Saved");
    assert_ne!(
        delivery["reply"]["problems"],
        json!([]),
        "challenge is unknown"
    );
    let page = console.get("/deliveries/1").body;
    assert!(page.contains("Toast") && page.contains("Saved"), "{page}");
}

#[test]
fn a_replay_has_the_same_ids_or_new_ones() {
    let (console, _) = accepting();
    let first = console.ended(console.push_sample());
    let replay = |ids: &str| {
        let answer = console.post("/api/deliveries/1/replay", &json!({"ids": ids}));
        assert_eq!(answer.status, 201, "{}", answer.body);
        let number = answer.json()["deliveries"][0].as_u64().unwrap();
        assert_eq!(
            answer.header("location"),
            Some(&*format!("/api/deliveries/{number}"))
        );
        console.json(&format!("/api/deliveries/{number}"))
    };
    let (same, new) = (replay("same"), replay("new"));
    assert_eq!(same["event_id"], first["event_id"]);
    assert_ne!(new["event_id"], first["event_id"]);
    for delivery in [&same, &new] {
        assert_eq!(delivery["replay_of"], 1);
    }
    assert!(console.get("/").body.contains("replay of "));
}

#[test]
fn a_document_without_ids_is_not_replayed_as_a_new_event() {
    let (console, _) = accepting();
    let number = console.push(&json!({"type": "card.action.trigger_v1"}));
    let path = format!("/api/deliveries/{number}/replay");
    let refused = console.post(&path, &json!({"ids": "new"}));
    assert_eq!(refused.status, 409, "{}", refused.body);
    let says = "whose document has none: resend it as the same one";
    assert!(refused.body.contains(says), "{}", refused.body);
    assert_eq!(console.post(&path, &json!({"ids": "same"})).status, 201);
}

#[test]
fn what_is_wrong_is_named_and_nothing_is_sent() {
    let console = Console::start(&[]);
    for (body, kind, says) in [
        (
            json!({"type": "im.message.recieve_v1"}),
            "unknown-event-type",
            "similar: im.message.receive_v1",
        ),
        (
            json!({"type": EVENT, "set": ["message.chat=1"]}),
            "unknown-path",
            "similar: message.chat_id",
        ),
        (
            json!({"type": EVENT, "document": "{\"a\": tru}"}),
            "not-json",
            "line 1, column",
        ),
        (
            json!({"type": EVENT, "body": []}),
            "not-an-object",
            "not a JSON object",
        ),
        (json!({}), "no-event-type", "choose an event type"),
        (
            json!({"type": EVENT, "body": {}, "document": {}}),
            "",
            "leave one out",
        ),
        (
            json!({"type": EVENT, "transport": "tea"}),
            "",
            "expected webhook, long-connection",
        ),
        (json!({"typ": EVENT}), "", "unknown field `typ`"),
        (json!({"type": EVENT, "set": 1}), "", "a string of lines"),
    ] {
        let answer = console.post("/api/deliveries", &body);
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.error().contains(says), "{body}: {}", answer.body);
        assert_eq!(
            answer.json()["kind"].as_str().unwrap_or_default(),
            kind,
            "{body}"
        );
    }
    let json = [("content-type", "application/json")];
    let answer = request(&console.host, "POST", "/api/deliveries", &json, "{");
    assert_eq!(answer.status, 400);
    assert!(answer.error().contains("EOF"), "{}", answer.body);
    assert_eq!(console.json("/api/deliveries")["kept"], 0);
}

#[test]
fn a_delivery_or_path_that_is_not_there_is_404() {
    let console = Console::start(&[]);
    for path in [
        "/api/deliveries/1",
        "/api/deliveries/x",
        "/deliveries/1",
        "/compose?from=9",
    ] {
        let answer = console.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.body.contains("there is none yet"), "{}", answer.body);
    }
    console.push_sample();
    let answer = console.post("/api/deliveries/2/replay", &json!({"ids": "same"}));
    assert_eq!(answer.status, 404);
    assert!(answer.error().contains("from 1 to 1"), "{}", answer.body);
    assert_eq!(console.get("/api/event-types/tea").status, 404);
    assert_eq!(console.get("/api/tea").status, 404);
    assert_eq!(console.get("/tea").status, 404);
    let answer = console.post("/api/deliveries/1/replay", &json!({"ids": "other"}));
    assert_eq!(answer.status, 400);
}

#[test]
fn faults_are_injected_listed_and_removed() {
    let console = Console::start(&[]);
    let names = || {
        let faults = console.json("/api/faults");
        let faults = faults["faults"].as_array().unwrap().clone();
        faults
            .iter()
            .map(|fault| fault["fault"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    for body in [
        json!({"fault": "close@0.25"}),
        json!({"fault": "delay", "value": "2s", "probability": ""}),
        json!({"fault": "lose-answer", "probability": 0.5}),
        json!({"fault": "reorder", "probability": "1"}),
    ] {
        let answer = console.post("/api/faults", &body);
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
    assert_eq!(
        names(),
        ["delay:2s", "close@0.25", "lose-answer@0.5", "reorder@1"]
    );
    let remove = |body: &Value| console.send("DELETE", "/api/faults", body).status;
    assert_eq!(remove(&json!({"fault": "close@0.25"})), 200);
    assert_eq!(remove(&json!({"fault": "close@0.25"})), 409);
    assert_eq!(names(), ["delay:2s", "lose-answer@0.5", "reorder@1"]);
    for nothing in [
        json!({}),
        json!({"fault": ""}),
        json!({"all": false}),
        json!({"all": "yes"}),
        json!({"all": true, "fault": "reorder@1"}),
        json!([]),
    ] {
        assert_eq!(remove(&nothing), 400, "{nothing}");
    }
    let json = [("content-type", "application/json")];
    let answer = request(&console.host, "DELETE", "/api/faults", &json, "");
    assert_eq!(answer.status, 400);
    assert!(answer.error().contains("got an empty body"));
    assert_eq!(names(), ["delay:2s", "lose-answer@0.5", "reorder@1"]);
    assert_eq!(remove(&json!({"all": true})), 200);
    assert_eq!(names(), [""; 0]);
    console.post("/api/faults", &json!({"fault": "close"}));
    assert_eq!(remove(&json!({"all": "true"})), 200);
    assert_eq!(names(), [""; 0]);
    for body in [
        json!({"fault": "tea"}),
        json!({"fault": ""}),
        json!({"fault": "close", "probability": "2"}),
        json!({"fault": "close", "value": "1"}),
    ] {
        let answer = console.post("/api/faults", &body);
        assert_eq!(answer.status, 400, "{body}");
        assert!(!answer.error().contains('\n'), "{}", answer.body);
    }
}

#[test]
fn an_error_of_the_api_is_json_and_a_typing_error_in_a_query_is_one() {
    let console = Console::start(&[]);
    console.push_sample();
    for (path, says) in [
        ("/api/deliveries?progres=pending", "got progres"),
        ("/api/stream?progres=pending", "before, after, got progres"),
        ("/stream?progres=pending", "got progres"),
        ("/stream?page=delivry", "got delivry"),
        ("/api/event-types?serach=a", "serach"),
        ("/api/deliveries/%FF", "expected a path in UTF-8"),
        ("/api/event-types/%FF", "expected a path in UTF-8"),
    ] {
        let answer = console.get(path);
        assert_eq!(answer.status, 400, "{path}: {}", answer.body);
        assert!(answer.error().contains(says), "{path}: {}", answer.body);
    }
    for path in ["/?progres=pending", "/compose?serach=a", "/deliveries/%FF"] {
        let answer = console.get(path);
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.body.contains("<main"), "{}", answer.body);
    }
    let json = [("content-type", "application/json")];
    for (path, body) in [
        ("/api/deliveries", format!(" [\"{EVENT}\"]")),
        ("/api/deliveries/1/replay", "[\"same\"]".to_owned()),
        ("/api/faults", "[\"close\"]".to_owned()),
    ] {
        let answer = request(&console.host, "POST", path, &json, &body);
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.error().ends_with("got an array"), "{}", answer.body);
    }
    let answer = request(
        &console.host,
        "POST",
        "/api/deliveries/%FF/replay",
        &json,
        "{\"ids\":\"new\"}",
    );
    assert_eq!(answer.status, 400, "{}", answer.body);
    let list = console.json("/api/deliveries?type=nothing");
    assert_eq!((&list["kept"], &list["hidden"]), (&json!(1), &json!(1)));
}

#[test]
fn an_attempt_without_an_answer_has_a_stable_name_for_the_reason() {
    let console = Console::start(&["--redeliver", "never"]);
    let delivery = console.ended(console.push_sample());
    let attempt = &delivery["attempts"][0];
    assert_eq!(attempt["missing"], "nowhere-to-send");
    assert_eq!(attempt["code"], Value::Null);
    assert_eq!(delivery["last_attempt"]["missing"], "nowhere-to-send");
    let pushed_at = delivery["pushed_at"].as_str().unwrap();
    assert_eq!(
        pushed_at.len(),
        "2026-05-31T01:00:00.120Z".len(),
        "{pushed_at}"
    );
}

#[test]
fn a_long_event_type_is_cut_in_a_list() {
    let console = Console::start(&[]);
    let long = "x".repeat(100 * 1024);
    let document = json!({"header": {"event_type": long, "event_id": long}, "event": {}});
    console.push(&json!({"document": document}));
    let page = console.get("/").body;
    assert!(page.len() < 20 * 1024, "{}", page.len());
    let row = &console.json("/api/deliveries")["deliveries"][0];
    assert_eq!(row["event_type"], "x".repeat(1024) + "…");
}

#[test]
fn event_types_are_found_in_english_and_chinese_with_their_sample() {
    let console = Console::start(&[]);
    for search in ["receive", "%E6%8E%A5%E6%94%B6%E6%B6%88%E6%81%AF"] {
        let found = console.json(&format!("/api/event-types?search={search}"));
        let types = found["event_types"].as_array().unwrap();
        assert!(
            types.iter().any(|one| one["type"] == EVENT),
            "{search}: {found}"
        );
    }
    let sample = console.json(&format!("/api/event-types/{EVENT}"));
    assert_eq!(sample["document"]["header"]["event_type"], EVENT);
    console.push(&json!({"type": EVENT, "document": sample["document"]}));
}

#[test]
fn the_documentation_has_each_request_of_the_api_and_no_other() {
    let console = Console::start(&[]);
    console.push_sample();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/console.md");
    let text = fs::read_to_string(path).unwrap();
    let requests = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let requests: Vec<_> = requests
        .filter_map(|(request, _)| request.split_once(' '))
        .collect();
    assert!(requests.len() >= 13, "{requests:?}");
    for (_, path) in &requests {
        if path.contains("stream") {
            continue;
        }
        let target = path.replace("{number}", "1").replace("{type}", EVENT);
        for method in ["GET", "POST", "DELETE", "PUT", "PATCH"] {
            // No change is read from an array.
            let answer = console.send(method, &target, &json!([]));
            let is_documented = requests.contains(&(method, path));
            assert_eq!(
                answer.status != 405,
                is_documented,
                "{method} {path}: {}",
                answer.status
            );
            assert!(answer.status != 404, "{method} {path}");
        }
    }
}
