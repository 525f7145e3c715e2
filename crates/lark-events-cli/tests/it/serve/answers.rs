//! The answers of `serve` to commands: for machines each has one, and none has a secret in it.

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderName;
use axum::routing::post;
use serde_json::{Value, json};

use super::{EVENT, Serving, call};
use crate::push::serve;
use crate::{file, lark_events};

#[test]
fn each_command_of_a_machine_is_answered() {
    let mut serving = Serving::start(&["-i", "--redeliver", "never"]);
    serving.types("show 7");
    let refused = serving.next("refused");
    assert_eq!(refused["command"], "show 7");
    assert_eq!(refused["error"], "no delivery #7: push an event first");
    serving.types(&format!("push {EVENT}"));
    let pushed = serving.next("pushed");
    assert_eq!(
        (&pushed["push"], &pushed["replay_of"]),
        (&json!(1), &Value::Null)
    );
    serving.types("resend 1 new");
    let pushed = serving.next("pushed");
    assert_eq!(
        (&pushed["push"], &pushed["replay_of"]),
        (&json!(2), &json!(1))
    );
    for command in ["resend 9 same", "calm close@0.5"] {
        serving.types(command);
        assert_eq!(serving.next("refused")["command"], command);
    }
    serving.types("events reserve_config");
    let events = serving.next("events");
    let types = events["event_types"].as_array().unwrap();
    assert!(types.contains(&json!(EVENT)), "{events}");
    serving.types("events zzz");
    assert_eq!(serving.next("events")["event_types"], json!([]));
    serving.types("help");
    let help = serving.next("help");
    assert!(
        help["text"].as_str().unwrap().contains("resend N"),
        "{help}"
    );
    serving.types("quit");
    serving.next("summary");
    // A command has failed.
    assert_eq!(serving.child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_script_with_a_command_that_fails_fails_at_its_end() {
    for (script, code) in [("show 7\nstats\nquit", 1), ("stats\nquit", 0)] {
        let script = file(&format!("fails-{code}.txt"), script);
        let args = ["serve", "--port", "0", "--script", script.to_str().unwrap()];
        let ran = lark_events(&args).run().with_code(code);
        assert!(ran.stdout.contains("0 pushed: "), "{}", ran.stdout);
    }
}

#[test]
fn faults_are_listed_as_calm_takes_them_and_events_are_found_as_by_the_command() {
    let lines = "fault disconnect@0.1\nfault lose-answer\nfaults\ncalm disconnect@0.1\nfaults\n\
        events 会议 结束\nevents 'vc.*_ended_v?'\nevents zzz\n";
    let args = ["serve", "--port", "0", "-i"];
    let ran = lark_events(&args).stdin(lines).run().with_code(0);
    let faults = "disconnect@0.1: at each opportunity, with probability 0.1";
    let faults = format!("lose-answer: once\n{faults}\nlose-answer: once\n");
    assert!(ran.stdout.contains(&faults), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("\nno event matches zzz\n"),
        "{}",
        ran.stdout
    );
    for words in [&["会议", "结束"][..], &["vc.*_ended_v?"]] {
        let args = [&["--json", "events"], words].concat();
        let found = lark_events(&args).run().with_code(0).stdout;
        let types = found.lines().map(|line| {
            let known: Value = serde_json::from_str(line).unwrap();
            known["event_type"].as_str().unwrap().to_owned() + "\n"
        });
        let types: String = types.collect();
        assert!(ran.stdout.contains(&types), "{types} in {}", ran.stdout);
    }
}

#[test]
fn no_form_of_a_secret_is_shown_though_it_contains_another_one() {
    const SECRET: &str = "abc";
    const TOKEN: &str = "abcde\"f\u{20ac}g\\h";
    // An answer that repeats the Verification Token, escaped and percent-encoded.
    let answer = |body: Bytes| async move {
        let body: Value = serde_json::from_slice(&body).unwrap();
        let body = match &body["challenge"] {
            Value::String(_) => body.to_string(),
            _ => json!({"token": body["header"]["token"]}).to_string(),
        };
        let body = body.replace('\u{20ac}', "\\u20ac");
        let encoded = "/?a=abcde%22f%E2%82%ACg%5Ch&b";
        ([(HeaderName::from_static("location"), encoded)], body)
    };
    let url = serve(Router::new().route("/webhook/event", post(answer)));
    let env = [
        ("LARK_APP_SECRET", SECRET),
        ("LARK_VERIFICATION_TOKEN", TOKEN),
    ];
    let args = ["-i", "--no-key", "--webhook", &url];
    let mut serving = Serving::with_env(&args, &env);
    serving.types(&format!(
        "wait connected\npush {EVENT}\nwait delivered\nshow 1"
    ));
    let shown = serving.next("show");
    let answer = &shown["attempts"][0]["answer"];
    assert_eq!(answer["body"], r#"{"token":"***"}"#);
    assert_eq!(answer["omitted_chars"], 0);
    let headers = answer["headers"].as_array().unwrap();
    assert!(
        headers.contains(&json!(["location", "/?a=***&b"])),
        "{shown}"
    );
    // A call of the API.
    let path = "/open-apis/im/v1/messages/abcde%22f%E2%82%ACg%5Ch/reply";
    call(&serving.base_url, path, "", &json!({}));
    let call = serving.next("api-call");
    assert_eq!(call["path"], "/open-apis/im/v1/messages/***/reply");
    serving.types("quit");
    serving.ended();
}
