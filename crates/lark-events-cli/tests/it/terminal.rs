//! Foreign text on a terminal: whatever comes from a webhook, a document, a name or an argument, no
//! control gets to stdout or stderr.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use lark_events_sim::{Document, Platform};
use serde_json::json;

use crate::{KEY, Ran, Run, TOKEN, file, lark_events};

/// A command of a terminal in each of its forms, and what reorders text or does not show. Nothing in it
/// looks like a style of ours.
pub(crate) const HOSTILE: &str = "\u{1b}]0;title\u{7}\u{1b}[2J\u{9b}2J\u{9d}\u{7f}\u{8}\r\t\u{61c}\u{200e}\u{200f}\
    \u{202a}\u{202e}\u{2066}\u{2069}\u{2028}\u{2029}\u{200b}\u{feff}\u{e0041}";

fn acts_on_a_terminal(char: char) -> bool {
    char != '\n'
        && (char.is_control()
            || "\u{61c}\u{200b}\u{200e}\u{200f}\u{2028}\u{2029}\u{feff}\u{e0041}".contains(char)
            || ('\u{202a}'..='\u{202e}').contains(&char)
            || ('\u{2066}'..='\u{2069}').contains(&char))
}

/// A text without styles.
fn plain(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap().to_owned();
    for part in parts {
        let code = part.trim_start_matches(|char: char| char.is_ascii_digit() || char == ';');
        match code.strip_prefix('m') {
            Some(rest) => plain += rest,
            None => write!(plain, "\u{1b}[{part}").unwrap(),
        }
    }
    plain
}

/// Runs a command in each form of output. Some of its output has to show that the text got there.
#[track_caller]
pub(crate) fn shows_no_control(args: &[&str], prepare: impl Fn(Run) -> Run) {
    for output in [&[][..], &["--json"], &["--color", "always"]] {
        // In this order, as arguments end at the first that is wrong.
        let args = [output, args].concat();
        let Ran { stdout, stderr, .. } = prepare(lark_events(&args).secrets()).run();
        for text in [&stdout, &stderr] {
            let shown = plain(text);
            let odd: Vec<_> = shown
                .chars()
                .filter(|char| acts_on_a_terminal(*char))
                .collect();
            assert!(odd.is_empty(), "{args:?}: {odd:?} in {text:?}");
        }
        let shown = [stdout, stderr].concat();
        // As in JSON, and as a word of a shell.
        let forms = ["\\u009b2J\\u009d\\u007f", r"\302\2332J\302\235\177"];
        assert!(
            forms.iter().any(|form| shown.contains(form)),
            "{args:?}: nothing hostile was to be shown in {shown:?}"
        );
    }
}

/// Answers everything with the same bytes.
fn answering(answer: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let answer = answer.clone();
            thread::spawn(move || {
                let _ = socket.read(&mut [0; 64 * 1024]);
                let _ = socket.write_all(&answer);
                let _ = socket.shutdown(std::net::Shutdown::Write);
                let _ = socket.set_read_timeout(Some(Duration::from_secs(10)));
                let _ = socket.read_to_end(&mut Vec::new());
            });
        }
    });
    url
}

/// A webhook that is hostile wherever it can be.
pub(crate) fn webhook(status: u16) -> String {
    let mut answer = format!("HTTP/1.1 {status} ").into_bytes();
    // A control of HTTP would be no HTTP; from 0x80 on all is allowed.
    answer.extend(b"\x9b2J\x9d\r\ncontent-type: application/json\x9b2J");
    let body = format!("{{\"challenge\": \"{HOSTILE}\"}}");
    let rest = format!(
        "\r\nx: {}\r\ncontent-length: {}\r\n\r\n{body}",
        '\u{9b}',
        body.len()
    );
    answer.extend(rest.into_bytes());
    answering(answer)
}

fn hostile_file(name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    file(&format!("terminal-{name}"), text)
}

pub(crate) fn as_is(run: Run) -> Run {
    run
}

#[test]
fn push_shows_no_control() {
    const TYPE: &str = "im.message.receive_v1";
    for status in [200, 500] {
        shows_no_control(&["push", TYPE, "--to", &webhook(status)], as_is);
    }
    let url = &webhook(200)[..];
    let event = json!({"header": {"event_type": HOSTILE}, "event": {HOSTILE: HOSTILE}}).to_string();
    let event = hostile_file("event.json", event);
    let event = event.to_str().unwrap();
    shows_no_control(&["push", "--file", event, "--to", url], as_is);
    shows_no_control(&["push", "--event-id", HOSTILE, TYPE, "--to", url], as_is);
    // Errors that quote.
    let odd_name = format!("no such {HOSTILE}");
    for args in [
        &["push", TYPE, "--file", event, "--to", url][..],
        &["push", HOSTILE, "--to", url],
        &["push", TYPE, "--to", url, "--set", &format!("a.{HOSTILE}")],
        &[
            "push",
            TYPE,
            "--to",
            url,
            "--set",
            &format!("message.chat_id.{HOSTILE}=1"),
        ],
        &["push", TYPE, "--to", HOSTILE],
        &["push", "--file", &odd_name, "--to", url],
        &[HOSTILE],
    ] {
        shows_no_control(args, as_is);
    }
}

