//! The webhook side: in this process for what takes time, over sockets for what goes wrong there.

use std::convert::Infallible;
use std::error::Error as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use lark_events::callback::{CardActionReply, CardActionTrigger, Toast};
use lark_events::{Dispatcher, Event, Opened, Webhook};
use lark_events_sim::{
    Answer, Document, MAX_ANSWER_BYTES, Missing, Mode, Platform, PlatformBuilder, StartErrorKind,
    WebhookError, WebhookErrorKind, WebhookUrlError,
};
use lark_events_tower::EventService;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tower::util::BoxCloneSyncService;
use vc_events::ReserveConfigUpdatedV1;

const KEY: &str = "marked-key";
const TOKEN: &str = "marked-token";

fn builder() -> PlatformBuilder {
    Platform::builder()
        .encrypt_key(KEY)
        .verification_token(TOKEN)
}

fn webhook() -> Webhook {
    let webhook = Webhook::builder()
        .encrypt_key(KEY)
        .verification_token(TOKEN);
    webhook.build().unwrap()
}

fn app() -> EventService<Dispatcher> {
    let dispatcher = Dispatcher::builder()
        .on::<ReserveConfigUpdatedV1>(|event: Event<ReserveConfigUpdatedV1>| async move {
            event.body.scope_id.map(drop).ok_or("no scope")
        })
        .on::<CardActionTrigger>(
            |_| async move { CardActionReply::new().toast(Toast::success("done")) },
        )
        .ignore(["message_read"])
        .build()
        .unwrap();
    EventService::new(webhook(), dispatcher)
}

type Requests = Arc<Mutex<Vec<Request<Bytes>>>>;
type App = BoxCloneSyncService<Request<Full<Bytes>>, Response<Full<Bytes>>, Infallible>;

/// An app that passes the URL check, then answers whatever it gets with `status` after `time`, and
/// keeps the requests.
fn answering(status: StatusCode, time: Duration) -> (App, Requests) {
    let requests = Requests::default();
    let seen = Arc::clone(&requests);
    let service = tower::service_fn(move |request: Request<Full<Bytes>>| {
        let seen = Arc::clone(&seen);
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            if let Ok(Opened::Challenge(challenge)) = webhook().open(&parts.headers, body.clone()) {
                return Ok(Response::new(Full::new(challenge.reply().into())));
            }
            seen.lock().unwrap().push(Request::from_parts(parts, body));
            tokio::time::sleep(time).await;
            let mut response = Response::new(Full::default());
            *response.status_mut() = status;
            Ok(response)
        }
    });
    (BoxCloneSyncService::new(service), requests)
}

fn status(answer: &Answer) -> u16 {
    answer.status().unwrap().as_u16()
}

