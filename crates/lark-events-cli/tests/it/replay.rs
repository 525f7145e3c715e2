//! `replay`: recordings of all kinds, sent to apps that accept, refuse, or handle each event once.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use lark_events::{RawJson, Transport};
use lark_events_layers::record::Entry;
use serde_json::{Value, json};

use crate::push::{app, deduplicating};
use crate::{KEY, Ran, TOKEN, file, lark_events};

const TEA: &str = "kitchen.tea.ready_v1";
const MESSAGE: &str = "im.message.receive_v1";

/// The header of a recording of a version.
fn header(version: u32) -> String {
    let header = json!({"kind": "recording", "format": "lark-events-recording", "version": version, "created": 1});
    format!("{header}\n")
}

/// The line of an event that was recorded some seconds after the first one.
fn line(event_type: &str, event_id: &str, after: u64) -> String {
    let document = json!({
        "schema": "2.0",
        "header": {
            "event_id": event_id, "event_type": event_type, "create_time": "1700000000000",
            "app_id": "cli_recorded", "tenant_key": "t-1",
        },
        "event": {"message": {"message_id": "om_1"}, "number": 1},
    });
    entry_line(&document.to_string(), after)
}

fn entry_line(document: &str, after: u64) -> String {
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + after);
    let mut entry = Entry::new(at, Transport::LongConnection);
    entry.document = Some(RawJson::parse(document.to_owned()).unwrap());
    let entry = entry.with_outcome("handled", Duration::from_millis(1));
    entry.to_line().unwrap() + "\n"
}

fn recording(name: &str, lines: &[String]) -> PathBuf {
    file(name, header(1) + &lines.concat())
}

fn replay(path: &Path, url: &str, args: &[&str]) -> Ran {
    let args = [&["replay", path.to_str().unwrap(), "--to", url], args].concat();
    lark_events(&args).secrets().run()
}

/// The summary, which is the last line.
#[track_caller]
fn summary(ran: &Ran) -> Value {
    let last = ran.stdout.lines().last().unwrap();
    let summary: Value = serde_json::from_str(last).unwrap();
    assert_eq!(summary["kind"], "summary", "{ran:?}");
    summary
}

#[test]
fn events_are_sent_again_with_their_ids_for_the_token_of_the_app() {
    let (url, handled) = app();
    let old = json!({
        "uuid": "e-3", "ts": "1700000000.1", "token": "of another app", "type": "event_callback",
        "event": {"type": "message_read", "app_id": "cli_recorded", "open_id": "ou_1"},
    });
    let lines = [
        line(MESSAGE, "e-1", 0),
        line(TEA, "e-2", 1),
        entry_line(&old.to_string(), 2),
    ];
    let path = recording("replay-again.jsonl", &lines);
    let ran = replay(&path, &url, &[]).with_code(0);
    assert!(
        ran.stdout.starts_with("accepted: 200 OK in ")
            && ran
                .stdout
                .contains("(im.message.receive_v1, e-1, signed)\n")
            && ran
                .stdout
                .ends_with("\n3 events sent: 3 accepted, 0 not accepted\n"),
        "{ran:?}"
    );
    let events: Vec<_> = handled.try_iter().collect();
    let ids: Vec<_> = events
        .iter()
        .map(|event| event.header.event_id.as_deref().unwrap())
        .collect();
    assert_eq!(ids, ["e-1", "e-2", "e-3"]);
    for event in &events {
        assert_eq!(event.header.app_id.as_deref(), Some("cli_recorded"));
    }
    assert_eq!(
        events[0].header.create_time.as_deref(),
        Some("1700000000000")
    );
    assert_eq!(
        events[0].raw().as_str(),
        r#"{"message":{"message_id":"om_1"},"number":1}"#
    );

    let ran = replay(&path, &url, &["--app-id", "cli_1", "--json"]).with_code(0);
    let sent: Value = serde_json::from_str(ran.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&sent["event_type"], &sent["event_id"], &sent["status"]),
        (&json!(MESSAGE), &json!("e-1"), &json!(200))
    );
    assert_eq!(
        summary(&ran),
        json!({
            "kind": "summary", "accepted": 3, "not_accepted": 0, "left_out": 0, "skipped": 0,
            "unanswered": 0, "stopped": false,
        })
    );
    for event in handled.try_iter() {
        assert_eq!(event.header.app_id.as_deref(), Some("cli_1"));
    }
}

