//! `check`: our own webhook passes all cases, and each bad one fails those that it should.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use lark_events::webhook::WebhookBuilder;
use lark_events::{Dispatcher, EncryptKey, Event, RawJson, Webhook};
use lark_events_tower::EventService;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::port::Port;
use crate::push::{deduplicating, serve};
use crate::{KEY, Ran, TOKEN, lark_events};

const PATH: &str = "/webhook/event";

fn sealed() -> WebhookBuilder {
    plain().encrypt_key(KEY)
}

fn plain() -> WebhookBuilder {
    Webhook::builder().verification_token(TOKEN)
}

/// Our own webhook.
fn ours(webhook: WebhookBuilder) -> Router {
    let ok = |_: Event<RawJson>| std::future::ready(());
    let dispatcher = Dispatcher::builder().fallback(ok).build().unwrap();
    let service = EventService::new(webhook.build().unwrap(), dispatcher);
    Router::new().route_service(PATH, service)
}

fn check(url: &str, args: &[&str]) -> Ran {
    let args = [&["check", url, "--json"], args].concat();
    lark_events(&args).secrets().run()
}

/// The names of the cases that ended in `verdict`.
fn with(verdict: &str, ran: &Ran) -> Vec<String> {
    let lines = ran.stdout.lines();
    let rows = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let rows = rows.filter(|row| row["verdict"] == verdict);
    rows.map(|row| row["case"].as_str().unwrap().to_owned())
        .collect()
}

/// What is seen in a case.
fn seen(ran: &Ran) -> BTreeMap<String, String> {
    let lines = ran.stdout.lines();
    let rows = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    rows.map(|row| (text(&row["case"]), text(&row["seen"])))
        .collect()
}

/// Runs a check again if a case about time has warned of more than 1 s, as it does on a busy machine.
fn in_time(check: impl Fn() -> Ran) -> Ran {
    let was_slow = |ran: &Ran| {
        let seen = seen(ran);
        let mut warned = with("warn", ran).into_iter();
        warned.any(|case| seen[&case].contains(" took ") && seen[&case].ends_with(" s"))
    };
    let ran = (0..10).map(|_| check()).find(|ran| !was_slow(ran));
    ran.expect("a check in which no answer took more than 1 s")
}

#[test]
fn our_own_webhook_passes_every_case() {
    let url = serve(ours(sealed()));
    let ran = in_time(|| check(&url, &[])).with_code(0);
    assert_eq!(with("pass", &ran).len(), 22, "{}", ran.stdout);
    let summary = ran.stdout.lines().last().unwrap();
    let expected = r#"{"summary":{"passed":22,"warned":0,"failed":0,"skipped":0}}"#;
    assert_eq!(summary, expected);
}

#[test]
fn every_event_of_a_check_reaches_the_handler_of_an_app_that_deduplicates() {
    let (url, handled) = deduplicating();
    let event = ["--event", "im.message.receive_v1"];
    let count = || handled.try_iter().count();
    for _ in 0..2 {
        // Two before the cases, and ten in this one.
        check(&url, &[&event[..], &["--only", "answer-time"]].concat()).with_code(0);
        assert_eq!(count(), 12);
        for (case, events) in [
            ("event", 1),
            ("unknown-fields", 1),
            ("null-fields", 1),
            ("odd-types", 1),
            ("duplicate", 1),
            ("unknown-type", 1),
            ("still-serves", 1),
        ] {
            check(&url, &[&event[..], &["--only", case]].concat()).with_code(0);
            assert_eq!(count(), 2 + events, "{case}");
        }
    }
}

#[test]
fn without_a_key_the_cases_of_the_signature_are_skipped() {
    let url = serve(ours(plain()));
    let ran = in_time(|| {
        let ran = lark_events(&["check", &url, "--json"]).env("LARK_VERIFICATION_TOKEN", TOKEN);
        ran.run()
    });
    let ran = ran.with_code(0);
    let skipped = with("skip", &ran);
    assert_eq!(
        skipped,
        [
            "unsigned",
            "unsealed",
            "forged-signature",
            "tampered-body",
            "replay",
            "refusals-alike"
        ]
    );
    assert_eq!(with("pass", &ran).len(), 16, "{}", ran.stdout);
}

#[test]
fn without_a_token_the_cases_of_the_token_are_skipped() {
    let url = serve(ours(Webhook::builder().encrypt_key(KEY)));
    let ran = lark_events(&["check", &url, "--json"]).env("LARK_ENCRYPT_KEY", KEY);
    let ran = ran.run().with_code(0);
    assert_eq!(
        with("skip", &ran),
        ["url-check", "url-check-forged", "forged-token"]
    );
}

#[test]
fn a_wrong_key_or_token_fails_what_should_be_accepted() {
    let url = serve(ours(sealed()));
    for (name, value) in [("--key", "another"), ("--token", "another")] {
        let ran = check(&url, &[name, value, "--only", "event"]).with_code(1);
        assert_eq!(with("fail", &ran), ["event"]);
    }
}

