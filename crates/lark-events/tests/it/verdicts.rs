//! What the errors of handlers ask for.

use std::error::Error;
use std::time::Duration;

use anyhow::Context as _;
use lark_events::dispatch::Verdict;
use lark_events::error::DispatchErrorKind;
use lark_events::{
    BoxError, Delivery, Dispatcher, EventHeader, Outcome, RawJson, RawReply, Reject, RetryAfter,
};

const DELAY: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
enum AppError {
    #[error("no cups")]
    Rejected(#[from] Reject),
    #[error(transparent)]
    Transparent(Reject),
    #[error(transparent)]
    Anyhow(anyhow::Error),
    #[error("busy")]
    Busy(#[source] RetryAfter),
    #[error(transparent)]
    TransparentlyBusy(RetryAfter),
}

fn verdict(error: impl Into<BoxError>) -> Option<Verdict> {
    Verdict::of(&*error.into())
}

fn reject() -> Reject {
    Reject::new("no cups")
}

#[test]
fn a_verdict_is_found_anywhere_in_the_chain() {
    let nested = || anyhow::Error::new(reject()).context("tea").context("app");
    let rejected: [BoxError; 6] = [
        reject().into(),
        AppError::from(reject()).into(),
        AppError::Transparent(reject()).into(),
        AppError::Anyhow(reject().into()).into(),
        AppError::Anyhow(nested()).into(),
        nested().into(),
    ];
    for error in rejected {
        assert_eq!(verdict(error), Some(Verdict::Reject));
    }
    let busy = || RetryAfter::new(DELAY, "429");
    let retried: [BoxError; 3] = [
        busy().into(),
        AppError::Busy(busy()).into(),
        AppError::TransparentlyBusy(busy()).into(),
    ];
    for error in retried {
        assert_eq!(verdict(error), Some(Verdict::RetryAfter(DELAY)));
    }
    assert_eq!(verdict("no cups"), None);
    // A context of anyhow is no source.
    let context = anyhow::anyhow!("no id").context(reject());
    assert_eq!(verdict(context), None);
    // The outermost one holds.
    let outer = RetryAfter::new(DELAY, reject());
    assert_eq!(verdict(outer), Some(Verdict::RetryAfter(DELAY)));
}

#[test]
fn a_verdict_says_why() {
    let text = |error: &(dyn Error + 'static)| {
        let chain = std::iter::successors(Some(error), |&error| error.source());
        let texts: Vec<_> = chain.map(ToString::to_string).collect();
        texts.join(": ")
    };
    let number = "x".parse::<u32>().map_err(Reject::new).unwrap_err();
    assert_eq!(
        text(&number),
        "the event is rejected: invalid digit found in string"
    );
    let retry = RetryAfter::new(DELAY, AppError::from(reject()));
    assert_eq!(
        text(&retry),
        "retry after 30s: no cups: the event is rejected: no cups"
    );
}

fn dispatcher(error: fn() -> BoxError) -> Dispatcher {
    let dispatcher =
        Dispatcher::builder().fallback(move |_| async move { Err::<RawReply, _>(error()) });
    dispatcher.build().unwrap()
}

fn delivery(event_type: &str) -> Delivery {
    Delivery::new(EventHeader::new(event_type), RawJson::default())
}

#[tokio::test]
async fn a_rejected_event_is_an_outcome_and_a_rejected_callback_an_error() {
    let rejecting = dispatcher(|| {
        let missing = None::<()>.context("no id").map_err(Reject::new);
        missing.map_err(Into::into).unwrap_err()
    });
    let outcome = rejecting.dispatch(delivery("kitchen.tea.ready_v1")).await;
    assert_eq!(
        outcome.unwrap(),
        Outcome::Rejected("the handler failed: the event is rejected: no id".to_owned())
    );
    let callback = rejecting.dispatch(delivery("card.action.trigger")).await;
    assert_eq!(callback.unwrap_err().kind(), DispatchErrorKind::Handler);
}

#[tokio::test]
async fn a_retry_is_an_error_that_keeps_its_delay() {
    let retrying = dispatcher(|| RetryAfter::new(DELAY, "429").into());
    let error = retrying.dispatch(delivery("kitchen.tea.ready_v1")).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), DispatchErrorKind::Handler);
    assert_eq!(verdict(error), Some(Verdict::RetryAfter(DELAY)));
}