#[test]
fn only_events_of_these_types_are_sent() {
    let (url, handled) = app();
    let lines = [
        line(MESSAGE, "e-1", 0),
        line(TEA, "e-2", 1),
        line("vc.meeting.started_v1", "e-3", 2),
    ];
    let path = recording("replay-only.jsonl", &lines);
    for (only, ids) in [
        (&["im.*"][..], &["e-1"][..]),
        (&["TEA"], &["e-2"]),
        (&["tea", "vc.meeting.*"], &["e-2", "e-3"]),
        (&["coffee"], &[]),
    ] {
        let args: Vec<_> = only.iter().flat_map(|only| ["--only", only]).collect();
        let ran = replay(&path, &url, &[&args[..], &["--json"]].concat()).with_code(0);
        let sent: Vec<_> = handled
            .try_iter()
            .map(|event| event.header.event_id.unwrap().to_string())
            .collect();
        assert_eq!(sent, ids, "{only:?}");
        assert_eq!(summary(&ran)["left_out"], 3 - ids.len());
    }
}

#[test]
fn an_app_handles_a_replayed_event_again_only_with_new_ids() {
    let (url, handled) = deduplicating();
    let lines = [line(MESSAGE, "e-1", 0), line(TEA, "e-2", 1)];
    let path = recording("replay-new.jsonl", &lines);
    replay(&path, &url, &[]).with_code(0);
    assert_eq!(handled.try_iter().count(), 2);
    replay(&path, &url, &[]).with_code(0);
    assert_eq!(handled.try_iter().count(), 0);
    for _ in 0..2 {
        let ran = replay(&path, &url, &["--new-ids"]).with_code(0);
        assert!(!ran.stdout.contains("e-1"), "{ran:?}");
        let events: Vec<_> = handled.try_iter().collect();
        assert_eq!(events.len(), 2);
        for event in events {
            assert_eq!(event.header.app_id.as_deref(), Some("cli_recorded"));
            assert_eq!(event.header.tenant_key.as_deref(), Some("t-1"));
        }
    }
}

