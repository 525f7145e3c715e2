//! `serve`: with a webhook, with clients of the long connection, and to its end.

mod answers;
mod commands;
mod settings;
mod webhook_lost;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::post;
use lark_events::{Dispatcher, Event, RawJson, Webhook};
use lark_events_tower::EventService;
use lark_events_ws::{Domain, LongConnection};
use serde_json::{Value, json};

use crate::port::Port;
use crate::push::{deduplicating, serve};
pub(crate) use crate::serving::{LIMIT, Serving};
use crate::{KEY, TOKEN, file, lark_events};

const EVENT: &str = "vc.reserve_config.updated_v1";

/// What only these tests do with a platform.
impl Serving {
    fn is_sent(&self, signal: &str) {
        let process = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &process]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for its end, and gives the summary.
    fn ended(mut self) -> Value {
        let summary = self.next("summary");
        assert!(self.child.wait().unwrap().success());
        summary
    }
}

fn recording() -> (Dispatcher, Receiver<Event<RawJson>>) {
    let (sender, handled) = channel();
    let dispatcher = Dispatcher::builder().fallback(move |event: Event<RawJson>| {
        sender.send(event).unwrap();
        std::future::ready(())
    });
    (dispatcher.build().unwrap(), handled)
}

/// An app with the secrets that the platform has unless it is given others.
fn router() -> (Router, Receiver<Event<RawJson>>) {
    let webhook = Webhook::builder()
        .encrypt_key("encrypt-key")
        .verification_token("verification-token");
    let (dispatcher, handled) = recording();
    let service = EventService::new(webhook.build().unwrap(), dispatcher);
    (
        Router::new().route_service("/webhook/event", service),
        handled,
    )
}

fn app() -> (String, Receiver<Event<RawJson>>) {
    let (router, handled) = router();
    (serve(router), handled)
}

#[test]
fn a_webhook_gets_new_events_at_a_rate_until_a_signal() {
    let (url, handled) = app();
    // Slow enough that the attempts end in the order of the pushes.
    let push = format!("{EVENT}@2/s");
    let mut serving = Serving::start(&["--webhook", &url, "--push", &push]);
    serving.next("webhook-set");
    for number in 1..=3 {
        let delivery = serving.next("delivery");
        assert_eq!(delivery["push"], number);
        assert_eq!(delivery["accepted"], true, "{delivery}");
        assert_eq!(delivery["transport"], "webhook");
        assert_eq!(delivery["code"], 200);
        let event = handled.recv_timeout(LIMIT).unwrap();
        assert_eq!(event.header.event_type, EVENT);
        assert_eq!(delivery["event_id"], event.header.event_id.unwrap());
    }
    serving.is_sent("-INT");
    let summary = serving.ended();
    assert!(summary["acknowledged"].as_u64().unwrap() >= 3, "{summary}");
    assert_eq!(summary["redeliveries"], 0);
}

#[test]
fn a_client_of_the_long_connection_gets_events_once_it_is_there() {
    // Slow enough that the event that is pushed once is among the first four.
    let mut serving = Serving::start(&["--push", EVENT, "--push", "im.message.receive_v1@2/s"]);
    let (dispatcher, handled) = recording();
    let connection = LongConnection::builder("cli_a1b2c3d4e5f60718", "app-secret");
    let connection = connection
        .domain(Domain::custom(&serving.base_url))
        .build()
        .unwrap();
    thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let run = connection.run(dispatcher).into_future();
        let _ = runtime.enable_all().build().unwrap().block_on(run);
    });
    assert_eq!(serving.next("connections")["text"], "long connections: 1");
    let mut types = Vec::new();
    for _ in 0..4 {
        let delivery = serving.next("delivery");
        assert_eq!(delivery["transport"], "long-connection");
        assert_eq!(delivery["answer"], "ack 200", "{delivery}");
        types.push(handled.recv_timeout(LIMIT).unwrap().header.event_type);
    }
    let once = types.iter().filter(|name| *name == EVENT).count();
    assert_eq!(once, 1, "{types:?}");
    serving.is_sent("-TERM");
    let summary = serving.ended();
    assert_eq!(
        (&summary["connected"], &summary["violations"]),
        (&1.into(), &0.into())
    );
}

