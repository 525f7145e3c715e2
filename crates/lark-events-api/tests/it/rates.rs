//! Rate limits: waits as long as the platform says, before the deadline.

use std::time::Duration;

use lark_events::dispatch::Verdict;
use lark_events_api::{ApiErrorKind, Message, Receiver};
use tokio::time::Instant;

use crate::platform::{Fault, Platform};

#[tokio::test(start_paused = true)]
async fn a_call_waits_as_long_as_the_header_says() {
    for status in [200, 400, 429] {
        let platform = Platform::new();
        let api = platform.api();
        api.recall("om_1").await.unwrap();
        platform.fault(Fault::limited(status, Some("7")));
        platform.fault(Fault::limited(status, Some("3")));
        let began = Instant::now();
        api.recall("om_1").await.unwrap();
        let answers = Duration::from_millis(3 * 50);
        assert_eq!(
            began.elapsed(),
            Duration::from_secs(10) + answers,
            "{status}"
        );
        assert_eq!(platform.calls().len(), 4);
        assert_eq!(platform.token_requests(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_header_the_waits_double_and_end() {
    let platform = Platform::new();
    let api = platform
        .builder()
        .deadline(Duration::from_hours(1))
        .build()
        .unwrap();
    api.recall("om_1").await.unwrap();
    for _ in 0..6 {
        platform.fault(Fault::Answer(429, Vec::new(), "<html>".to_owned()));
    }
    let began = Instant::now();
    let error = api.recall("om_1").await.unwrap_err();
    assert_eq!(error.kind(), ApiErrorKind::RateLimited);
    let waits = Duration::from_secs(1 + 2 + 4 + 8 + 16);
    assert_eq!(began.elapsed(), waits + Duration::from_millis(6 * 50));
    assert_eq!(platform.calls().len(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_wait_beyond_the_deadline_is_left_to_the_caller() {
    let platform = Platform::new();
    let api = platform.api().with_deadline(Duration::from_secs(2));
    api.recall("om_1").await.unwrap();
    platform.fault(Fault::limited(429, Some("52")));
    let began = Instant::now();
    let error = api
        .send(Receiver::chat("oc_1"), Message::text("x"))
        .await
        .unwrap_err();
    assert_eq!(began.elapsed(), Duration::from_millis(50), "no wait");
    assert_eq!(error.kind(), ApiErrorKind::RateLimited);
    assert_eq!(error.code(), Some(99_991_400));
    assert_eq!(error.status().unwrap().as_u16(), 429);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(52)));
    let verdict = Verdict::RetryAfter(Duration::from_secs(52));
    assert_eq!(Verdict::of(&error), Some(verdict));
    assert!(!error.may_have_happened());
    assert_eq!(platform.messages().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_header_that_says_nothing_is_no_header() {
    for reset in ["-1", "soon", "NaN", ""] {
        let platform = Platform::new();
        let api = platform.api();
        api.recall("om_1").await.unwrap();
        platform.fault(Fault::limited(429, Some(reset)));
        let began = Instant::now();
        api.recall("om_1").await.unwrap();
        assert_eq!(began.elapsed(), Duration::from_millis(1100), "{reset}");
    }
}
