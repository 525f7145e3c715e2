//! Commands to a running `serve`: from a script, from a file on stdin, and typed.

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use serde_json::{Value, json};

use super::{EVENT, LIMIT, Serving, app, call};
use crate::push::serve;
use crate::{TOKEN, file, lark_events};

#[test]
fn a_script_pushes_has_faults_happen_and_waits_for_what_comes_of_it() {
    let (url, handled) = app();
    let script = "
        wait connected
        fault lose-answer
        push vc.reserve_config.updated_v1 scope_id=omm_7  # comes twice
        wait delivered
        stats
        fault lose-answer
        push url.preview.get      # a callback comes once
        wait delivered
        wait 1ms
        quit";
    let script = file("script.txt", script);
    let args = [
        "--script",
        script.to_str().unwrap(),
        "--timeout",
        "2s",
        "--redeliver",
        "1ms,1h",
    ];
    let mut serving = Serving::start(&[&args[..], &["--webhook", &url]].concat());
    for (attempt, accepted) in [(1, false), (2, true)] {
        let delivery = serving.next("delivery");
        assert_eq!(delivery["attempt"], attempt);
        assert_eq!(delivery["redelivery"], attempt > 1);
        assert_eq!(delivery["accepted"], accepted, "{delivery}");
        let event = handled.recv_timeout(LIMIT).unwrap();
        let body: Value = event.raw().decode().unwrap();
        assert_eq!(body["scope_id"], "omm_7");
        assert_eq!(delivery["event_id"], event.header.event_id.unwrap());
    }
    let stats = serving.next("stats");
    assert_eq!(
        (&stats["acknowledged"], &stats["on_the_way"]),
        (&1.into(), &0.into())
    );
    assert_eq!(serving.next("delivery")["event_type"], "url.preview.get");
    let summary = serving.ended();
    assert_eq!(summary["pushes"], 2);
    assert_eq!(summary["given_up"], 1);
    assert_eq!(summary["attempts"], 3);
    assert_eq!(summary["redeliveries"], 1);
}

#[test]
fn a_fault_with_a_probability_lasts_until_it_is_calm() {
    let (url, _handled) = app();
    let args = [
        "--fault",
        "lose-event@1",
        "--timeout",
        "2s",
        "--redeliver",
        "never",
        "-i",
    ];
    let mut serving = Serving::start(&[&args[..], &["--webhook", &url]].concat());
    serving.types("wait connected");
    // Each takes the time of --timeout.
    for _ in 0..3 {
        serving.types(&format!("push {EVENT}"));
        assert_eq!(serving.next("delivery")["answer"], "no answer in time");
    }
    serving.types("calm");
    serving.types(&format!("push {EVENT}"));
    assert_eq!(serving.next("delivery")["accepted"], true);
    serving.types("wait delivered");
    // The end of what is typed is the end.
    drop(serving.child.stdin.take());
    assert_eq!(serving.ended()["given_up"], 3);
}

#[test]
fn an_event_with_nowhere_to_go_comes_again_when_there_is_somewhere() {
    let mut serving = Serving::start(&["-i", "--redeliver", "1ms,1h"]);
    serving.types(&format!("push {EVENT}"));
    for attempt in [1, 2] {
        let delivery = serving.next("delivery");
        assert_eq!(delivery["attempt"], attempt);
        assert_eq!(delivery["answer"], "nowhere to send");
    }
    serving.types("quit");
    assert_eq!(serving.ended()["on_the_way"], 1);
}

#[test]
fn a_value_in_quotes_may_have_spaces_in_it() {
    let (url, handled) = app();
    let mut serving = Serving::start(&["-i", "--webhook", &url]);
    serving.types("wait connected");
    serving.types(&format!(
        r##"push {EVENT} scope_id='a # b' +connect.x="{{\"c\": \"d e\"}}"  # f"##
    ));
    assert_eq!(serving.next("delivery")["accepted"], true);
    let event = handled.recv_timeout(LIMIT).unwrap();
    let body: Value = event.raw().decode().unwrap();
    assert_eq!(body["scope_id"], "a # b");
    assert_eq!(body["connect"]["x"]["c"], "d e");
    serving.types("quit");
    serving.ended();
}

