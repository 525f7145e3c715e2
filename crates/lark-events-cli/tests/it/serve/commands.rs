//! Commands to a running `serve`: from a script, from a file on stdin, and typed.

use serde_json::Value;

use super::{EVENT, LIMIT, Serving, app};
use crate::{file, lark_events};

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
        "300ms",
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
        "50ms",
        "--redeliver",
        "never",
        "-i",
    ];
    let mut serving = Serving::start(&[&args[..], &["--webhook", &url]].concat());
    serving.types("wait connected");
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