#[test]
fn a_webhook_that_skips_the_signature_fails_the_forgeries() {
    // Decrypts, and takes whatever has the token.
    let app = post(|body: Bytes| async move {
        let opened = sealed()
            .build()
            .unwrap()
            .open(&HeaderMap::new(), body.clone());
        if let Ok(lark_events::Opened::Challenge(challenge)) = opened {
            return (StatusCode::OK, challenge.reply());
        }
        let wrapper: Value = serde_json::from_slice(&body).unwrap_or_default();
        let text = wrapper["encrypt"].as_str().unwrap_or_default();
        let document = EncryptKey::new(KEY).open(text).unwrap_or_default();
        let document: Value = serde_json::from_slice(&document).unwrap_or_default();
        let tokens = [&document["header"]["token"], &document["token"]];
        if !tokens.iter().any(|token| **token == TOKEN) {
            return (StatusCode::UNAUTHORIZED, String::new());
        }
        (StatusCode::OK, String::new())
    });
    let url = serve(Router::new().route(PATH, app));
    let ran = in_time(|| check(&url, &[])).with_code(1);
    assert_eq!(
        with("fail", &ran),
        ["unsigned", "forged-signature", "refusals-alike"],
        "{}",
        ran.stdout
    );
    // axum itself refuses more than 2 MB.
    assert_eq!(
        with("warn", &ran),
        ["url-check", "replay"],
        "{}",
        ran.stdout
    );
}

