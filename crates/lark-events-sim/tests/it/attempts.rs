//! What an attempt reports: what was sent, the faults, the cause of a failure, the next attempt.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use http_body_util::Full;
use lark_events::{Delivery, Dispatcher, Opened, Webhook};
use lark_events_sim::{
    Answer, Attempt, Document, Fault, Missing, Mode, Platform, PlatformBuilder, Sent,
    VERIFICATION_TOKEN,
};
use lark_events_tower::EventService;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::client::{Client, ID, SECRET};

const KEY: &str = "marked-key";
const OK: &str = r#"{"code":200}"#;
const LIMIT: Duration = Duration::from_secs(30);

fn builder() -> PlatformBuilder {
    Platform::builder().app(ID, SECRET).encrypt_key(KEY)
}

fn document() -> Document {
    Document::v2("kitchen.tea.ready_v1", &["green"]).unwrap()
}

fn webhook() -> Webhook {
    let webhook = Webhook::builder().encrypt_key(KEY);
    let webhook = webhook.verification_token(VERIFICATION_TOKEN);
    webhook.build().unwrap()
}

fn app() -> EventService<Dispatcher> {
    let dispatcher = Dispatcher::builder().ignore(["kitchen.tea.ready_v1"]);
    EventService::new(webhook(), dispatcher.build().unwrap())
}

fn failing_app() -> EventService<Dispatcher> {
    let dispatcher = Dispatcher::builder()
        .on_raw("kitchen.tea.ready_v1", |_| async { Err::<(), _>("no tea") })
        .build();
    EventService::new(webhook(), dispatcher.unwrap())
}

/// The parts of a request that was sent.
fn request(attempt: &Attempt) -> (&str, &HeaderMap, &Bytes) {
    match &attempt.sent {
        Some(Sent::Request {
            url, headers, body, ..
        }) => (url, headers, body),
        other => panic!("no request: {other:?}"),
    }
}

/// The message that was sent: its connection, its id and the number of its fragments.
fn message(attempt: &Attempt) -> (&str, &str, usize) {
    match &attempt.sent {
        Some(Sent::Message {
            connection,
            message_id,
            fragments,
            ..
        }) => (connection, message_id, *fragments),
        other => panic!("no message: {other:?}"),
    }
}