#[test]
fn an_event_that_was_acknowledged_is_not_given_up_when_its_copy_fails() {
    // As a webhook does that takes a duplicate for an error.
    let answers = Arc::new(AtomicUsize::new(0));
    let answer = move |body: Bytes| async move {
        let body: Value = serde_json::from_slice(&body).unwrap();
        match &body["challenge"] {
            Value::String(_) => (StatusCode::OK, body.to_string()),
            _ if answers.fetch_add(1, Ordering::Relaxed) == 0 => (StatusCode::OK, String::new()),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, String::new()),
        }
    };
    let url = serve(Router::new().route("/webhook/event", post(answer)));
    let script = file(
        "duplicate.txt",
        format!("wait connected\nfault duplicate:1s\npush {EVENT}\nwait delivered\nquit"),
    );
    let script = script.to_str().unwrap();
    let args = [
        "--webhook",
        &url,
        "--no-key",
        "--redeliver",
        "never",
        "--script",
        script,
    ];
    let mut serving = Serving::start(&args);
    for accepted in [true, false] {
        assert_eq!(serving.next("delivery")["accepted"], accepted);
    }
    let summary = serving.ended();
    assert_eq!(
        (&summary["acknowledged"], &summary["given_up"]),
        (&1.into(), &0.into())
    );
}

#[test]
fn a_webhook_without_a_listener_is_reported_with_the_cause() {
    let port = Port::reserve();
    let url = format!("http://{}/", port.address);
    let refused = Serving::start(&["--webhook", &url]).next("webhook-refused");
    let text = refused["text"].as_str().unwrap();
    let expected = "the webhook is not set yet: the URL check failed: cannot connect to the webhook: \
                    Connection refused";
    assert!(text.starts_with(expected), "{text}");
}

#[test]
fn a_webhook_that_is_not_there_yet_is_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/webhook/event", listener.local_addr().unwrap());
    let mut serving = Serving::start(&["--webhook", &url, "--push", EVENT]);
    // It listens, and does not answer.
    let refused = serving.next("webhook-refused");
    assert!(
        refused["text"]
            .as_str()
            .unwrap()
            .ends_with("no answer in time"),
        "{refused}"
    );
    let (router, handled) = router();
    listener.set_nonblocking(true).unwrap();
    thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    serving.next("webhook-set");
    assert_eq!(serving.next("delivery")["accepted"], true);
    assert_eq!(
        handled.recv_timeout(LIMIT).unwrap().header.event_type,
        EVENT
    );
}

#[test]
fn what_a_client_does_against_the_protocol_is_shown() {
    let mut serving = Serving::start(&[]);
    let _socket = serving.violates_the_protocol();
    let violation = serving.next("violation");
    let text = violation["text"].as_str().unwrap();
    assert!(text.ends_with(": a text message"), "{text}");
    serving.is_sent("-INT");
    assert_eq!(serving.ended()["violations"], 1);
}

#[test]
fn each_push_is_another_event_to_an_app_that_deduplicates() {
    let (url, handled) = deduplicating();
    let message = "im.message.receive_v1";
    let pushes = format!("push {message}\n").repeat(4);
    let script = format!("fault duplicate:1ms\nwait connected\n{pushes}wait delivered\nquit");
    let script = file("messages.txt", script);
    let app = ["--key", KEY, "--token", TOKEN, "--webhook", &url];
    let events = ["--push", message, "--script", script.to_str().unwrap()];
    let summary = Serving::start(&[&app[..], &events].concat()).ended();
    // The copy is a duplicate.
    assert_eq!(
        (&summary["pushes"], &summary["attempts"]),
        (&json!(5), &json!(6))
    );
    assert_eq!(handled.try_iter().count(), 5);
}