#[tokio::test(start_paused = true)]
async fn a_signed_and_sealed_event_is_taken_by_our_own_webhook() {
    let platform = builder().webhook_service(app()).start().await.unwrap();
    let report = platform
        .push(Document::sample::<ReserveConfigUpdatedV1>())
        .await;
    assert!(report.acknowledged(), "{report:?}");
    assert_eq!(report.attempts[0].mode, Mode::Webhook);
    let Answer::Response { body, .. } = &report.attempts[0].answer else {
        panic!()
    };
    assert_eq!(body, r#"{"msg":"success"}"#);

    let old = Document::v1("message_read", &json!({"open_id": "ou_1"})).unwrap();
    assert!(platform.push(old).await.acknowledged());
}

#[tokio::test(start_paused = true)]
async fn a_nested_router_is_posted_to_at_its_path() {
    let lark = axum::Router::new().route_service("/event", app());
    let router: axum::Router = axum::Router::new()
        .route("/", axum::routing::get(|| async { "a page" }))
        .nest("/webhook", lark);
    let builder = || builder().webhook_service(router.clone());
    let platform = builder().path("/webhook/event?from=lark").start().await;
    let platform = platform.unwrap();
    assert!(
        platform
            .push(Document::sample::<ReserveConfigUpdatedV1>())
            .await
            .acknowledged()
    );
    let request = platform.request(Document::sample::<ReserveConfigUpdatedV1>());
    assert_eq!(status(&platform.post(request).await), 200);

    let refused = builder().start().await.unwrap_err().to_string();
    assert_eq!(
        refused, "the webhook was not set",
        "at `/` there is no webhook"
    );
    for path in [
        "",
        "webhook/event",
        "*",
        "/webhook event",
        "/webhook/event#there",
    ] {
        invalid_path(builder().path(path)).await;
    }
    invalid_path(Platform::builder().path("/webhook/event")).await;
    let url = Platform::builder().webhook("http://127.0.0.1:1/");
    invalid_path(url.path("/webhook/event")).await;
}

async fn invalid_path(builder: PlatformBuilder) {
    let error = builder.start().await.unwrap_err();
    assert_eq!(error.kind(), StartErrorKind::Webhook);
    let source: &WebhookError = error.source().unwrap().downcast_ref().unwrap();
    assert_eq!(source.kind(), WebhookErrorKind::InvalidPath);
}

#[tokio::test(start_paused = true)]
async fn without_an_encrypt_key_documents_are_plain_and_unsigned() {
    let plain = Webhook::builder()
        .verification_token(TOKEN)
        .build()
        .unwrap();
    let dispatcher = Dispatcher::builder()
        .on::<ReserveConfigUpdatedV1>(|_| async {})
        .build()
        .unwrap();
    let builder = Platform::builder().verification_token(TOKEN);
    let service = EventService::new(plain, dispatcher);
    let platform = builder.webhook_service(service).start().await.unwrap();
    assert!(
        platform
            .push(Document::sample::<ReserveConfigUpdatedV1>())
            .await
            .acknowledged()
    );

    let request = platform.request(Document::sample::<ReserveConfigUpdatedV1>());
    assert_eq!(request.headers().len(), 1, "the content type alone");
    let document: Value = serde_json::from_slice(request.body()).unwrap();
    assert_eq!(document["header"]["token"], TOKEN);
}

#[tokio::test(start_paused = true)]
async fn a_callback_resolves_to_its_reply_and_is_sent_once() {
    let platform = builder().webhook_service(app()).start().await.unwrap();
    let reply = platform
        .push_callback(Document::sample::<CardActionTrigger>())
        .await
        .unwrap();
    let reply: Value = serde_json::from_str(reply.as_str()).unwrap();
    assert_eq!(
        reply,
        json!({"toast": {"type": "success", "content": "done"}})
    );

    for (status, time, says) in [
        (
            500,
            Duration::ZERO,
            "the callback got no reply: status 500 Internal Server Error",
        ),
        (
            302,
            Duration::ZERO,
            "the callback got no reply: status 302 Found",
        ),
        (200, Duration::ZERO, "the callback's reply is not JSON"),
        (
            200,
            Duration::from_secs(4),
            "the callback got no reply: no answer in time",
        ),
    ] {
        let (app, requests) = answering(StatusCode::from_u16(status).unwrap(), time);
        let platform = builder().webhook_service(app).start().await.unwrap();
        let error = platform
            .push_callback(Document::sample::<CardActionTrigger>())
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), says);
        tokio::time::sleep(Duration::from_hours(24)).await;
        assert_eq!(requests.lock().unwrap().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_event_comes_again_by_the_schedule_byte_for_byte() {
    let (app, requests) = answering(StatusCode::INTERNAL_SERVER_ERROR, Duration::from_secs(1));
    let platform = builder().webhook_service(app).start().await.unwrap();
    let report = platform
        .push(Document::sample::<ReserveConfigUpdatedV1>())
        .await;
    assert!(report.ended && !report.acknowledged());
    let after: Vec<_> = report
        .attempts
        .iter()
        .map(|attempt| attempt.after.as_secs())
        .collect();
    assert_eq!(after, [0, 16, 317, 3918, 25519]);
    assert!(
        report
            .attempts
            .iter()
            .all(|attempt| status(&attempt.answer) == 500)
    );
    assert!(
        report
            .attempts
            .iter()
            .all(|attempt| attempt.took == Duration::from_secs(1))
    );

    let requests = requests.lock().unwrap();
    assert_eq!(requests.len(), 5);
    for request in &requests[1..] {
        assert_eq!(request.headers(), requests[0].headers());
        assert_eq!(request.body(), requests[0].body());
        assert!(
            webhook()
                .open(request.headers(), request.body().clone())
                .is_ok()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_has_to_come_within_three_seconds() {
    for (time, accepted) in [(2999, true), (3001, false)] {
        let (app, _) = answering(StatusCode::OK, Duration::from_millis(time));
        let platform = builder().webhook_service(app).start().await.unwrap();
        let mut push = platform.push(Document::sample::<ReserveConfigUpdatedV1>());
        let attempt = push.next_attempt().await.unwrap();
        assert_eq!(attempt.accepted(), accepted);
        assert_eq!(attempt.took, Duration::from_millis(time.min(3000)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_schedule_and_a_limit_of_ones_own_count() {
    let (app, requests) = answering(StatusCode::NO_CONTENT, Duration::from_millis(50));
    let builder = builder().redeliver_after([Duration::from_millis(5)]);
    let builder = builder.answer_limit(Duration::from_millis(40));
    let platform = builder.webhook_service(app).start().await.unwrap();
    let report = platform
        .push(Document::sample::<ReserveConfigUpdatedV1>())
        .await;
    let after: Vec<_> = report
        .attempts
        .iter()
        .map(|attempt| attempt.after.as_millis())
        .collect();
    assert_eq!(after, [0, 45]);
    assert_eq!(
        report.attempts[1].answer,
        Answer::Missing(Missing::TimedOut)
    );
    assert_eq!(requests.lock().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_webhook_is_set_only_if_it_passes_the_url_check() {
    let answering = |status: u16, body: &'static str, time: u64| {
        tower::service_fn(move |_: Request<Full<Bytes>>| async move {
            tokio::time::sleep(Duration::from_millis(time)).await;
            let response = Response::builder()
                .status(status)
                .body(Full::new(Bytes::from(body)));
            Ok::<_, Infallible>(response.unwrap())
        })
    };
    for (status, body, time, says) in [
        (404, "", 0, "the URL check failed: status 404 Not Found"),
        (
            200,
            "",
            0,
            "the webhook did not answer the URL check with its challenge",
        ),
        (
            200,
            r#"{"challenge":"other"}"#,
            0,
            "the webhook did not answer the URL check with its challenge",
        ),
        (200, "", 1001, "the URL check failed: no answer in time"),
    ] {
        let app = answering(status, body, time);
        let error = builder().webhook_service(app).start().await.unwrap_err();
        assert_eq!(error.kind(), StartErrorKind::Webhook);
        assert_eq!(error.source().unwrap().to_string(), says);
    }
    let longer = builder().url_check_limit(Duration::from_secs(2));
    let late = answering(200, "", 1001);
    let error = longer.webhook_service(late).start().await.unwrap_err();
    assert_eq!(
        error.source().unwrap().to_string(),
        "the webhook did not answer the URL check with its challenge"
    );
    let failing = tower::service_fn(|_| async { Err::<Response<Full<Bytes>>, _>("failed") });
    let error = builder()
        .webhook_service(failing)
        .start()
        .await
        .unwrap_err();
    let source = error.source().unwrap().to_string();
    assert_eq!(
        source,
        "the URL check failed: the connection was lost: failed"
    );

    // A token of another app, or another key.
    for builder in [
        builder().verification_token("other"),
        builder().encrypt_key("other"),
    ] {
        let error = builder.webhook_service(app()).start().await.unwrap_err();
        let source = error.source().unwrap().to_string();
        assert_eq!(source, "the URL check failed: status 401 Unauthorized");
    }
}

#[tokio::test]
async fn a_url_has_to_be_one_that_can_be_posted_to() {
    let platform = builder().start().await.unwrap();
    let https = platform.set_webhook("https://localhost/").await;
    assert_eq!(https.unwrap_err().kind(), WebhookErrorKind::NoTls);
    for url in ["localhost:1", "http://user@localhost/", "http://", "/", ""] {
        let invalid = platform.set_webhook(url).await.unwrap_err();
        assert_eq!(invalid.kind(), WebhookErrorKind::InvalidUrl, "{url}");
        assert!(invalid.source().unwrap().is::<WebhookUrlError>(), "{url}");
        let error = builder().webhook(url).start().await.unwrap_err();
        assert_eq!(error.to_string(), "the webhook was not set");
    }
}

#[tokio::test]
async fn an_app_on_a_socket_gets_its_events() {
    let router = axum::Router::new().route_service("/webhook/event", app());
    let listener = TcpListener::bind("[::1]:0").await;
    // Not every machine has the other loopback address.
    let listener = match listener {
        Ok(listener) => listener,
        Err(_) => TcpListener::bind("127.0.0.1:0").await.unwrap(),
    };
    let url = format!(
        "http://{}/webhook/event?app=1",
        listener.local_addr().unwrap()
    );
    let server = tokio::spawn(async move { axum::serve(listener, router).await });

    let platform = builder()
        .webhook(&url)
        .answer_limit(Duration::from_secs(60));
    let platform = platform.start().await.unwrap();
    assert!(
        platform
            .push(Document::sample::<ReserveConfigUpdatedV1>())
            .await
            .acknowledged()
    );
    assert_eq!(
        platform
            .set_webhook(&url.replace("event?", "other?"))
            .await
            .unwrap_err()
            .to_string(),
        "the URL check failed: status 404 Not Found"
    );
    let pushes: Vec<_> = (0..300)
        .map(|_| platform.push(Document::sample::<ReserveConfigUpdatedV1>()))
        .collect();
    for push in pushes {
        assert_eq!(push.await.attempts.len(), 1, "at the former webhook");
    }
    server.abort();
}

/// An app on a socket that passes nothing but raw bytes on: what `answer` says, then it closes.
async fn raw(answer: Vec<u8>) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let _ = socket.read(&mut request).await;
            let _ = socket.write_all(&answer).await;
        }
    });
    (url, serving)
}

#[tokio::test]
async fn what_goes_wrong_on_a_socket_is_told() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: ";
    let large = MAX_ANSWER_BYTES + 1;
    for (answer, missing) in [
        (Vec::new(), Missing::ConnectionLost),
        (b"nonsense\r\n\r\n".to_vec(), Missing::ConnectionLost),
        (
            format!("{head}10\r\n\r\n{{").into_bytes(),
            Missing::ConnectionLost,
        ),
        (
            format!("{head}{large}\r\n\r\n{}", " ".repeat(large)).into_bytes(),
            Missing::TooLarge,
        ),
    ] {
        let (url, serving) = raw(answer).await;
        let error = builder().webhook(&url).start().await.unwrap_err();
        let error = error
            .source()
            .unwrap()
            .downcast_ref::<WebhookError>()
            .unwrap();
        assert_eq!(error.answer(), Some(&Answer::Missing(missing)));
        serving.abort();
    }
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", free.local_addr().unwrap());
    drop(free);
    let platform = builder().start().await.unwrap();
    let refused = platform.set_webhook(&url).await.unwrap_err();
    let unreachable = Answer::Missing(Missing::Unreachable);
    assert_eq!(refused.answer(), Some(&unreachable));
    let unknown = platform.set_webhook("http://name.invalid/").await;
    let error = unknown.unwrap_err().to_string();
    let expected = "the URL check failed: cannot connect to the webhook: ";
    assert!(error.starts_with(expected), "{error}");
}

#[tokio::test(start_paused = true)]
async fn events_and_callbacks_go_the_ways_that_are_set() {
    let (app, requests) = answering(StatusCode::OK, Duration::ZERO);
    let builder = builder()
        .webhook_service(app)
        .callbacks_by(Mode::LongConnection);
    let platform = builder.start().await.unwrap();
    let error = platform
        .push_callback(Document::sample::<CardActionTrigger>())
        .await
        .unwrap_err();
    let attempt = error.attempt().unwrap();
    assert_eq!(attempt.mode, Mode::LongConnection);
    assert_eq!(attempt.answer, Answer::Missing(Missing::NowhereToSend));
    assert!(
        platform
            .push(Document::sample::<ReserveConfigUpdatedV1>())
            .await
            .acknowledged()
    );
    assert_eq!(requests.lock().unwrap().len(), 1);

    let platform = Platform::builder()
        .events_by(Mode::Webhook)
        .start()
        .await
        .unwrap();
    let mut push = platform.push("{}");
    let attempt = push.next_attempt().await.unwrap();
    assert_eq!(attempt.answer, Answer::Missing(Missing::NowhereToSend));
    assert_eq!(push.event_id(), "");
}

#[tokio::test(start_paused = true)]
async fn a_request_can_be_had_without_being_sent_and_posted_once_changed() {
    let platform = builder().webhook_service(app()).start().await.unwrap();
    let request = platform.request(Document::sample::<ReserveConfigUpdatedV1>());
    let mut forged = platform.request(Document::sample::<ReserveConfigUpdatedV1>());
    forged = forged.map(|body| {
        let mut body = body.to_vec();
        body[20] ^= 1;
        body.into()
    });
    assert_eq!(status(&platform.post(forged).await), 401);
    assert_eq!(status(&platform.post(request).await), 200);
    // Without a platform, and by one with another key.
    let request = builder().request(Document::sample::<ReserveConfigUpdatedV1>());
    assert_eq!(status(&platform.post(request).await), 200);
    let forger = builder().encrypt_key("other");
    let forged = forger.request(Document::sample::<ReserveConfigUpdatedV1>());
    assert_eq!(status(&platform.post(forged).await), 401);
    assert_eq!(platform.stats().attempts, 0);
}

#[tokio::test(start_paused = true)]
async fn delivery_goes_on_when_its_handle_is_dropped() {
    let (app, requests) = answering(StatusCode::BAD_GATEWAY, Duration::ZERO);
    let platform = builder().webhook_service(app).start().await.unwrap();
    drop(platform.push(Document::sample::<ReserveConfigUpdatedV1>()));
    tokio::time::sleep(Duration::from_hours(8)).await;
    assert_eq!(requests.lock().unwrap().len(), 5);
    assert_eq!(platform.stats().attempts, 5);

    let mut report = platform.push(Document::sample::<ReserveConfigUpdatedV1>());
    assert!(report.next_attempt().await.is_some());
    drop(platform);
    let report = report.await;
    assert!(!report.ended, "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn an_app_that_panics_has_lost_the_connection() {
    let inner = app();
    let panics = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let armed = Arc::clone(&panics);
    let service = tower::service_fn(move |request| {
        let (inner, panics) = (inner.clone(), Arc::clone(&panics));
        async move {
            assert!(
                !panics.load(std::sync::atomic::Ordering::Relaxed),
                "an app's own panic"
            );
            tower::ServiceExt::oneshot(inner, request).await
        }
    });
    let platform = builder().webhook_service(service).start().await.unwrap();
    armed.store(true, std::sync::atomic::Ordering::Relaxed);
    let mut push = platform.push(Document::sample::<ReserveConfigUpdatedV1>());
    let attempt = push.next_attempt().await.unwrap();
    assert_eq!(attempt.answer, Answer::Missing(Missing::ConnectionLost));
    armed.store(false, std::sync::atomic::Ordering::Relaxed);
    assert!(push.await.acknowledged());
}

#[tokio::test(start_paused = true)]
async fn a_callbacks_reply_does_not_wait_for_its_copy() {
    let platform = builder().webhook_service(app()).start().await.unwrap();
    platform.inject(lark_events_sim::Fault::Duplicate(Duration::from_hours(1)));
    let began = tokio::time::Instant::now();
    assert!(
        platform
            .push_callback(Document::sample::<CardActionTrigger>())
            .await
            .is_ok()
    );
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn limits_for_ever_do_not_overflow() {
    let (app, _) = answering(StatusCode::OK, Duration::from_secs(60));
    let builder = builder().answer_limit(Duration::MAX);
    let platform = builder.webhook_service(app).start().await.unwrap();
    assert!(
        platform
            .push(Document::sample::<ReserveConfigUpdatedV1>())
            .await
            .acknowledged()
    );
}

#[tokio::test]
async fn a_webhook_that_is_set_without_the_check_gets_events_whatever_it_answers() {
    let platform = builder().start().await.unwrap();
    let invalid = platform.set_webhook_unchecked("example.com/events");
    assert_eq!(invalid.unwrap_err().kind(), WebhookErrorKind::InvalidUrl);
    let mut push = platform.push_by(Mode::Webhook, Document::from("{}"), []);
    let attempt = push.next_attempt().await.unwrap();
    assert_eq!(attempt.answer, Answer::Missing(Missing::NowhereToSend));

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    assert!(platform.set_webhook(&url).await.is_err());
    platform.set_webhook_unchecked(&url).unwrap();
    let mut push = platform.push_by(Mode::Webhook, Document::from("{}"), []);
    let attempt = push.next_attempt().await.unwrap();
    assert_eq!(attempt.answer, Answer::Missing(Missing::Unreachable));
}
