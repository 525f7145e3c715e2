//! `push`: against apps that accept, refuse, or are not there.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use axum::Router;
use lark_events::dispatch::DispatcherBuilder;
use lark_events::{Dispatcher, Event, EventHeader, RawJson, Webhook};
use lark_events_layers::DedupLayer;
use lark_events_tower::EventService;
use lark_events_types::catalogue::find;
use serde_json::{Value, json};
use tower_layer::Layer as _;

use crate::{KEY, Ran, TOKEN, file, lark_events};

/// Serves an app in a thread of its own, for as long as the tests run.
pub(crate) fn serve(app: Router) -> String {
    let (address, served) = mpsc::channel();
    thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            address.send(listener.local_addr().unwrap()).unwrap();
            axum::serve(listener, app).await.unwrap();
        });
    });
    format!("http://{}/webhook/event?from=test", served.recv().unwrap())
}

/// An app with both secrets, and the events that it has handled.
pub(crate) fn app() -> (String, mpsc::Receiver<Event<RawJson>>) {
    let webhook = Webhook::builder()
        .encrypt_key(KEY)
        .verification_token(TOKEN);
    let (dispatcher, handled) = recording();
    let service = EventService::new(webhook.build().unwrap(), dispatcher);
    (
        serve(Router::new().route_service("/webhook/event", service)),
        handled,
    )
}

fn recording() -> (Dispatcher, mpsc::Receiver<Event<RawJson>>) {
    let (sender, handled) = mpsc::channel();
    let dispatcher = DispatcherBuilder::default().fallback(move |event: Event<RawJson>| {
        sender.send(event).unwrap();
        std::future::ready(())
    });
    (dispatcher.build().unwrap(), handled)
}

fn push(args: &[&str], url: &str) -> Ran {
    let args = [&["push", "--to", url], args].concat();
    lark_events(&args).secrets().run()
}

fn body(event: &Event<RawJson>) -> Value {
    event.raw().decode().unwrap()
}

#[test]
fn a_sample_is_accepted_as_a_new_event_of_the_app() {
    let (url, handled) = app();
    let args = [
        "vc.reserve_config.updated_v1",
        "--app-id",
        "cli_1",
        "--event-id",
        "e-1",
    ];
    let ran = push(&args, &url).with_code(0);
    assert!(ran.stdout.starts_with("accepted: 200 OK in "), "{ran:?}");
    assert!(
        ran.stdout
            .contains("(vc.reserve_config.updated_v1, e-1, signed)\n{\"msg\":\"success\"}\n")
    );
    let event = handled.try_recv().unwrap();
    let EventHeader {
        event_id, app_id, ..
    } = &event.header;
    assert_eq!(
        (event_id.as_deref(), app_id.as_deref()),
        (Some("e-1"), Some("cli_1"))
    );
    let sample = find("vc.reserve_config.updated_v1")
        .unwrap()
        .sample
        .unwrap();
    let sample: Value = serde_json::from_str(sample).unwrap();
    assert_eq!(body(&event), sample["event"]);

    let ran = push(&["vc.reserve_config.updated_v1", "--json"], &url).with_code(0);
    let event = handled.try_recv().unwrap();
    assert_eq!(event.header.event_id.as_deref().unwrap().len(), 32);
    let mut pushed = ran.json();
    assert!(pushed["millis"].take().is_f64());
    assert_eq!(
        pushed,
        json!({
            "accepted": true,
            "event_type": "vc.reserve_config.updated_v1",
            "event_id": event.header.event_id,
            "signed": true,
            "status": 200,
            "millis": null,
            "body": "{\"msg\":\"success\"}",
            "error": null,
        })
    );
}