#[test]
fn a_line_without_an_event_is_skipped_and_the_rest_is_sent() {
    let (url, handled) = app();
    let whole = line(TEA, "e-9", 0);
    let cut = &whole[..whole.len() / 2];
    let lines = [
        line(TEA, "e-1", 0),
        "{\"kind\":\"delivery\"}\n".to_owned(),
        entry_line("{}", 0),
        "{\"kind\":\"of a later version\"}\n".to_owned(),
        line(TEA, "e-2", 0),
        cut.to_owned(),
    ];
    let path = recording("replay-cut.jsonl", &lines);
    let ran = replay(&path, &url, &["--json"]).with_code(1);
    assert_eq!(handled.try_iter().count(), 2);
    for why in [
        ": line 3: not an entry of a recording\n",
        ": line 4: the event cannot be sent again: the document has neither a version 1 nor a version 2 envelope",
        ": line 7: the line is cut: the file ends before the end of the line\n",
    ] {
        assert!(ran.stderr.contains(why), "{why}: {ran:?}");
    }
    assert_eq!(summary(&ran)["skipped"], 3);
    assert_eq!(summary(&ran)["accepted"], 2);
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_that_says_why() {
    let (url, handled) = app();
    let newer = file("replay-newer.jsonl", header(2) + &line(TEA, "e-1", 0));
    let appended = file(
        "replay-appended.jsonl",
        header(1) + &line(TEA, "e-1", 0) + &header(2) + &line(TEA, "e-2", 0),
    );
    let other = file("replay-other.jsonl", "{\"a\":1}\n");
    let missing = PathBuf::from("no/such/file");
    for (path, why, sent) in [
        (
            &newer,
            "line 1: the recording has version 2, and this program reads up to 1: update it",
            0,
        ),
        (&appended, "line 3: the recording has version 2", 1),
        (&other, "line 1: not a recording: expected a file", 0),
        (
            &missing,
            if cfg!(unix) {
                "no/such/file: No such file"
            } else {
                "no/such/file: "
            },
            0,
        ),
    ] {
        let ran = replay(path, &url, &[]).with_code(2);
        assert!(ran.stderr.contains(why), "{ran:?}");
        assert_eq!(handled.try_iter().count(), sent);
    }
}

#[test]
fn the_callback_of_an_old_card_is_skipped_and_only_applies_first() {
    let (url, handled) = app();
    let card = json!({
        "open_id": "ou_1", "user_id": "u", "open_message_id": "om_1", "open_chat_id": "oc_1", "tenant_key": "t-1",
        "token": "c-1", "action": {"value": {"k": "v"}, "tag": "button"},
    });
    let twice = r#"{"schema":"2.0","header":{"event_id":"e-2","event_type":"kitchen.tea.ready_v1"},"event":{"a":1,"a":2}}"#;
    let lines = [entry_line(&card.to_string(), 0), entry_line(twice, 0)];
    let path = recording("replay-card.jsonl", &lines);
    let ran = replay(&path, &url, &["--json"]).with_code(1);
    assert!(
        ran.stderr.contains(
            ": line 2: the event cannot be sent again: the document has neither a version 1 nor a version 2 envelope"
        ),
        "{ran:?}"
    );
    assert_eq!(summary(&ran)["accepted"], 1);
    assert_eq!(handled.try_iter().count(), 1);
    let ran = replay(&path, &url, &["--only", "tea", "--json"]).with_code(0);
    assert_eq!(
        (&summary(&ran)["left_out"], &summary(&ran)["skipped"]),
        (&json!(1), &json!(0))
    );
}

#[test]
fn an_event_that_is_not_accepted_is_status_1() {
    let (url, _handled) = app();
    let path = recording(
        "replay-refused.jsonl",
        &[line(TEA, "e-1", 0), line(TEA, "e-2", 0)],
    );
    let args = [
        "replay",
        path.to_str().unwrap(),
        "--to",
        &url,
        "--key",
        "another",
    ];
    let ran = lark_events(&args)
        .env("LARK_VERIFICATION_TOKEN", TOKEN)
        .run();
    let ran = ran.with_code(1);
    assert!(ran.stdout.starts_with("not accepted: 401 "), "{ran:?}");
    assert!(
        ran.stdout
            .ends_with("2 events sent: 0 accepted, 2 not accepted\n")
    );
    let ran = replay(&path, "http://127.0.0.1:1/", &[]).with_code(1);
    assert!(
        ran.stdout.starts_with("not accepted: cannot connect"),
        "{ran:?}"
    );
}

#[test]
fn a_factor_shortens_the_pauses_of_the_recording() {
    let (url, handled) = app();
    // Two weeks.
    let lines = [line(TEA, "e-1", 0), line(TEA, "e-2", 1_209_600)];
    let path = recording("replay-pace.jsonl", &lines);
    replay(&path, &url, &["--speed", "1e9"]).with_code(0);
    assert_eq!(handled.try_iter().count(), 2);
    replay(&path, &url, &["--speed", "0"]).with_code(2);
}

#[cfg(unix)]
#[test]
fn a_signal_stops_a_replay_with_its_summary() {
    let (url, handled) = app();
    let lines = [line(TEA, "e-1", 0), line(TEA, "e-2", 1_209_600)];
    let path = recording("replay-stop.jsonl", &lines);
    let mut child = Command::new(env!("CARGO_BIN_EXE_lark-events"))
        .args([
            "replay",
            path.to_str().unwrap(),
            "--to",
            &url,
            "--speed",
            "1",
            "--json",
        ])
        .envs([
            ("LARK_ENCRYPT_KEY", KEY),
            ("LARK_VERIFICATION_TOKEN", TOKEN),
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    handled.recv_timeout(Duration::from_secs(30)).unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    let summary: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(
        (&summary["accepted"], &summary["stopped"]),
        (&json!(1), &json!(true))
    );
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

/// Run it by hand: `cargo test --release -p lark-events-cli --test it gigabyte -- --ignored --nocapture`.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "sends a gigabyte"]
fn a_gigabyte_is_streamed_in_bounded_memory() {
    const BYTES: usize = 1024 * 1024 * 1024;
    const MAX_KIB: u64 = 256 * 1024;
    let (url, handled) = app();
    for speed in [&[][..], &["--speed", "1000000"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lark-events"))
            .args([
                "replay",
                "-",
                "--to",
                &url,
                "--only",
                "tea",
                "--json",
                "--timeout",
                "60",
            ])
            .args(speed)
            .envs([
                ("LARK_ENCRYPT_KEY", KEY),
                ("LARK_VERIFICATION_TOKEN", TOKEN),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let last = std::thread::spawn(move || stdout.lines().map_while(Result::ok).last());
        let large = "x".repeat(1024 * 1024);
        let of_type = |event_type| {
            let header = json!({"event_type": event_type, "event_id": "e-1"});
            let document = json!({"schema": "2.0", "header": header, "event": {"text": large}});
            entry_line(&document.to_string(), 0)
        };
        let (large, left_out, small) = (of_type(TEA), of_type(MESSAGE), line(MESSAGE, "e-2", 0));
        let (mut stdin, mut written, mut sent) = (child.stdin.take().unwrap(), 0, 0);
        stdin.write_all(header(1).as_bytes()).unwrap();
        while written < BYTES {
            stdin.write_all(large.as_bytes()).unwrap();
            let rest = left_out.repeat(7) + &small.repeat(100);
            stdin.write_all(rest.as_bytes()).unwrap();
            written += large.len() + rest.len();
            sent += 1;
            // The app keeps none.
            handled.try_iter().for_each(drop);
        }
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let peak = status
            .lines()
            .find(|line| line.starts_with("VmHWM:"))
            .unwrap();
        println!("{written} bytes, {sent} events, {speed:?}: {peak}");
        drop(stdin);
        let summary: Value = serde_json::from_str(&last.join().unwrap().unwrap()).unwrap();
        assert_eq!(summary["accepted"], sent, "{summary}");
        assert_eq!(summary["left_out"], 107 * sent);
        assert!(child.wait().unwrap().success());
        let peak: u64 = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
        assert!(peak < MAX_KIB, "{peak} KiB");
    }
}
