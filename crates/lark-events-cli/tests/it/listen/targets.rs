//! Webhooks that do not accept: nothing is acknowledged that they have not.

use axum::http::{StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::any;
use lark_events_sim::{Answer, Attempt, Missing};

use super::*;
use crate::port::Port;

/// The code of the acknowledgement.
#[track_caller]
fn code(attempt: &Attempt) -> i64 {
    match &attempt.answer {
        Answer::Ack { code, .. } => *code,
        other => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_down_takes_no_event_and_gets_each_when_it_is_back() {
    let platform = platform().await;
    let (router, mut handled) = app(Duration::ZERO);
    let port = Port::reserve();
    let address = port.address.to_string();
    let url = format!("http://{address}/webhook/event");
    let mut listening = Listening::start(&platform, &url, &[]);
    let refused = listening.next("webhook-refused").await;
    let text = refused["text"].as_str().unwrap();
    #[cfg(unix)]
    assert!(text.contains("Connection refused"), "{refused}");
    assert!(text.contains("the webhook is not set yet: "), "{refused}");
    assert_eq!(platform.stats().upgrades, 0);

    let target = Target::serve_at(&address, router.clone()).await;
    listening.next("webhook-set").await;
    listening.next("connected").await;
    let mut push = platform.push(event());
    assert!(push.next_attempt().await.unwrap().accepted());
    assert_eq!(id(&handled.recv().await.unwrap()), push.event_id());

    drop(target);
    let mut push = platform.push(event());
    assert_eq!(code(&push.next_attempt().await.unwrap()), 500);
    listening.next("webhook-lost").await;
    let _target = Target::serve_at(&address, router).await;
    let report = timeout(LIMIT, &mut push).await.unwrap();
    assert!(report.acknowledged());
    assert_eq!(id(&handled.recv().await.unwrap()), report.event_id);
    assert!(handled.try_recv().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_webhook_is_answered_for_as_failed_before_the_platform_gives_up() {
    let platform = platform().await;
    let is_slow = Arc::new(AtomicBool::new(true));
    let (fast, mut handled) = app(Duration::ZERO);
    // It hangs on events, after the URL check.
    let slow = Arc::clone(&is_slow);
    let hanging = axum::middleware::from_fn(
        move |request: axum::extract::Request, next: axum::middleware::Next| {
            let slow = Arc::clone(&slow);
            async move {
                let is_event = request.headers().contains_key("x-lark-signature");
                if is_event && slow.load(Ordering::SeqCst) {
                    std::future::pending::<()>().await;
                }
                next.run(request).await
            }
        },
    );
    let target = Target::serve(fast.layer(hanging)).await;
    let mut listening = Listening::connected(&platform, &target.url, &[]).await;
    let mut push = platform.push(event());
    // An answer of 500, and not none. On a busy machine, the first answers may come too late.
    let answered = async {
        loop {
            let attempt = push.next_attempt().await.unwrap();
            if !matches!(attempt.answer, Answer::Missing(Missing::TimedOut)) {
                return attempt;
            }
        }
    };
    assert_eq!(code(&timeout(LIMIT, answered).await.unwrap()), 500);
    assert_eq!(listening.next("delivery").await["missing"], "timed-out");
    is_slow.store(false, Ordering::SeqCst);
    let report = timeout(LIMIT, push).await.unwrap();
    assert!(report.acknowledged());
    assert_eq!(id(&handled.recv().await.unwrap()), report.event_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed_and_acknowledges_nothing() {
    let platform = platform().await;
    for status in [301, 302, 303, 307, 308] {
        let reached = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&reached);
        let other = Router::new().fallback(any(move || async move {
            count.fetch_add(1, Ordering::SeqCst);
        }));
        let other = Target::serve(other).await;
        let status = StatusCode::from_u16(status).unwrap();
        let to = other.url.clone();
        let redirecting =
            any(move || async move { (status, [(header::LOCATION, to)]).into_response() });
        let target = Target::serve(Router::new().fallback(redirecting)).await;
        let mut listening = Listening::start(&platform, &target.url, &[]);
        let unchecked = listening.next("webhook-unchecked").await;
        assert!(
            unchecked["text"]
                .as_str()
                .unwrap()
                .contains(status.as_str()),
            "{unchecked}"
        );
        listening.next("connected").await;
        let mut push = platform.push_by(Mode::LongConnection, event(), []);
        assert_eq!(code(&push.next_attempt().await.unwrap()), 500);
        assert_eq!(listening.next("delivery").await["code"], status.as_u16());
        assert_eq!(reached.load(Ordering::SeqCst), 0);
        drop(listening);
        let gone = platform.until(|stats| stats.connections == 0);
        timeout(LIMIT, gone).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_without_a_json_reply_has_failed_and_is_counted_so() {
    for body in ["done", ""] {
        let platform = platform().await;
        let target = any(move || async move { body });
        let target = Target::serve(Router::new().fallback(target)).await;
        let mut listening = Listening::connected(&platform, &target.url, &[]).await;
        let pressed = Document::sample::<CardActionTrigger>();
        let error = timeout(LIMIT, platform.push_callback(pressed))
            .await
            .unwrap()
            .unwrap_err();
        assert_eq!(code(error.attempt().unwrap()), 500);
        assert_eq!(listening.next("delivery").await["code"], 200);
        let failed = listening.next("callback-failed").await;
        assert!(
            failed["text"]
                .as_str()
                .unwrap()
                .starts_with("#1: the callback failed, and the user sees an error"),
            "{failed}"
        );
        // Any body acknowledges an event.
        let mut push = platform.push(event());
        assert!(push.next_attempt().await.unwrap().accepted());
        listening.next("delivery").await;
        #[cfg(unix)]
        {
            listening.is_interrupted();
            assert_eq!(
                listening.ended().await,
                json!({
                    "kind": "summary", "pushes": 2, "acknowledged": 1, "not_acknowledged": 1,
                    "on_the_way": 0,
                })
            );
        }
    }
}