#[test]
fn events_of_both_envelopes_are_pushed_from_a_file_whole_or_not() {
    let (url, handled) = app();
    let tea = r#"{"kind": 1.000000000000000000001}"#;
    let tea = file("tea.json", tea);
    let tea = ["tea.pot.ready_v1", "--file", tea.to_str().unwrap()];
    push(&tea, &url).with_code(0);
    let event = handled.try_recv().unwrap();
    assert_eq!(event.header.event_type, "tea.pot.ready_v1");
    assert_eq!(event.raw().as_str(), r#"{"kind": 1.000000000000000000001}"#);
    push(&[&tea[..], &["--v1"]].concat(), &url).with_code(0);
    let event = handled.try_recv().unwrap();
    assert_eq!(event.header.schema, lark_events::event::Schema::V1);
    assert_eq!(event.header.event_type, "tea.pot.ready_v1");

    let whole = r#"{"header": {"event_type": "tea.pot.ready_v1", "token": "old", "event_id": "old",
                    "user_list": [{"open_id": "ou_1"}]}, "event": {"kind": "green"}}"#;
    let whole = file("whole.json", whole);
    let whole = ["--file", whole.to_str().unwrap()];
    push(&whole, &url).with_code(0);
    let event = handled.try_recv().unwrap();
    assert_ne!(event.header.event_id.as_deref(), Some("old"));
    assert!(event.header.extra("user_list").is_some());
    let ran = push(&[&whole[..], &["tea.pot.gone_v1"]].concat(), &url).with_code(2);
    assert!(
        ran.stderr
            .contains("but the document has type tea.pot.ready_v1"),
        "{ran:?}"
    );

    let args = ["push", "--to", &url, "--event-id", "e-2", "--file", "-"];
    for odd in [
        r#"{"header": {"event_type": "tea.pot.ready_v1"}}"#,
        r#"{"header": {"event_type": "tea.pot.ready_v1"}, "event": null}"#,
        r#"{"type": "event_callback", "uuid": null, "header": {}, "event": {"type": "tea.pot.ready_v1"}}"#,
    ] {
        lark_events(&args).secrets().stdin(odd).run().with_code(0);
        let header = handled.try_recv().unwrap().header;
        assert_eq!(header.event_type, "tea.pot.ready_v1");
        assert_eq!(header.event_id.as_deref(), Some("e-2"));
    }
    let old = r#"{"type": "event_callback", "event": {"type": "message", "open_id": "ou_1"}}"#;
    lark_events(&args).secrets().stdin(old).run().with_code(0);
    assert_eq!(handled.try_recv().unwrap().header.event_type, "message");
}

#[test]
fn values_are_set_in_the_body() {
    let (url, handled) = app();
    let set = [
        "--set",
        "scope_type=2",
        "--set",
        "/time_config/start_time=late",
    ];
    push(
        &[&["vc.reserve_config.updated_v1"], &set[..]].concat(),
        &url,
    )
    .with_code(0);
    let body = body(&handled.try_recv().unwrap());
    assert_eq!(body["scope_type"], 2);
    assert_eq!(body["time_config"]["start_time"], "late");
    assert_eq!(body["time_config"]["end_time"], "86400");

    let ran = push(
        &["vc.reserve_config.updated_v1", "--set", "scope_type.x=2"],
        &url,
    );
    assert!(
        ran.with_code(2)
            .stderr
            .contains("--set scope_type.x: cannot set `x`")
    );
    push(
        &["vc.reserve_config.updated_v1", "--set", "scope_type"],
        &url,
    )
    .with_code(2);
}

