//! Lost connections, deadlines and messages that are sent once.

use std::time::Duration;

use http::Method;
use lark_events::{Event, EventHeader, RawJson};
use lark_events_api::{Api, ApiError, ApiErrorKind, Message, Once, Receiver};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::platform::{Fault, Platform};

fn event(id: &str) -> Event<RawJson> {
    let mut header = EventHeader::new("kitchen.tea.ready_v1");
    header.event_id = Some(id.to_owned());
    Event::new(header, RawJson::default())
}

async fn send(api: &Api, once: Option<&Event<RawJson>>) -> Result<String, ApiError> {
    let sending = api.send(Receiver::chat("oc_1"), Message::text("tea"));
    let sent = match once {
        Some(event) => sending.once(event).await?,
        None => sending.await?,
    };
    Ok(sent.message_id)
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_repeated_where_that_sends_one_message() {
    for fault in [
        Fault::NotSent,
        Fault::Lost,
        Fault::gateway(502),
        Fault::gateway(504),
    ] {
        let platform = Platform::new();
        let api = platform.api();
        platform.fault(fault.clone());
        platform.fault(fault.clone());
        let sent = send(&api, Some(&event("e-1"))).await.unwrap();
        assert_eq!(sent, "om_1", "{fault:?}");
        assert_eq!((platform.messages().len(), platform.calls().len()), (1, 3));

        // Not for ever.
        for _ in 0..3 {
            platform.fault(fault.clone());
        }
        let error = send(&api, Some(&event("e-2"))).await.unwrap_err();
        assert_eq!(platform.calls().len(), 6);
        assert_eq!(error.may_have_happened(), !matches!(fault, Fault::NotSent));
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_not_repeated_where_that_could_send_two() {
    for (fault, kind, may_have_happened) in [
        (Fault::NotSent, ApiErrorKind::Unreachable, false),
        (Fault::Lost, ApiErrorKind::Unreachable, true),
        (Fault::gateway(502), ApiErrorKind::Unavailable, true),
        (Fault::TooLarge, ApiErrorKind::Unexpected, true),
    ] {
        let platform = Platform::new();
        let api = platform.api();
        platform.fault(fault.clone());
        let error = send(&api, None).await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert_eq!(error.may_have_happened(), may_have_happened, "{fault:?}");
        assert_eq!(platform.calls().len(), 1, "{fault:?}");
        assert!(platform.messages().len() <= 1);
        platform.fault(fault.clone());
        let posted: Result<(), _> = api.call(Method::POST, "/open-apis/x/v1", &json!({})).await;
        assert!(posted.is_err());
        assert_eq!(platform.calls().len(), 2, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_get_is_repeated() {
    let platform = Platform::new();
    let api = platform.api();
    platform.fault(Fault::Lost);
    let (): () = api.call(Method::GET, "/open-apis/x/v1", &()).await.unwrap();
    assert_eq!(platform.calls().len(), 2);
    assert_eq!(platform.calls()[0].body, "");
    assert_eq!(platform.calls()[0].content_type, None);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_handled_again_sends_one_message() {
    let platform = Platform::new();
    let (one, other) = (platform.api(), platform.api());
    let first = send(&one, Some(&event("e-1"))).await.unwrap();
    // In another process.
    assert_eq!(send(&other, Some(&event("e-1"))).await.unwrap(), first);
    assert_eq!(platform.messages().len(), 1);
    assert_ne!(send(&one, Some(&event("e-2"))).await.unwrap(), first);
    assert_eq!(platform.messages().len(), 2);

    // Several messages of one event.
    let event = event("e-3");
    let to = |chat: &str| one.send(Receiver::chat(chat), "tea");
    to("oc_1").once(&event).await.unwrap();
    to("oc_2").once(&event).await.unwrap();
    to("oc_1").once(Once::of(&event).part(2)).await.unwrap();
    one.reply("om_1", "tea").once(&event).await.unwrap();
    one.reply("om_2", "tea").once(&event).await.unwrap();
    assert_eq!(platform.messages().len(), 7);
    for message in platform.messages() {
        let uuid = message["uuid"].as_str().unwrap();
        assert!(uuid.len() <= 50, "{uuid}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_after_a_lost_answer_says_that_the_message_may_be_there() {
    let platform = Platform::new();
    let api = platform.api();
    platform.fault(Fault::Lost);
    platform.fault(Fault::code(400, 230_002));
    let error = send(&api, Some(&event("e-1"))).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ApiErrorKind::Refused, Some(230_002))
    );
    assert!(error.may_have_happened());
}

#[tokio::test(start_paused = true)]
async fn a_code_with_a_server_error_does_not_say_that_nothing_happened() {
    let platform = Platform::new();
    let api = platform.api();
    for (status, may_have_happened) in [(500, true), (200, false), (400, false)] {
        platform.fault(Fault::code(status, 1_500));
        let error = send(&api, None).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.code()),
            (ApiErrorKind::Refused, Some(1_500))
        );
        assert_eq!(error.may_have_happened(), may_have_happened, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_may_be_there_is_not_sent_again_after_an_hour() {
    let platform = Platform::new();
    let api = platform.api().with_deadline(Duration::from_hours(3));
    platform.fault(Fault::Lost);
    platform.fault(Fault::limited(429, Some("3700")));
    let error = send(&api, Some(&event("e-1"))).await.unwrap_err();
    assert_eq!(error.kind(), ApiErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3700)));
    assert!(error.may_have_happened());
    assert_eq!(platform.calls().len(), 2);

    // One that is certainly not there is.
    platform.fault(Fault::limited(429, Some("3700")));
    send(&api, Some(&event("e-2"))).await.unwrap();
    assert_eq!(platform.messages().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_at_its_deadline() {
    let platform = Platform::new();
    let api = platform
        .builder()
        .deadline(Duration::from_secs(5))
        .build()
        .unwrap();
    api.recall("om_1").await.unwrap();
    platform.fault(Fault::Never);
    let began = Instant::now();
    let error = api.recall("om_1").await.unwrap_err();
    assert_eq!(error.kind(), ApiErrorKind::TimedOut);
    assert!(error.may_have_happened());
    assert_eq!(began.elapsed(), Duration::from_secs(5));

    // A caller with a short deadline does not end the request for a token, which others wait for.
    let platform = Platform::new();
    let api = platform.api();
    let short = api.with_deadline(Duration::from_millis(20));
    let (failed, sent) = tokio::join!(short.recall("om_1"), api.recall("om_1"));
    let error = failed.unwrap_err();
    assert_eq!(error.kind(), ApiErrorKind::TimedOut);
    assert!(!error.may_have_happened());
    sent.unwrap();
    assert_eq!((platform.token_requests(), platform.calls().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn arguments_that_would_change_the_path_are_not_sent() {
    let platform = Platform::new();
    let api = platform.api();
    for id in ["", "..", "om_1/..", "om_1?x=y", "om_1#", "om 1"] {
        let error = api.recall(id).await.unwrap_err();
        assert_eq!(error.kind(), ApiErrorKind::Invalid);
        let error = api.reply(id, "tea").await.unwrap_err();
        assert_eq!(error.kind(), ApiErrorKind::Invalid);
    }
    for path in ["", "open-apis/x", "@example.com/", "/a b", "/a#b"] {
        let called: Result<Value, _> = api.call(Method::GET, path, &()).await;
        assert_eq!(called.unwrap_err().kind(), ApiErrorKind::Invalid, "{path}");
    }
    assert_eq!(platform.calls().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_fit_is_an_error_after_the_fact() {
    let platform = Platform::new();
    let api = platform.api();
    platform.answer(Vec::new(), r#"{"code":0,"data":{"message_id":["marked"]}}"#);
    let error = send(&api, None).await.unwrap_err();
    assert_eq!(error.kind(), ApiErrorKind::Unexpected);
    assert!(error.may_have_happened());
    assert!(!format!("{error:?}").contains("marked"));
}