#[test]
fn check_shows_no_control() {
    for status in [200, 401, 500] {
        let url = webhook(status);
        let cases = [
            "url-check",
            "event",
            "forged-signature",
            "refusals-alike",
            "junk",
        ];
        let only = cases.iter().flat_map(|case| ["--only", case]);
        let args: Vec<_> = ["check", &url].into_iter().chain(only).collect();
        shows_no_control(&args, as_is);
    }
    shows_no_control(&["check", "http://127.0.0.1:1/", "--event", HOSTILE], as_is);
    shows_no_control(&["check", "--only", HOSTILE], as_is);
}

#[test]
fn explain_shows_no_control() {
    let event = Document::v2(HOSTILE, &json!({})).unwrap().event_id(HOSTILE);
    let app = Platform::builder()
        .encrypt_key(KEY)
        .verification_token(TOKEN);
    let request = app.request(event);
    let mut saved = String::new();
    for (name, value) in request.headers() {
        writeln!(saved, "{name}: {}", value.to_str().unwrap()).unwrap();
    }
    let saved = [saved.as_bytes(), b"\n", request.body()].concat();
    shows_no_control(&["explain"], |run| run.stdin(saved.clone()));
    let odd_name = format!("no such {HOSTILE}");
    for args in [
        &["explain", "--at", HOSTILE][..],
        &["explain", &odd_name],
        &["explain", "--body", "-", "--header", HOSTILE],
    ] {
        shows_no_control(args, |run| run.stdin("{}"));
    }
}

#[test]
fn inspect_shows_no_control() {
    let body = json!({HOSTILE: [HOSTILE], "scope_id": HOSTILE});
    let known = "vc.reserve_config.updated_v1";
    for event_type in [HOSTILE, known] {
        let event = json!({"header": {"event_type": event_type}, "event": body}).to_string();
        shows_no_control(&["inspect"], |run| run.stdin(event.clone()));
    }
    let odd_name = format!("no such {HOSTILE}");
    shows_no_control(&["inspect", &odd_name], as_is);
}

#[test]
fn recordings_show_no_control() {
    let header = json!({"event_type": HOSTILE, "event_id": HOSTILE});
    let document = json!({"schema": "2.0", "header": header, "event": {HOSTILE: HOSTILE}});
    let request = json!({"url": HOSTILE, "headers": [["x-a", "b"]], "body": "{}"});
    let entry = json!({
        "kind": "delivery", "at": 1, "transport": HOSTILE, "document": document, "outcome": HOSTILE,
        "error": HOSTILE, "took": 1.0, "request": request,
        "response": {"status": 401, "headers": [], "body": HOSTILE},
    });
    let recording =
        json!({"kind": "recording", "format": "lark-events-recording", "version": 1, "created": 1});
    let recording = format!("{recording}\n{entry}\n");
    let url = answering(format!("HTTP/1.1 401 {HOSTILE}\r\n\r\n{HOSTILE}").into_bytes());
    for args in [
        &["inspect", "-"][..],
        &["explain", "-"],
        &["replay", "-", "--to", &url],
    ] {
        shows_no_control(args, |run| run.stdin(recording.clone()));
    }
    shows_no_control(
        &["listen", "--forward-to", &url, "--domain", HOSTILE],
        as_is,
    );
}

#[test]
fn events_man_and_completions_show_no_control() {
    for args in [
        &["events", HOSTILE][..],
        &["events", "show", HOSTILE],
        &["man", HOSTILE],
        &["completions", HOSTILE],
    ] {
        shows_no_control(args, as_is);
    }
}

#[test]
fn serve_shows_no_control() {
    let serve = |args: &[&str], stdin: &str| {
        let args = [&["serve", "--port", "0"], args].concat();
        let prepare = |run: Run| run.stdin(stdin).env("LARK_APP_ID", HOSTILE);
        shows_no_control(&args, prepare);
    };
    serve(&["--interactive"], "quit\n");
    serve(
        &["--interactive"],
        &format!("push im.message.receive_v1 message.chat_id={HOSTILE}\nstats\nquit\n"),
    );
    for line in [
        HOSTILE.to_owned(),
        format!("push {HOSTILE}"),
        format!("fault {HOSTILE}"),
        format!("wait {HOSTILE}"),
    ] {
        serve(&["--interactive"], &format!("{line}\n"));
        let script = hostile_file("script.txt", &line);
        serve(&["--script", script.to_str().unwrap()], "");
    }
    serve(&["--webhook", &webhook(500), "--for", "1s"], "");
    serve(&["--script", &format!("no such {HOSTILE}")], "");
    serve(&["--push", HOSTILE], "");
}