#[test]
fn a_webhook_that_answers_200_to_everything_fails_whatever_has_to_be_refused() {
    let app = any(|_: Bytes| async { r#"{"msg":"success"}"# });
    let url = serve(Router::new().route(PATH, app));
    let ran = in_time(|| check(&url, &[])).with_code(1);
    assert_eq!(
        with("fail", &ran),
        [
            "url-check",
            "unsigned",
            "unsealed",
            "forged-signature",
            "tampered-body",
            "refusals-alike",
            "junk"
        ],
        "{}",
        ran.stdout
    );
    assert_eq!(
        with("warn", &ran),
        ["forged-token", "replay", "get"],
        "{}",
        ran.stdout
    );
    let app = any(|_: Bytes| async { r#"{"msg":"success"}"# });
    let url = serve(Router::new().route(PATH, app));
    let ran = lark_events(&["check", &url, "--json", "--only", "forged-token"]);
    let ran = ran.env("LARK_VERIFICATION_TOKEN", TOKEN).run().with_code(1);
    assert_eq!(with("fail", &ran), ["forged-token"]);
}

#[test]
fn a_webhook_that_drops_forgeries_with_200_is_warned_of() {
    let app = ours(sealed()).layer(from_fn(|request: Request, next: Next| async {
        let answer = next.run(request).await;
        match answer.status() {
            StatusCode::UNAUTHORIZED => "dropped".into_response(),
            _ => answer,
        }
    }));
    let url = serve(app);
    let ran = check(&url, &["--only", "unsigned", "--only", "tampered-body"]).with_code(0);
    assert_eq!(with("warn", &ran), ["unsigned", "tampered-body"]);
}

#[test]
fn a_webhook_that_leaks_the_padding_fails_that_alone() {
    // Decrypts first, as one does who wants to see what is in it.
    let app = ours(sealed()).layer(from_fn(|request: Request, next: Next| async {
        let (parts, body) = request.into_parts();
        let Ok(body) = axum::body::to_bytes(body, 16 << 20).await else {
            return StatusCode::BAD_REQUEST.into_response();
        };
        let wrapper: Value = serde_json::from_slice(&body).unwrap_or_default();
        let text = wrapper["encrypt"].as_str().unwrap_or_default();
        if !text.is_empty() && EncryptKey::new(KEY).open(text).is_err() {
            return (StatusCode::UNAUTHORIZED, "cannot decrypt").into_response();
        }
        next.run(Request::from_parts(parts, body.into())).await
    }));
    let ran = check(&serve(app), &[]).with_code(1);
    assert_eq!(with("fail", &ran), ["refusals-alike"], "{}", ran.stdout);
    let oracle = &seen(&ran)["refusals-alike"];
    assert!(
        oracle.starts_with("unsigned: padding oracle: bad padding: "),
        "{oracle}"
    );
}

#[test]
fn a_webhook_that_serves_one_at_a_time_fails_slow_bodies() {
    let turn = Arc::new(Mutex::new(()));
    let app = ours(sealed()).layer(from_fn(move |request: Request, next: Next| {
        let turn = Arc::clone(&turn);
        async move {
            let _turn = turn.lock().await;
            next.run(request).await
        }
    }));
    let cases = ["--only", "slow-bodies", "--only", "still-serves"];
    let ran = check(&serve(app), &cases).with_code(1);
    assert_eq!(with("fail", &ran), ["slow-bodies"], "{}", ran.stdout);
}

#[test]
fn a_webhook_that_fails_at_what_it_does_not_know_fails_there() {
    let fails = |event: Event<RawJson>| async move {
        let json = event.raw().as_str();
        let refuses =
            json.contains("no_page_documents_this") || event.header.event_type.contains("unknown");
        if refuses {
            Err("what is this?")
        } else {
            Ok(())
        }
    };
    let dispatcher = Dispatcher::builder().fallback(fails).build().unwrap();
    let service = EventService::new(sealed().build().unwrap(), dispatcher);
    let app = Router::new().route_service(PATH, service);
    let ran = check(
        &serve(app),
        &["--only", "unknown-fields", "--only", "unknown-type"],
    );
    let ran = ran.with_code(1);
    assert_eq!(with("fail", &ran), ["unknown-fields"], "{}", ran.stdout);
    assert_eq!(with("warn", &ran), ["unknown-type"], "{}", ran.stdout);
}

#[test]
fn statuses_that_the_platform_does_not_take_fail() {
    let created = || async { StatusCode::NO_CONTENT };
    let broken = || async { Response::builder().status(500).body(String::new()).unwrap() };
    let app = Router::new().route(PATH, post(created).merge(get(broken)));
    let cases = ["--only", "event", "--only", "get", "--only", "duplicate"];
    let ran = check(&serve(app), &cases).with_code(1);
    assert_eq!(
        with("fail", &ran),
        ["event", "duplicate", "get"],
        "{}",
        ran.stdout
    );
}

#[test]
fn a_status_that_is_not_200_is_no_quick_answer() {
    for status in [StatusCode::NO_CONTENT, StatusCode::INTERNAL_SERVER_ERROR] {
        let app = Router::new().fallback(move || async move { status });
        let ran = check(
            &serve(app),
            &["--only", "answer-time", "--only", "slow-bodies"],
        );
        let ran = ran.with_code(1);
        assert_eq!(with("fail", &ran), ["slow-bodies", "answer-time"]);
    }
}

#[test]
fn a_case_of_many_requests_ends_with_the_first_that_hangs() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let app = Router::new().fallback(move || {
        count.fetch_add(1, Ordering::Relaxed);
        std::future::pending::<()>()
    });
    let url = &serve(app);
    let cases = ["url-check-forged", "duplicate", "refusals-alike", "junk"];
    thread::scope(|scope| {
        let run = |case| scope.spawn(move || check(url, &["--only", case]));
        for run in cases.map(run) {
            let ran = run.join().unwrap();
            assert_eq!(
                ran.stdout.matches("no answer in time").count(),
                1,
                "{ran:?}"
            );
            assert_eq!(ran.stderr, "", "what runs is for terminals");
        }
    });
    // One to see how a good event is answered, and one of the case.
    assert_eq!(asked.load(Ordering::Relaxed), 2 * cases.len());
}

#[test]
fn people_get_a_table_with_advice() {
    let app = any(|_: Bytes| async { "ok" });
    let url = serve(Router::new().route(PATH, app));
    let ran = lark_events(&["check", &url, "--only", "event", "--only", "unsealed"]);
    let ran = ran.secrets().run().with_code(1);
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(
        lines[0].starts_with("pass  event             im.message.receive_v1: answered 200 ok in ")
    );
    assert_eq!(
        lines[1],
        "fail  unsealed          answered 200 ok, as if it were good"
    );
    assert!(
        lines[2]
            .trim_start()
            .starts_with("if there is an Encrypt Key, reject every")
    );
    assert_eq!(lines[3], "1 passed, 0 warned, 1 failed, 0 skipped");
}

#[test]
fn the_cases_can_be_listed() {
    let listed = lark_events(&["check", "--list"]).run().with_code(0).stdout;
    assert_eq!(listed.lines().count(), 22);
    assert!(listed.contains("replay            An event signed two days ago is rejected\n"));
}

#[test]
fn what_cannot_be_checked_is_status_2() {
    let url = serve(ours(sealed()));
    let port = Port::reserve();
    let gone = format!("http://{}/", port.address);
    for (args, says) in [
        (&["check", &gone][..], "cannot connect to the webhook"),
        (
            &["check", "ftp://localhost/"],
            "expected an http:// or https:// URL",
        ),
        (
            &["check", &url, "--event", "kitchen.tea"],
            "no event kitchen.tea",
        ),
        (&["check", &url, "--only", "tea"], "invalid value 'tea'"),
        (&["check"], "required"),
    ] {
        let ran = lark_events(args).secrets().run().with_code(2);
        assert!(ran.stderr.contains(says), "{}", ran.stderr);
    }
    let ran = lark_events(&["check", &url]).run().with_code(2);
    assert!(
        ran.stderr.contains("no secret to check with"),
        "{}",
        ran.stderr
    );
}