#[test]
fn figures_are_in_the_singular_and_the_plural() {
    for (script, says) in [
        (
            "quit\n".to_owned(),
            "0 pushed: 0 acknowledged, 0 given up, 0 pending; 0 attempts, 0 redelivered; \
             connected 0 times; 0 violations of the protocol",
        ),
        (
            format!("push {EVENT}\nwait delivered\nquit\n"),
            "1 pushed: 0 acknowledged, 1 given up, 0 pending; 1 attempt, 0 redelivered; \
             connected 0 times; 0 violations of the protocol",
        ),
    ] {
        let script = file("figures.txt", script);
        let script = ["--script", script.to_str().unwrap()];
        let args = ["serve", "--port", "0", "--redeliver", "never"];
        let ran = lark_events(&[&args[..], &script].concat()).run();
        assert_eq!(ran.with_code(0).stdout.lines().last(), Some(says));
    }
}

#[test]
fn it_ends_by_itself_with_lines_for_people() {
    let (url, _handled) = app();
    // Slow enough that the attempts end in the order of the pushes.
    let push = format!("{EVENT}@2/s");
    let args = [
        "serve",
        "--port",
        "0",
        "--for",
        "4s",
        "--webhook",
        &url,
        "--push",
        &push,
    ];
    let ran = lark_events(&args).run().with_code(0);
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert!(
        lines[0].starts_with("LARK_BASE_URL=http://127.0.0.1:"),
        "{lines:?}"
    );
    assert_eq!(lines[3], "LARK_ENCRYPT_KEY=encrypt-key");
    assert_eq!(lines[5], "the webhook has passed the URL check");
    assert!(
        lines[6].starts_with("#1     webhook         1       200 "),
        "{lines:?}"
    );
    let took = lines[6].strip_suffix("s  vc.reserve_config.updated_v1");
    assert!(
        took.is_some_and(|took| took.ends_with([' ', 'm', 'µ'])),
        "{lines:?}"
    );
    assert!(lines.last().unwrap().contains(" pushed: "), "{lines:?}");
    assert!(!ran.stdout.contains('\u{1b}'));
}

/// Posts JSON to the platform, and returns its answer.
fn call(base_url: &str, path: &str, token: &str, body: &Value) -> Value {
    let address = base_url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let body = body.to_string();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         authorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, json) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(json).unwrap()
}

#[test]
fn calls_of_the_api_are_answered_and_shown_without_secrets() {
    let mut serving = Serving::start(&["--fault", "api-limit:429/7"]);
    let base_url = serving.base_url.clone();
    let app = json!({"app_id": "cli_a1b2c3d4e5f60718", "app_secret": "app-secret"});
    let path = "/open-apis/auth/v3/tenant_access_token/internal";
    assert_eq!(call(&base_url, path, "", &app)["code"], 99_991_400);
    let token = call(&base_url, path, "", &app)["tenant_access_token"].clone();
    let reply = json!({"msg_type": "text", "content": r#"{"text":"hello"}"#});
    let path = "/open-apis/im/v1/messages/om_user/reply";
    let sent = call(&base_url, path, token.as_str().unwrap(), &reply);
    assert_eq!(sent["data"]["message_id"], "om_1");

    let limited = serving.next("api-call");
    assert_eq!(
        (&limited["status"], &limited["code"]),
        (&json!(429), &json!(99_991_400))
    );
    let given = serving.next("api-call");
    assert_eq!(
        (&given["code"], &given["message"]),
        (&json!(0), &Value::Null)
    );
    let third = serving.next("api-call");
    assert_eq!(
        (&third["method"], &third["path"]),
        (&json!("POST"), &json!(path))
    );
    let message = json!({"type": "text", "content": {"text": "hello"}});
    assert_eq!(third["message"], message);
    for line in [limited, given, third] {
        let line = line.to_string();
        assert!(
            !line.contains("secret") && !line.contains(token.as_str().unwrap()),
            "{line}"
        );
    }
}