#[test]
fn a_string_that_has_json_in_it_is_set_in_quotes() {
    let (url, handled) = app();
    let quoted = r#"message.content="{\"text\":\"hi\"}""#;
    push(&["im.message.receive_v1", "--set", quoted], &url).with_code(0);
    let body = body(&handled.try_recv().unwrap());
    assert_eq!(body["message"]["content"], r#"{"text":"hi"}"#);
    let help = lark_events(&["push", "--help"]).run().with_code(0).stdout;
    let shown = quoted.replace('=', "='") + "'";
    assert!(help.contains(&shown), "{help}");
}

/// An app that handles each event once, and the events that it has handled.
pub(crate) fn deduplicating() -> (String, mpsc::Receiver<Event<RawJson>>) {
    let webhook = Webhook::builder()
        .encrypt_key(KEY)
        .verification_token(TOKEN);
    let (dispatcher, handled) = recording();
    let service = DedupLayer::new().layer(dispatcher);
    let service = EventService::new(webhook.build().unwrap(), service);
    let router = Router::new().route_service("/webhook/event", service);
    (serve(router), handled)
}

#[test]
fn each_push_is_another_event_unless_its_id_is_given() {
    let (url, handled) = deduplicating();
    let message = find("im.message.receive_v1").unwrap().sample.unwrap();
    let message = file("message.json", message);
    let from_file = ["--file", message.to_str().unwrap()];
    let old_envelope = ["app_status_change"];
    for (event, id) in [
        (&["im.message.receive_v1"][..], "e-1"),
        (&from_file, "e-2"),
        (&old_envelope, "e-3"),
    ] {
        for _ in 0..5 {
            push(event, &url).with_code(0);
        }
        assert_eq!(handled.try_iter().count(), 5, "{event:?}");

        let again = [event, &["--event-id", id]].concat();
        for _ in 0..2 {
            push(&again, &url).with_code(0);
        }
        assert_eq!(handled.try_iter().count(), 1, "{event:?}");
    }
    let set = ["im.message.receive_v1", "--set", "message.message_id=om_1"];
    for _ in 0..2 {
        push(&set, &url).with_code(0);
    }
    let events: Vec<_> = handled.try_iter().collect();
    assert_eq!(events.len(), 1);
    assert_eq!(body(&events[0])["message"]["message_id"], "om_1");
}

#[test]
fn an_event_without_a_sample_is_pushed_empty_and_that_is_told() {
    let (url, handled) = app();
    let ran = push(&["passport.session.created_v1"], &url).with_code(0);
    assert!(ran.stderr.contains("no sample is documented"), "{ran:?}");
    assert_eq!(handled.try_recv().unwrap().raw().as_str(), "{}");
    let ran = push(&["passport.session.created_v1", "--set", "a=1"], &url).with_code(0);
    assert_eq!(ran.stderr, "");
}

#[test]
fn the_old_card_callback_is_signed_with_the_token() {
    let webhook = Webhook::builder()
        .verification_token(TOKEN)
        .build_old_card();
    let (dispatcher, handled) = recording();
    let service = EventService::new(webhook.unwrap(), dispatcher);
    let url = serve(Router::new().route_service("/webhook/event", service));
    // It is answered with a reply that this app does not have.
    let ran = push(
        &["card.action.trigger_v1", "--set", "action.tag=select"],
        &url,
    )
    .with_code(1);
    assert!(ran.stdout.contains("not accepted: 500"), "{ran:?}");
    assert!(
        ran.stdout.contains("(card.action.trigger_v1, signed)"),
        "{ran:?}"
    );
    assert_eq!(
        body(&handled.try_recv().unwrap())["action"]["tag"],
        "select"
    );
    let ran = push(&["card.action.trigger_v1", "--event-id", "e"], &url).with_code(2);
    assert!(ran.stderr.contains("has no event id"), "{ran:?}");
}

#[test]
fn a_refused_push_is_status_1_with_what_was_answered() {
    let (url, handled) = app();
    let args = ["push", "vc.reserve_config.updated_v1", "--to", &url];
    for (ran, signed) in [
        (lark_events(&args).run(), "unsigned"),
        (
            lark_events(&args).env("LARK_ENCRYPT_KEY", "another").run(),
            "signed",
        ),
        (
            lark_events(&args).env("LARK_ENCRYPT_KEY", KEY).run(),
            "signed",
        ),
        (
            lark_events(&[&args[..], &["--key", "another"]].concat())
                .secrets()
                .run(),
            "signed",
        ),
    ] {
        let ran = ran.with_code(1);
        assert!(
            ran.stdout.starts_with("not accepted: 401 Unauthorized in "),
            "{ran:?}"
        );
        assert!(ran.stdout.contains(&format!(", {signed})\n")), "{ran:?}");
    }
    assert!(handled.try_recv().is_err());
}

#[test]
fn only_status_200_in_time_is_accepted() {
    let slow = || async {
        tokio::time::sleep(Duration::from_secs(60)).await;
    };
    let app = Router::new()
        .route(
            "/created",
            axum::routing::post(|| async { http::StatusCode::CREATED }),
        )
        .route("/slow", axum::routing::post(slow));
    let url = serve(app).replace("/webhook/event?from=test", "");
    let event = "vc.reserve_config.updated_v1";
    let ran = push(&[event], &format!("{url}/created")).with_code(1);
    assert!(
        ran.stdout.starts_with("not accepted: 201 Created"),
        "{ran:?}"
    );
    let ran = push(&[event, "--timeout", "0", "--json"], &format!("{url}/slow")).with_code(1);
    assert_eq!(ran.json()["status"], Value::Null);
    assert_eq!(ran.json()["error"], "no answer in time");
}

#[test]
fn an_app_that_is_not_there_is_status_1_and_an_unknown_event_is_misuse() {
    let ran = push(&["vc.reserve_config.updated_v1"], "http://127.0.0.1:1").with_code(1);
    assert!(
        ran.stdout.starts_with("not accepted: cannot connect"),
        "{ran:?}"
    );
    let ran = push(&["tea.pot.ready_v1"], "http://127.0.0.1:1").with_code(2);
    assert!(ran.stderr.contains("give its body with --file"), "{ran:?}");
    for (json, why) in [
        ("[]", "stdin: the body is not a JSON object"),
        (
            "{",
            "stdin: not JSON: EOF while parsing an object at line 1 column 1",
        ),
        ("{}", "stdin: the body has no envelope with an event type"),
    ] {
        let args = ["push", "--to", "http://127.0.0.1:1", "--file", "-"];
        let ran = lark_events(&args).stdin(json).run().with_code(2);
        assert!(ran.stderr.contains(why), "{ran:?}");
    }
}