fn opened(headers: &HeaderMap, body: &Bytes) -> Delivery {
    match webhook().open(headers, body.clone()) {
        Ok(Opened::Delivery(delivery)) => delivery,
        other => panic!("no delivery: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_has_the_request_the_answer_and_no_next_one_once_it_is_accepted() {
    let platform = builder().webhook_service(app()).start().await.unwrap();
    let push = platform.push(document());
    let plain: Value = serde_json::from_slice(push.document()).unwrap();
    let report = push.await;
    let [attempt] = &*report.attempts else {
        panic!("{report:?}");
    };
    let (url, headers, body) = request(attempt);
    assert_eq!(url, "/");
    assert_eq!(headers.get(HOST), None);
    let delivery = opened(headers, body);
    assert_eq!(delivery.header.event_id.as_deref(), Some(&*report.event_id));
    assert_eq!(plain["header"]["event_id"], report.event_id);
    assert_eq!(plain["event"], json!(["green"]));
    let Answer::Response { headers, .. } = &attempt.answer else {
        panic!("{attempt:?}");
    };
    assert!(headers.contains_key(CONTENT_TYPE), "{headers:?}");
    assert_eq!((attempt.next, &attempt.error), (None, &None));
    assert_eq!(attempt.faults, []);
}

#[tokio::test(start_paused = true)]
async fn each_failed_attempt_says_when_the_next_one_follows() {
    let platform = builder().webhook_service(failing_app());
    let waits = [Duration::from_secs(15), Duration::from_mins(5)];
    let platform = platform.redeliver_after(waits).start().await.unwrap();
    platform.inject(Fault::LoseAnswer);
    let report = platform.push(document()).await;
    let after: Vec<_> = report.attempts.iter().map(|it| it.after).collect();
    let next: Vec<_> = report.attempts.iter().map(|it| it.next).collect();
    assert_eq!(next, [Some(after[1]), Some(after[2]), None]);
    assert_eq!(after[1], Duration::from_secs(18));
    assert_eq!(report.attempts[0].faults, [Fault::LoseAnswer]);
    assert_eq!(report.attempts[1].faults, []);

    // A redelivery has the bytes of the first request, not a copy of them.
    let bodies = report.attempts.iter().map(|attempt| request(attempt).2);
    let places: Vec<_> = bodies.map(|body| body.as_ptr()).collect();
    assert_eq!(places, [places[0]; 3]);
    assert_eq!(request(&report.attempts[0]), request(&report.attempts[2]));
}

#[tokio::test(start_paused = true)]
async fn no_attempt_follows_a_copy_and_a_copy_has_no_faults() {
    let platform = builder().webhook_service(failing_app());
    let waits = [Duration::from_secs(15)];
    let platform = platform.redeliver_after(waits).start().await.unwrap();
    let (late, delay) = (Duration::from_secs(1), Fault::Delay(Duration::from_secs(2)));
    let duplicate = Fault::Duplicate(late);
    platform.inject(duplicate);
    platform.inject(delay);
    let report = platform.push(document()).await;
    let shown = |it: &Attempt| (it.number, it.copy, it.next, it.faults.clone());
    let shown: Vec<_> = report.attempts.iter().map(shown).collect();
    let next = Some(Duration::from_secs(17));
    assert_eq!(
        shown,
        [
            (1, false, next, vec![duplicate, delay]),
            (1, true, None, vec![]),
            (2, false, None, vec![]),
        ]
    );
    assert_eq!(platform.stats().faults, 2);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_lost_on_its_way_was_sent() {
    let platform = builder().webhook_service(app()).start().await.unwrap();
    platform.inject(Fault::LoseEvent);
    let report = platform.push(document()).await;
    let [lost, redelivered] = &*report.attempts else {
        panic!("{report:?}");
    };
    assert_eq!(lost.answer, Answer::Missing(Missing::TimedOut));
    assert_eq!(request(lost), request(redelivered));

    platform.inject(Fault::ClockSkew(100));
    let report = platform.push(document()).await;
    let (_, headers, body) = request(&report.attempts[0]);
    assert_eq!(headers["content-type"], "application/json; charset=utf-8");
    opened(headers, body);
    let nowhere = platform.push_by(Mode::LongConnection, document(), []).await;
    assert_eq!(nowhere.attempts[0].sent, None);
}

#[tokio::test(start_paused = true)]
async fn a_message_has_its_connection_its_id_and_its_fragments() {
    let platform = builder().fragment_above(100).fragment_gap(Duration::ZERO);
    let platform = platform.start().await.unwrap();
    let mut client = Client::connect(&platform).await;
    let connection = platform.connections()[0].id.clone();
    for (fault, loses) in [
        (None, false),
        (Some(Fault::LoseEvent), true),
        (Some(Fault::LoseFragment), true),
        (Some(Fault::HalfOpen), true),
    ] {
        if let Some(fault) = fault {
            platform.inject(fault);
        }
        let push = platform.push_by(Mode::LongConnection, document(), []);
        let size = push.document().len();
        if !loses {
            let event = client.event().await;
            client.ack(&event, OK).await;
        }
        let report = push.await;
        let attempt = &report.attempts[0];
        assert_eq!(attempt.accepted(), !loses);
        assert_eq!(attempt.faults, Vec::from_iter(fault));
        let (on, id, fragments) = message(attempt);
        assert_eq!((on, fragments), (&*connection, size.div_ceil(100)));
        assert!(!id.is_empty());
        assert_eq!(attempt.next, None);
    }
    let first = platform.push_by(Mode::LongConnection, document(), [Duration::ZERO]);
    let report = first.await;
    let [first, second] = &*report.attempts else {
        panic!("{report:?}");
    };
    assert_ne!(message(first).1, message(second).1, "each is a message");
    assert_eq!(first.next, Some(second.after));
}

/// The next request on a socket, byte for byte: its first line, its headers and its body.
async fn received(listener: &TcpListener, answer: &str) -> (String, HeaderMap, Vec<u8>) {
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut bytes = Vec::new();
    loop {
        assert_ne!(socket.read_buf(&mut bytes).await.unwrap(), 0);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let (line, fields) = head.split_once("\r\n").unwrap();
        let fields = fields.lines().map(|field| field.split_once(": ").unwrap());
        let headers: HeaderMap = fields
            .map(|(name, value)| {
                let name: HeaderName = name.parse().unwrap();
                (name, HeaderValue::from_str(value).unwrap())
            })
            .collect();
        let length: usize = headers["content-length"].to_str().unwrap().parse().unwrap();
        if body.len() < length {
            continue;
        }
        let answer = match webhook().open(&headers, body.to_owned().into()) {
            Ok(Opened::Challenge(challenge)) => challenge.reply(),
            _ => answer.to_owned(),
        };
        let length = answer.len();
        let head = format!("HTTP/1.1 200 OK\r\nx-tea: green\r\ncontent-length: {length}\r\n\r\n");
        let response = head + &answer;
        socket.write_all(response.as_bytes()).await.unwrap();
        return (line.to_owned(), headers, body.as_bytes().to_vec());
    }
}

#[tokio::test]
async fn what_a_socket_receives_is_what_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (requests, mut seen) = mpsc::unbounded_channel();
    let serving =
        tokio::spawn(
            async move { while requests.send(received(&listener, "{}").await).is_ok() {} },
        );
    let url = format!("http://{address}/event?app=1");
    let builder = builder().webhook(&url).answer_limit(LIMIT);
    let platform = builder.start().await.unwrap();
    let report = timeout(LIMIT, platform.push(document())).await.unwrap();
    seen.recv().await.expect("the URL check");
    let (line, headers, body) = seen.recv().await.unwrap();
    assert_eq!(line, "POST /event?app=1 HTTP/1.1");
    let sent = request(&report.attempts[0]);
    assert_eq!(sent, (&*url, &headers, &Bytes::from(body)));
    assert_eq!(sent.1[HOST], address.to_string());
    let Answer::Response { headers, body, .. } = &report.attempts[0].answer else {
        panic!("{report:?}");
    };
    assert_eq!(
        (&headers["x-tea"], &**body),
        (&"green".parse().unwrap(), &b"{}"[..])
    );
    serving.abort();
}

#[tokio::test]
async fn a_missing_answer_has_its_cause() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        received(&listener, "").await;
        let answers: [&[u8]; 2] = [b"", b"nonsense\r\n\r\n"];
        for answer in answers {
            let (mut socket, _) = listener.accept().await.unwrap();
            let _ = socket.read(&mut [0; 4096]).await;
            let _ = socket.write_all(answer).await;
        }
    });
    let platform = builder().webhook(&url).redeliver_after([]);
    let platform = platform.start().await.unwrap();
    let attempt = async || {
        let push = timeout(LIMIT, platform.push(document()));
        push.await.unwrap().attempts.remove(0)
    };
    let closed = attempt().await;
    assert_eq!(closed.answer, Answer::Missing(Missing::ConnectionLost));
    assert!(closed.error.is_some(), "{closed:?}");
    let nonsense = attempt().await;
    assert_eq!(nonsense.answer, Answer::Missing(Missing::ConnectionLost));
    let error = nonsense.error.unwrap();
    assert!(error.starts_with("the answer is not HTTP: "), "{error}");

    // The listener is gone.
    serving.await.unwrap();
    let refused = attempt().await;
    assert_eq!(refused.answer, Answer::Missing(Missing::Unreachable));
    let error = refused.error.as_deref().unwrap();
    assert!(error.starts_with("Connection refused"), "{error}");
    let check = platform.set_webhook(&url).await.unwrap_err();
    let expected = format!("the URL check failed: cannot connect to the webhook: {error}");
    assert_eq!(check.to_string(), expected);
    assert!(std::error::Error::source(&check).is_none(), "in the text");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_fails_has_a_cause_too() {
    let service = tower::service_fn(|request: Request<Full<Bytes>>| async move {
        let mut app = app();
        let is_check = !request.headers().contains_key("x-lark-signature");
        if is_check {
            let answer = tower::Service::call(&mut app, request).await;
            return Ok::<_, std::io::Error>(
                answer.unwrap_or_else(|never: Infallible| match never {}),
            );
        }
        Err(std::io::Error::other("the kettle is empty"))
    });
    let platform = builder().webhook_service(service).redeliver_after([]);
    let report = platform.start().await.unwrap().push(document()).await;
    let attempt = &report.attempts[0];
    assert_eq!(attempt.answer, Answer::Missing(Missing::ConnectionLost));
    assert_eq!(attempt.error.as_deref(), Some("the kettle is empty"));
}