#[test]
fn a_script_may_wait_as_often_as_it_likes() {
    let script = "wait delivered\n".repeat(300_000) + "quit";
    let script = file("waits.txt", script);
    Serving::start(&["--script", script.to_str().unwrap()]).ended();
}

#[test]
fn a_line_from_a_file_that_is_no_command_ends_it_with_status_2() {
    for (lines, says) in [
        (&b"calm\npush tea\n"[..], "stdin: line 2: no event tea"),
        (b"\xff\n", "stdin: line 1: unknown command: \u{fffd}"),
        (b"calm 'now\n", "stdin: line 1: a quote is not closed"),
    ] {
        let serve = lark_events(&["serve", "--port", "0", "-i"]).stdin(lines);
        let ran = serve.run().with_code(2);
        assert!(ran.stderr.contains(says), "{}", ran.stderr);
        assert!(ran.stdout.contains("0 pushed: "), "{}", ran.stdout);
    }
}

#[test]
fn a_delivery_is_shown_with_all_its_attempts_and_pushed_again() {
    let (url, handled) = app();
    let args = ["-i", "--webhook", &url, "--timeout", "2s"];
    let redeliver = ["--redeliver", "1ms", "--fault", "lose-answer"];
    let mut serving = Serving::start(&[&args[..], &redeliver].concat());
    serving.types("faults");
    let faults = serving.next("faults");
    assert_eq!(
        faults["faults"],
        json!([{"fault": "lose-answer", "name": "lose-answer", "probability": null}])
    );
    serving.types(&format!("wait connected\npush {EVENT}\nwait delivered"));
    let first = handled.recv_timeout(LIMIT).unwrap().header.event_id;
    assert_eq!(handled.recv_timeout(LIMIT).unwrap().header.event_id, first);
    serving.types("show 1\nfaults");
    let shown = serving.next("show");
    assert_eq!(
        (&shown["push"], &shown["state"]),
        (&json!(1), &json!("acknowledged"))
    );
    assert_eq!(shown["event_id"], json!(first));
    let attempts = shown["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 2);
    assert_eq!(attempts[0]["faults"], json!(["lose-answer"]));
    assert_eq!(attempts[0]["missing"], "timed-out");
    assert_eq!(
        (&attempts[1]["code"], &attempts[1]["accepted"]),
        (&json!(200), &json!(true))
    );
    for attempt in attempts {
        assert_eq!(attempt["sent"]["url"], url);
        assert_eq!(attempt["sent"]["encrypted"], true);
        assert_eq!(attempt["sent"]["signed"], true);
    }
    assert_eq!(serving.next("faults")["faults"], json!([]));
    // The same event, then another one.
    for (ids, is_same) in [("same", true), ("new", false)] {
        serving.types(&format!("resend 1 {ids}"));
        let delivery = loop {
            let delivery = serving.next("delivery");
            if delivery["replay_of"] == 1 {
                break delivery;
            }
        };
        assert_eq!(delivery["accepted"], true);
        let again = handled.recv_timeout(LIMIT).unwrap().header.event_id;
        assert_eq!(delivery["event_id"], json!(again));
        assert_eq!(again == first, is_same, "{delivery}");
    }
    serving.types("fault lose-answer\nfault delay:1ms@0.5\ncalm lose-answer\nfaults");
    assert_eq!(
        serving.next("faults")["faults"][0]["fault"],
        "delay:1ms@0.5"
    );
    serving.types("quit");
    assert_eq!(serving.ended()["pushes"], 3);
}

#[test]
fn a_delivery_that_is_not_kept_and_a_fault_that_is_not_in_effect_are_named() {
    let lines = "show 1\npush im.message.receive_v1\nresend 7\ncalm reorder\nfault reorder\ncalm reorder@0.1\n";
    let args = ["serve", "--port", "0", "-i", "--redeliver", "never"];
    let ran = lark_events(&args).stdin(lines).run().with_code(1);
    let errors: Vec<_> = ran.stderr.lines().collect();
    assert_eq!(
        errors,
        [
            "lark-events: no delivery #1: push an event first",
            "lark-events: expected the number of a delivery from 1 to 1, got 7",
            "lark-events: cannot remove the fault: no fault is in effect",
            "lark-events: cannot remove the fault: expected one of reorder",
        ]
    );
}

#[test]
fn what_is_shown_is_for_people_too_and_without_secrets() {
    // An answer that repeats the Verification Token.
    let answer = |body: Bytes| async move {
        let body: Value = serde_json::from_slice(&body).unwrap();
        match &body["challenge"] {
            Value::String(_) => body.to_string(),
            _ => json!({"token": body["header"]["token"], "b": "x".repeat(5000)}).to_string(),
        }
    };
    let url = serve(Router::new().route("/webhook/event", post(answer)));
    let script = format!("wait connected\npush {EVENT}\nwait delivered\nshow 1\nquit");
    let script = file("show.txt", script);
    let args = ["serve", "--port", "0", "--no-key", "--webhook", &url];
    let script = ["--script", script.to_str().unwrap()];
    let ran = lark_events(&[&args[..], &script].concat())
        .env("LARK_VERIFICATION_TOKEN", TOKEN)
        .run()
        .with_code(0);
    let shown = ran.stdout.split_once("#1 vc.").unwrap().1;
    let lines: Vec<_> = shown.lines().collect();
    assert!(lines[0].ends_with(" by webhook: acknowledged"), "{shown}");
    assert!(lines[1].starts_with("  pushed "), "{shown}");
    assert!(lines[2].starts_with("attempt 1, "), "{shown}");
    assert!(
        lines[2].contains(" after the push: status 200 OK in "),
        "{shown}"
    );
    assert!(
        lines[3].ends_with(" bytes, not encrypted, not signed"),
        "{shown}"
    );
    assert!(shown.contains("\n  content-type: text/plain"), "{shown}");
    assert!(
        shown.contains("\n    {\"token\":\"***\",\"b\":\"xxx"),
        "{shown}"
    );
    assert!(shown.contains(" more characters\n"), "{shown}");
}

#[test]
fn a_delivery_is_shown_with_the_calls_that_answer_its_event() {
    let (url, handled) = app();
    let mut serving = Serving::start(&["-i", "--webhook", &url]);
    let base_url = serving.base_url.clone();
    let app = json!({"app_id": "cli_a1b2c3d4e5f60718", "app_secret": "app-secret"});
    let path = "/open-apis/auth/v3/tenant_access_token/internal";
    let token = call(&base_url, path, "", &app)["tenant_access_token"].clone();
    serving.types("wait connected\npush im.message.receive_v1\npush im.message.receive_v1");
    let messages: Vec<Value> = (0..2)
        .map(|_| {
            let event = handled.recv_timeout(LIMIT).unwrap();
            let body: Value = event.raw().decode().unwrap();
            json!([event.header.event_id, body["message"]["message_id"]])
        })
        .collect();
    let reply = json!({"msg_type": "text", "content": r#"{"text":"hello"}"#});
    let path = format!(
        "/open-apis/im/v1/messages/{}/reply",
        messages[0][1].as_str().unwrap()
    );
    call(&base_url, &path, token.as_str().unwrap(), &reply);
    // The call for the token, then the reply.
    serving.next("api-call");
    serving.next("api-call");
    serving.types("show 1\nshow 2");
    for _ in 0..2 {
        let shown = serving.next("show");
        let calls = shown["api_calls"].as_array().unwrap();
        // The two deliveries come in any order.
        if shown["event_id"] == messages[0][0] {
            assert_eq!(calls.len(), 1);
            assert_eq!(calls[0]["path"], path);
        } else {
            assert!(calls.is_empty(), "{shown}");
        }
    }
    serving.types("quit");
    serving.ended();
}
