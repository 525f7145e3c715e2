//! Every answer of the service, and that none of them says more than it must.

use std::collections::BTreeSet;

use http::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use http_body_util::Full;
use lark_events::callback::{CardActionReply, CardActionTrigger, Toast};
use lark_events::webhook::SIGNATURE_HEADER;
use lark_events::{Dispatcher, UnhandledPolicy};
use lark_events_sim::Document;
use lark_events_tower::EventService;
use serde_json::json;

use crate::support::{
    Answered, Pieces, SUCCESS, TOKEN, event, platform, post, posted, request, send, signed, status,
    unsigned, watched, webhook,
};

fn service() -> EventService<Dispatcher> {
    EventService::new(webhook(), watched().0)
}

/// An event's document with this text for a body.
fn document(body: &str) -> String {
    let header = format!(r#"{{"event_type":"quick_v1","token":"{TOKEN}"}}"#);
    format!(r#"{{"schema":"2.0","header":{header},"event":{body}}}"#)
}

#[tokio::test]
async fn a_handled_event_is_answered_as_the_official_sdks_answer_it() {
    let answered = send(&service(), post("quick_v1")).await;
    assert_eq!(answered.status, StatusCode::OK);
    assert_eq!(answered.body, SUCCESS);
    assert_eq!(answered.headers[CONTENT_TYPE], "application/json");
}

#[tokio::test]
async fn an_unhandled_event_fails_unless_the_policy_acknowledges_it() {
    let strict = Dispatcher::builder().build().unwrap();
    let strict = EventService::new(webhook(), strict);
    assert_eq!(status(&strict, post("unknown_v1")).await, 500);
    let lax = Dispatcher::builder().unhandled(UnhandledPolicy::Acknowledge);
    let lax = EventService::new(webhook(), lax.build().unwrap());
    let answered = send(&lax, post("unknown_v1")).await;
    assert_eq!(
        (answered.status, answered.body.as_str()),
        (StatusCode::OK, SUCCESS)
    );
}

#[tokio::test]
async fn an_unhandled_callback_fails() {
    assert_eq!(status(&service(), post("card.action.trigger")).await, 500);
}

#[tokio::test]
async fn a_callback_is_answered_with_its_reply() {
    let dispatcher = Dispatcher::builder()
        .on::<CardActionTrigger>(|_| async move { CardActionReply::new().toast(Toast::info("hi")) })
        .build()
        .unwrap();
    let service = EventService::new(webhook(), dispatcher);
    let answered = send(&service, post("card.action.trigger")).await;
    assert_eq!(answered.status, StatusCode::OK);
    assert_eq!(answered.headers[CONTENT_TYPE], "application/json");
    assert_eq!(answered.headers.len(), 1, "no header of the request");
    assert_eq!(answered.body, r#"{"toast":{"type":"info","content":"hi"}}"#);
}

#[tokio::test]
async fn a_url_check_is_answered_with_its_challenge() {
    let started = platform().webhook_service(service()).start().await;
    assert!(started.is_ok(), "{started:?}");

    let check = json!({"type": "url_verification", "token": TOKEN, "challenge": "abc"});
    for request in [unsigned(request(check.clone()).into_body()), posted(check)] {
        let answered = send(&service(), request).await;
        assert_eq!(answered.status, StatusCode::OK);
        assert_eq!(answered.headers[CONTENT_TYPE], "application/json");
        assert_eq!(answered.body, r#"{"challenge":"abc"}"#);
    }
}

#[tokio::test]
async fn a_handler_that_fails_or_panics_is_500_and_the_next_event_is_served() {
    let service = service();
    for event_type in ["failing_v1", "panicking_v1"] {
        let answered = send(&service, post(event_type)).await;
        assert_eq!(answered.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(
            answered.body, "",
            "no error text of ours reaches the sender"
        );
        assert_eq!(status(&service, post("quick_v1")).await, 200);
    }
}

#[tokio::test]
async fn authentic_but_malformed_is_400() {
    let typed = Dispatcher::builder()
        .on::<CardActionTrigger>(|_| async move { CardActionReply::new() })
        .build()
        .unwrap();
    let service = EventService::new(webhook(), typed);
    for request in [
        signed("{"),
        posted("{"),
        post(""),
        posted(Document::v2("card.action.trigger", &json!([])).unwrap()),
    ] {
        let answered = send(&service, request).await;
        assert_eq!(answered.status, StatusCode::BAD_REQUEST);
        assert_eq!(answered.body, "");
    }
}

#[tokio::test]
async fn only_post_is_allowed() {
    for method in [Method::GET, Method::PUT, Method::HEAD, Method::OPTIONS] {
        let mut request = post("quick_v1");
        *request.method_mut() = method;
        let answered = send(&service(), request).await;
        assert_eq!(answered.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answered.headers[ALLOW], "POST");
    }
}

#[tokio::test]
async fn an_encoded_body_is_not_taken() {
    for (encoding, expected) in [
        ("gzip", 415),
        ("identity, gzip", 415),
        ("", 415),
        ("identity", 200),
        ("Identity", 200),
    ] {
        let mut request = post("quick_v1");
        let encoding_value = HeaderValue::from_static(encoding);
        request
            .headers_mut()
            .insert(CONTENT_ENCODING, encoding_value);
        assert_eq!(status(&service(), request).await, expected, "{encoding:?}");
    }
    let mut twice = post("quick_v1");
    twice
        .headers_mut()
        .append(CONTENT_ENCODING, HeaderValue::from_static("identity"));
    twice
        .headers_mut()
        .append(CONTENT_ENCODING, HeaderValue::from_static("br"));
    assert_eq!(status(&service(), twice).await, 415);
}

#[tokio::test]
async fn every_failure_of_authentication_is_the_same_byte_for_byte() {
    let (dispatcher, seen) = watched();
    let service = EventService::new(webhook(), dispatcher);
    let forger = platform().encrypt_key("other key").start().await.unwrap();

    let with_signature = |signature| {
        let mut request = post("quick_v1");
        request.headers_mut().insert(SIGNATURE_HEADER, signature);
        request
    };
    let mut two_signatures = post("quick_v1");
    let again = two_signatures.headers()[SIGNATURE_HEADER].clone();
    two_signatures.headers_mut().append(SIGNATURE_HEADER, again);
    let mut one_header = post("quick_v1");
    one_header.headers_mut().remove(SIGNATURE_HEADER);

    let requests = [
        forger.request(event("quick_v1")).map(Full::new),
        with_signature(post("quick_v1").headers()[SIGNATURE_HEADER].clone()),
        with_signature(HeaderValue::from_bytes(b"\xffabc").unwrap()),
        two_signatures,
        one_header,
        posted(event("quick_v1").header("token", "forged")),
        unsigned(request(event("quick_v1")).into_body()),
        unsigned(document("{}")),
        unsigned(""),
        unsigned("\0"),
        unsigned(&b"\xff"[..]),
        unsigned(r#"{"encrypt":"!"}"#),
        unsigned(vec![b' '; 5_000]),
    ];
    let mut answers = BTreeSet::new();
    for request in requests {
        let Answered {
            status,
            headers,
            body,
        } = send(&service, request).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        answers.insert(format!("{status} {headers:?} {body:?}"));
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(seen.started(), 0);
    assert_eq!(service.stats().rejected_requests, 13);
}

#[tokio::test]
async fn a_forged_token_is_rejected_before_any_handler_runs() {
    let (dispatcher, seen) = watched();
    let service = EventService::new(webhook(), dispatcher);
    let forged = posted(event("quick_v1").header("token", "forged"));
    assert_eq!(status(&service, forged).await, 401);
    assert_eq!(seen.started(), 0);
}

#[tokio::test]
async fn odd_input_has_a_clear_status_and_the_next_event_is_served() {
    let service = service();
    let deep = format!("{}1{}", r#"{"a":"#.repeat(20_000), "}".repeat(20_000));
    for (request, expected) in [
        (posted(document(&deep)), 200),
        (posted(document(r#"{"a":1,"a":2}"#)), 200),
        (posted(document(r#"{"a":1e400,"b":"\ud800"}"#)), 200),
        (posted(document(r#"{"a"}"#)), 400),
        (posted(document("{\"a\":\"\0\"}")), 400),
        (posted(document(r#"{},"event":{}"#)), 400),
        (signed(""), 400),
        (signed("\0\0\0"), 400),
        (signed(&b"\xff\xfe"[..]), 400),
        (signed(vec![b'['; 8 * 1024 * 1024]), 413),
        (unsigned(vec![b'['; 8 * 1024 * 1024]), 401),
    ] {
        let got = status(&service, request).await;
        assert_eq!(got, expected);
        assert_eq!(status(&service, post("quick_v1")).await, 200);
    }
}

#[tokio::test]
async fn a_sender_that_breaks_off_is_no_event() {
    let broken = request(event("quick_v1")).map(|body| Pieces::new([body]).breaking_off());
    assert_eq!(status(&service(), broken).await, 400);
}