#[tokio::test(start_paused = true)]
async fn attempts_come_without_a_report_and_end_with_the_delivery() {
    let platform = builder().webhook_service(failing_app());
    let platform = platform.redeliver_after([Duration::from_secs(15)]);
    let platform = platform.start().await.unwrap();
    let mut push = platform.push(document());
    assert_eq!(push.next_attempt().await.unwrap().number, 1);
    let mut attempts = push.into_attempts();
    assert!(!attempts.ended());
    assert_eq!(attempts.next().await.unwrap().number, 2, "only later ones");
    assert_eq!(attempts.next().await, None);
    assert!(attempts.ended());
    let mut attempts = platform.push(document()).into_attempts();
    attempts.next().await.unwrap();
    platform.shutdown().await;
    assert_eq!(attempts.next().await, None);
    assert!(!attempts.ended(), "the platform was stopped first");
}

#[tokio::test(start_paused = true)]
async fn debug_shows_no_payload_no_token_and_no_value_of_a_header() {
    let app = tower::service_fn(|request: Request<Full<Bytes>>| async move {
        let is_check = !request.headers().contains_key("x-marked");
        let (parts, body) = request.into_parts();
        let body = http_body_util::BodyExt::collect(body).await.unwrap();
        let response = http::Response::builder().header("x-set", "marked-cookie");
        let opened = Webhook::builder()
            .verification_token("marked-token")
            .build();
        let body = match opened.unwrap().open(&parts.headers, body.to_bytes()) {
            Ok(Opened::Challenge(challenge)) if is_check => challenge.reply(),
            _ => "marked-reply".to_owned(),
        };
        Ok::<_, Infallible>(response.body(Full::new(Bytes::from(body))).unwrap())
    });
    let platform = Platform::builder()
        .app(ID, SECRET)
        .verification_token("marked-token")
        .webhook_service(app);
    let platform = platform.start().await.unwrap();
    let document = Document::v2("kitchen.tea.ready_v1", &["marked-body"]).unwrap();
    let verbatim = Document::from(r#"{"token":"marked-token"}"#);
    let documents = format!("{document:?} {verbatim:?}");
    let mut push = platform.push(document.clone());
    let attempt = push.next_attempt().await.unwrap();
    let pushed = format!("{push:?}");
    let callback = platform.push_callback(document.clone());
    let called = format!("{callback:?}");
    let error = callback.await.unwrap_err();
    let report = push.await;
    for (shown, has) in [
        (documents, "Verbatim(24 bytes)"),
        (pushed, "document_bytes: "),
        (called, "document_bytes: "),
        (format!("{attempt:?}"), r#"headers: ["x-set"]"#),
        (
            format!("{:?}", attempt.sent),
            r#"headers: ["content-type"]"#,
        ),
        (format!("{report:?}"), "body_bytes: 12"),
        (format!("{error:?}"), "body_bytes: 12"),
    ] {
        assert!(!shown.contains("marked"), "{shown}");
        assert!(shown.contains(has), "{has}: {shown}");
    }

    let mut client = Client::connect(&platform).await;
    let push = platform.push_by(Mode::LongConnection, document, []);
    let event = client.event().await;
    client
        .ack(&event, r#"{"code":200,"data":"bWFya2Vk"}"#)
        .await;
    let shown = format!("{:?}", push.await);
    assert!(shown.contains("reply_bytes: Some(6)"), "{shown}");
    assert!(!shown.contains("marked"), "{shown}");
}
