//! The app that `serve` knows and shows, and what cannot be served.

use std::net::{TcpListener, TcpStream};

use axum::Router;
use lark_events::Webhook;
use lark_events_tower::EventService;
use serde_json::Value;

use super::{EVENT, LIMIT, Serving, recording};
use crate::push::serve;
use crate::{file, lark_events};

#[test]
fn the_app_can_be_given_and_be_one_without_a_key() {
    let webhook = Webhook::builder()
        .verification_token("t-1")
        .build()
        .unwrap();
    let (dispatcher, handled) = recording();
    let service = EventService::new(webhook, dispatcher);
    let url = serve(Router::new().route_service("/webhook/event", service));
    let app = [
        "--no-key",
        "--token",
        "t-1",
        "--app-id",
        "cli_1",
        "--app-secret",
        "s-1",
    ];
    let mut serving = Serving::start(&[&app[..], &["--webhook", &url, "--push", EVENT]].concat());
    assert_eq!(serving.next("delivery")["accepted"], true);
    let event = handled.recv_timeout(LIMIT).unwrap();
    assert_eq!(event.header.app_id.as_deref(), Some("cli_1"));
}

#[test]
fn secrets_that_are_given_are_not_printed() {
    let args = [
        "serve",
        "--port",
        "0",
        "--for",
        "1ms",
        "--app-id",
        "it's",
        "--app-secret",
        "marked-app-secret",
    ];
    // Nothing that is marked may be printed.
    let ran = lark_events(&args).secrets().run().with_code(0);
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(
        lines[1..5],
        [
            r"LARK_APP_ID='it'\''s'",
            "# LARK_APP_SECRET (as given)",
            "# LARK_ENCRYPT_KEY (as given)",
            "# LARK_VERIFICATION_TOKEN (as given)",
        ]
    );
    let ran = lark_events(&[&args[..], &["--json"]].concat())
        .secrets()
        .run();
    let platform = ran.stdout.lines().next().unwrap();
    let platform: Value = serde_json::from_str(platform).unwrap();
    for secret in ["app_secret", "encrypt_key", "verification_token"] {
        assert_eq!(platform[secret], Value::Null);
    }
    assert_eq!(platform["app_id"], "it's");
}

#[test]
fn what_cannot_be_served_is_status_2() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let script = file("bad-script.txt", "stats\npush tea\n");
    let script = script.to_str().unwrap();
    for (args, says) in [
        (&["--port", &port][..], "the port is not available"),
        (
            &["--port", "0", "--console", &format!("127.0.0.1:{port}")],
            "or pass --console 127.0.0.1:0, which picks a free port",
        ),
        (
            &["--console", "127.0.0.1"],
            "expected an IP address and a port, such as 127.0.0.1:7781",
        ),
        (&["--push", "tea@1/s"], "no event tea"),
        (
            &["--push", "im.message.receive_v1@often"],
            "expected a rate",
        ),
        (&["--fault", "tea"], "unknown fault tea"),
        (&["--redeliver", "soon"], "expected a time"),
        (&["--fragment-above", "0"], "a fragment has at least 1 byte"),
        (&["--fragment-gap", "20"], "expected a time"),
        (
            &["--port", "0", "--script", script],
            "bad-script.txt: line 2: no event tea",
        ),
        (
            &["--port", &port, "--webhook", "x"],
            "expected an http:// or https:// URL",
        ),
        (
            &["--port", &port, "--webhook", "ftp://x/"],
            "expected an http:// or https:// URL",
        ),
        (
            &["--port", &port, "--webhook", "http://x:70000/"],
            "expected a port",
        ),
        (
            &["--port", &port, "--webhook", "http://user:password@x/"],
            "user information",
        ),
    ] {
        let ran = lark_events(&[&["serve"], args].concat()).run().with_code(2);
        assert!(ran.stderr.contains(says), "{}", ran.stderr);
        assert_eq!(ran.stdout, "", "{args:?}");
    }
}

#[test]
fn the_console_has_a_listener_of_its_own_and_a_warning_where_others_reach_it() {
    let console = |address: &str, output: &[&str]| {
        let args = ["serve", "--port", "0", "--for", "1ms", "--console", address];
        lark_events(&[&args[..], output].concat())
            .run()
            .with_code(0)
    };
    let ran = console("127.0.0.1:0", &[]);
    let url = ran.stdout.lines().nth(5).unwrap();
    assert!(url.starts_with("console: http://127.0.0.1:"), "{url}");
    assert!(!url.ends_with(":0/") && url.ends_with('/'), "{url}");
    assert_eq!(ran.stderr, "");
    let ran = console("127.0.0.1:0", &["--json"]);
    let line: Value = serde_json::from_str(ran.stdout.lines().nth(1).unwrap()).unwrap();
    assert_eq!(line["kind"], "console");
    assert!(
        line["url"]
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1:"),
        "{line}"
    );
    let ran = console("0.0.0.0:0", &[]);
    assert!(ran.stderr.contains("no authentication"), "{}", ran.stderr);
}

#[test]
fn the_console_listens_while_the_platform_runs() {
    let mut serving = Serving::with_env(&["--console", "127.0.0.1:0", "-i"], &[]);
    let url = serving.next("console")["url"].as_str().unwrap().to_owned();
    let address = url
        .strip_prefix("http://")
        .unwrap()
        .strip_suffix('/')
        .unwrap();
    TcpStream::connect(address).unwrap();
    serving.types("quit");
    // Another test may have the port from then on.
    serving.ended();
}
