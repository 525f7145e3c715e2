//! Tokens: requested once for all callers, renewed once, never shared by apps.

use std::time::Duration;

use lark_events_api::{Api, ApiErrorKind};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::platform::{Fault, ID, Platform};

/// Calls at once; all succeed.
async fn calls(api: &Api, count: usize) {
    let mut calls = JoinSet::new();
    for _ in 0..count {
        let api = api.clone();
        calls.spawn(async move { api.recall("om_1").await });
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_first_calls_request_one_token() {
    let platform = Platform::new();
    let api = platform.api();
    calls(&api, 100).await;
    assert_eq!(
        (platform.token_requests(), platform.calls().len()),
        (1, 100)
    );
    calls(&api.clone(), 1).await;
    assert_eq!(platform.token_requests(), 1, "a clone has the same token");
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_in_every_form_is_renewed_once_and_the_call_repeated_once() {
    for code in [99_991_661, 99_991_663, 99_991_664, 99_991_668] {
        for status in [200, 400, 401] {
            let platform = Platform::new();
            let api = platform.api();
            calls(&api, 1).await;
            platform.fault(Fault::code(status, code));
            calls(&api, 1).await;
            assert_eq!(platform.token_requests(), 2, "{status} {code}");
            assert_eq!(platform.calls().len(), 3, "{status} {code}");

            // A new token that is rejected too is a failure, not a loop.
            platform.fault(Fault::code(status, code));
            platform.fault(Fault::code(status, code));
            let error = api.recall("om_1").await.unwrap_err();
            assert_eq!(error.kind(), ApiErrorKind::TokenRejected);
            assert_eq!((error.code(), error.log_id()), (Some(code), Some("log-1")));
            assert_eq!(error.status().unwrap().as_u16(), status);
            assert!(!error.may_have_happened());
            assert_eq!(platform.token_requests(), 3);
            assert_eq!(platform.calls().len(), 5);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_calls_with_a_revoked_token_request_one_new_token() {
    let platform = Platform::new();
    let api = platform.api();
    calls(&api, 1).await;
    platform.revoke();
    calls(&api, 100).await;
    assert_eq!(platform.token_requests(), 2);
    assert_eq!(platform.calls().len(), 201);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_before_it_expires() {
    let platform = Platform::new();
    let api = platform.api();
    calls(&api, 1).await;
    tokio::time::advance(Duration::from_secs(7200 - 301)).await;
    calls(&api, 1).await;
    assert_eq!(platform.token_requests(), 1);
    tokio::time::advance(Duration::from_secs(1)).await;
    calls(&api, 1).await;
    assert_eq!(platform.token_requests(), 2);

    // One that expires soon is not used by a later call.
    let platform = Platform::new();
    platform.tokens_last(299);
    let api = platform.api();
    calls(&api, 10).await;
    assert_eq!(platform.token_requests(), 1);
    calls(&api, 1).await;
    assert_eq!(platform.token_requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn two_apps_never_share_a_token() {
    let platform = Platform::new();
    let one = platform.api();
    let other = Api::builder("cli_other", "marked-other").transport(platform.clone());
    let other = other.build().unwrap();
    let (one, other) = (one, other);
    tokio::join!(calls(&one, 5), calls(&other, 5));
    calls(&one, 1).await;
    calls(&other, 1).await;
    assert_eq!(platform.token_requests(), 2);
    let mut tokens: Vec<_> = platform
        .calls()
        .into_iter()
        .map(|seen| seen.token.unwrap())
        .collect();
    tokens.sort();
    let six = |number: usize| vec![format!("marked-t-{number}"); 6];
    assert_eq!(tokens, [six(1), six(2)].concat());
    assert_eq!((one.app_id(), other.app_id()), (ID, "cli_other"));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_costs_the_others_nothing() {
    let platform = Platform::new();
    let api = platform.api();
    let mut first = Box::pin(api.recall("om_1"));
    tokio::select! {
        biased;
        _ = &mut first => panic!("no answer yet"),
        () = tokio::time::sleep(Duration::from_millis(10)) => {}
    }
    let others = {
        let api = api.clone();
        tokio::spawn(async move { calls(&api, 10).await })
    };
    tokio::task::yield_now().await;
    drop(first);
    others.await.unwrap();
    assert_eq!((platform.token_requests(), platform.calls().len()), (1, 10));
}

#[tokio::test(start_paused = true)]
async fn an_app_that_the_platform_rejects_fails_each_call_with_its_code() {
    let platform = Platform::new();
    let api = platform.api();
    for calls in 1..3 {
        platform.token_fault(Fault::code(200, 10_014));
        let error = api.recall("om_1").await.unwrap_err();
        assert_eq!(
            (error.kind(), error.code()),
            (ApiErrorKind::Refused, Some(10_014))
        );
        assert_eq!(
            (platform.token_requests(), platform.calls().len()),
            (calls, 0)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_for_a_token_is_repeated_and_has_a_deadline_of_its_own() {
    let platform = Platform::new();
    let api = platform.api();
    for fault in [Fault::NotSent, Fault::Lost, Fault::gateway(502)] {
        platform.revoke();
        platform.token_fault(fault);
        calls(&api, 1).await;
    }
    let platform = Platform::new();
    let api = platform.api();
    platform.token_fault(Fault::Never);
    let began = Instant::now();
    let error = api.recall("om_1").await.unwrap_err();
    assert_eq!(error.kind(), ApiErrorKind::TimedOut);
    assert_eq!(began.elapsed(), Duration::from_secs(10));
    calls(&api, 1).await;

    for odd in [
        "{}",
        r#"{"code":0}"#,
        r#"{"code":0,"tenant_access_token":"","expire":7200}"#,
        r#"{"code":0,"tenant_access_token":"a\nb","expire":7200}"#,
        r#"{"code":0,"tenant_access_token":"t","expire":-1}"#,
    ] {
        let platform = Platform::new();
        platform.token_fault(Fault::Answer(200, Vec::new(), odd.to_owned()));
        let error = platform.api().recall("om_1").await.unwrap_err();
        assert_eq!(error.kind(), ApiErrorKind::Unexpected, "{odd}");
        assert!(!error.may_have_happened(), "{odd}");
        assert_eq!(platform.calls().len(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_token_has_not_happened() {
    for fault in [
        Fault::Lost,
        Fault::TooLarge,
        Fault::Never,
        Fault::gateway(502),
    ] {
        let platform = Platform::new();
        for _ in 0..3 {
            platform.token_fault(fault.clone());
        }
        let error = platform.api().recall("om_1").await.unwrap_err();
        assert!(!error.may_have_happened(), "{fault:?} {error:?}");
        assert_eq!(platform.calls().len(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_token_requests_is_waited_for_until_the_deadline_of_the_call() {
    let platform = Platform::new();
    let api = platform.api();
    platform.token_fault(Fault::limited(429, Some("12")));
    let began = Instant::now();
    calls(&api, 3).await;
    let answers = Duration::from_millis(3 * 50);
    assert_eq!(began.elapsed(), Duration::from_secs(12) + answers);
    assert_eq!(platform.token_requests(), 2);

    let platform = Platform::new();
    let short = platform.api().with_deadline(Duration::from_secs(11));
    platform.token_fault(Fault::limited(429, Some("12")));
    let error = short.recall("om_1").await.unwrap_err();
    assert_eq!(error.kind(), ApiErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(12)));
    assert!(!error.may_have_happened());
}

#[tokio::test(start_paused = true)]
async fn a_token_that_comes_after_its_callers_have_given_up_is_kept() {
    let platform = Platform::new();
    let short = platform.api().with_deadline(Duration::from_millis(40));
    let error = short.recall("om_1").await.unwrap_err();
    assert_eq!(error.kind(), ApiErrorKind::TimedOut);
    tokio::time::sleep(Duration::from_millis(20)).await;
    // The call itself takes longer than its deadline, with the token that is there now.
    let error = short.recall("om_1").await.unwrap_err();
    assert!(error.may_have_happened());
    assert_eq!((platform.token_requests(), platform.calls().len()), (1, 1));
}
