//! Each fault does what it says, once, to the next thing that it can happen to.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use lark_events::{EventType as _, Opened, Webhook};
use lark_events_sim::{Answer, Document, Fault, Missing, Platform};
use lark_events_ws::frame::{Frame, header};
use serde_json::json;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;
use vc_events::ReserveConfigUpdatedV1;

use crate::client::{Client, Event, ID, SECRET, endpoint, number, ticket};

const OK: &str = r#"{"code":200}"#;
const KEY: &str = "marked-key";

async fn platform() -> Platform {
    let builder = Platform::builder()
        .app(ID, SECRET)
        .fragment_above(300)
        .seed(3);
    builder.start().await.unwrap()
}

fn sample() -> Document {
    Document::from(ReserveConfigUpdatedV1::INFO)
}

fn small() -> Document {
    Document::from("{}")
}

fn id(event: &Event) -> String {
    event.json()["header"]["event_id"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_lost_event_never_comes_and_a_lost_answer_does_not_count() {
    let platform = platform().await;
    let mut client = Client::connect(&platform).await;
    for (fault, came_after) in [(Fault::LoseEvent, 18), (Fault::LoseAnswer, 0)] {
        platform.inject(fault);
        let pushed = Instant::now();
        let push = platform.push(sample());
        let event = client.event().await;
        assert_eq!(pushed.elapsed().as_secs(), came_after, "{fault:?}");
        client.ack(&event, OK).await;
        if fault == Fault::LoseAnswer {
            let again = client.event().await;
            assert_eq!(pushed.elapsed().as_secs(), 18, "{fault:?}");
            assert_eq!(id(&again), id(&event));
            client.ack(&again, OK).await;
        }
        let report = push.await;
        assert_eq!(report.attempts.len(), 2);
        assert_eq!(
            report.attempts[0].answer,
            Answer::Missing(Missing::TimedOut)
        );
        assert!(report.attempts[1].accepted());
    }
    assert_eq!(platform.violations(), []);
}

#[tokio::test(start_paused = true)]
async fn a_delayed_event_comes_later_and_has_its_whole_limit() {
    let platform = platform().await;
    let mut client = Client::connect(&platform).await;
    platform.inject(Fault::Delay(Duration::from_secs(10)));
    let pushed = Instant::now();
    let push = platform.push(sample());
    let event = client.event().await;
    assert_eq!(pushed.elapsed(), Duration::from_secs(10));
    tokio::time::sleep(Duration::from_millis(2900)).await;
    client.ack(&event, OK).await;
    let report = push.await;
    assert_eq!(report.attempts[0].after, Duration::from_secs(10));
    assert!(report.acknowledged());
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_comes_on_top_also_after_a_good_answer() {
    let platform = platform().await;
    let mut client = Client::connect(&platform).await;
    for after in [Duration::ZERO, Duration::from_secs(60)] {
        platform.inject(Fault::Duplicate(after));
        let pushed = Instant::now();
        let push = platform.push(small());
        for _ in 0..2 {
            let event = client.event().await;
            client.ack(&event, OK).await;
        }
        assert_eq!(pushed.elapsed(), after);
        let report = push.await;
        let copies: Vec<_> = report.attempts.iter().map(|attempt| attempt.copy).collect();
        assert_eq!(copies, [false, true]);
        assert!(
            report
                .attempts
                .iter()
                .all(|attempt| attempt.accepted() && attempt.number == 1)
        );
    }
    assert_eq!(platform.violations(), []);
}

#[tokio::test(start_paused = true)]
async fn a_reordered_event_comes_after_the_next_one() {
    let platform = platform().await;
    let mut client = Client::connect(&platform).await;
    platform.inject(Fault::Reorder);
    let first = platform.push(sample());
    // Both are on their way at once.
    tokio::task::yield_now().await;
    let second = platform.push(sample());
    for expected in [second.event_id(), first.event_id()] {
        let event = client.event().await;
        assert_eq!(id(&event), expected);
        client.ack(&event, OK).await;
    }
    platform.inject(Fault::Reorder);
    let pushed = Instant::now();
    let alone = platform.push(sample());
    assert_eq!(id(&client.event().await), alone.event_id());
    assert_eq!(
        pushed.elapsed(),
        Duration::from_secs(1),
        "there is no other to wait for"
    );
}

#[tokio::test(start_paused = true)]
async fn a_webhook_request_is_signed_by_a_clock_that_is_off() {
    type Verdicts = Arc<Mutex<Vec<Result<(), String>>>>;
    let verdicts = Verdicts::default();
    let seen = Arc::clone(&verdicts);
    let webhook = Webhook::builder()
        .encrypt_key(KEY)
        .verification_token("t")
        .build()
        .unwrap();
    let webhook = Arc::new(webhook);
    let app = tower::service_fn(move |request: Request<Full<Bytes>>| {
        let (webhook, seen) = (Arc::clone(&webhook), Arc::clone(&seen));
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let opened = webhook.open(&parts.headers, body);
            let answer = match opened {
                Ok(Opened::Challenge(challenge)) => challenge.reply().into(),
                opened => {
                    let verdict = opened
                        .map(drop)
                        .map_err(|error| format!("{:?}", error.reason()));
                    seen.lock().unwrap().push(verdict);
                    Bytes::new()
                }
            };
            Ok::<_, Infallible>(Response::new(Full::new(answer)))
        }
    });
    let builder = Platform::builder().encrypt_key(KEY).verification_token("t");
    let platform = builder.webhook_service(app).start().await.unwrap();
    for skew in [20 * 60, -9 * 60 * 60, -7 * 60 * 60, 5 * 60] {
        platform.inject(Fault::ClockSkew(skew));
        platform.push(sample()).await;
    }
    platform.push(sample()).await;
    let verdicts = verdicts.lock().unwrap();
    let refused: Vec<_> = verdicts.iter().map(Result::is_err).collect();
    assert_eq!(refused, [true, true, false, false, false], "{verdicts:?}");
    assert!(
        verdicts[0].as_ref().unwrap_err().contains("Timestamp"),
        "{verdicts:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn garbage_comes_before_an_event() {
    let platform = platform().await;
    let mut client = Client::connect(&platform).await;
    let mut kinds = std::collections::BTreeSet::new();
    for _ in 0..40 {
        platform.inject(Fault::GarbageFrame);
        let push = platform.push(small());
        let garbage = client.message().await.unwrap();
        kinds.insert(match &garbage {
            Message::Text(_) => "text".to_owned(),
            Message::Binary(bytes) => match Frame::decode(bytes.clone()) {
                Err(error) => error.to_string(),
                Ok(frame) => format!(
                    "{:?} {:?}",
                    frame.method(),
                    frame.header(header::MESSAGE_ID)
                ),
            },
            other => panic!("{other:?}"),
        });
        let event = client.event().await;
        client.ack(&event, OK).await;
        assert!(push.await.acknowledged());
    }
    let expected = [
        "None None",
        "Some(Data) None",
        "a frame without SeqID",
        "not a frame",
        "text",
    ];
    assert!(kinds.iter().eq(expected), "{kinds:?}");
    assert_eq!(platform.violations(), []);
}

#[tokio::test(start_paused = true)]
async fn fragments_are_shuffled_lost_or_repeated() {
    let platform = platform().await;
    let mut client = Client::connect(&platform).await;

    // A message of one frame is not struck: the fault waits for one of several.
    platform.inject(Fault::ShuffleFragments);
    let push = platform.push(small());
    let event = client.event().await;
    client.ack(&event, OK).await;
    assert!(push.await.acknowledged());
    let push = platform.push(sample());
    let event = client.event().await;
    let order: Vec<_> = event
        .frames
        .iter()
        .map(|frame| number(frame, header::SEQ))
        .collect();
    assert!(order.len() > 3 && !order.is_sorted(), "{order:?}");
    assert_eq!(id(&event), push.event_id());
    client.ack(&event, OK).await;
    assert!(push.await.acknowledged());

    platform.inject(Fault::LoseFragment);
    let push = platform.push(sample());
    let mut seen = Vec::new();
    let again = loop {
        let frame = client.frame().await;
        let first = seen
            .first()
            .map(|frame: &Frame| frame.header(header::MESSAGE_ID).map(str::to_owned));
        if first.is_some_and(|first| first.as_deref() != frame.header(header::MESSAGE_ID)) {
            break frame;
        }
        seen.push(frame);
    };
    assert_eq!(seen.len(), number(&again, header::SUM) - 1);
    let mut frames = vec![again];
    while frames.len() < number(&frames[0], header::SUM) {
        frames.push(client.frame().await);
    }
    let event = Event { frames };
    client.ack(&event, OK).await;
    let report = push.await;
    assert_eq!(
        report.attempts[0].answer,
        Answer::Missing(Missing::TimedOut)
    );
    assert!(report.attempts[1].accepted());

    platform.inject(Fault::RepeatFragment);
    let push = platform.push(sample());
    let event = client.event().await;
    let once_more = client.frame().await;
    assert!(event.frames.contains(&once_more));
    client.ack(&event, OK).await;
    assert!(push.await.acknowledged());

    // Of a message of one frame that is the message, twice: both may be answered.
    platform.inject(Fault::RepeatFragment);
    let push = platform.push(small());
    for _ in 0..2 {
        let event = client.event().await;
        client.ack(&event, OK).await;
    }
    assert!(push.await.acknowledged());
    client.ping().await;
    client.frame().await;
    assert_eq!(platform.violations(), []);
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_cut_right_after_an_event() {
    let platform = platform().await;
    let mut client = Client::connect(&platform).await;
    platform.inject(Fault::Disconnect);
    let mut push = platform.push(sample());
    let event = client.event().await;
    assert_eq!(id(&event), push.event_id());
    assert_eq!(client.message().await, None);
    let attempt = push.next_attempt().await.unwrap();
    assert_eq!(attempt.answer, Answer::Missing(Missing::ConnectionLost));
    assert_eq!(platform.stats().connections, 0);

    let mut client = Client::connect(&platform).await;
    platform.disconnect();
    assert!(!client.socket_close().await, "no Close came");
    platform.until(|stats| stats.connections == 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_half_open_connection_says_nothing_and_nothing_said_to_it_counts() {
    let hour = Duration::from_hours(1);
    for from_the_start in [false, true] {
        let platform = platform().await;
        if from_the_start {
            platform.inject(Fault::AcceptHalfOpen);
        }
        let mut client = Client::connect(&platform).await;
        if !from_the_start {
            client.ping().await;
            client.frame().await;
            platform.inject(Fault::HalfOpen);
        }
        let mut push = platform.push(sample());
        let attempt = push.next_attempt().await.unwrap();
        assert_eq!(attempt.answer, Answer::Missing(Missing::TimedOut));
        client.ping().await;
        client.send(Message::Ping(Bytes::new())).await;
        assert!(timeout(hour, client.message()).await.is_err());
        assert_eq!(platform.stats().pings, usize::from(!from_the_start));
        assert_eq!(platform.stats().connections, 1);
        // It is gone when the client is.
        drop(client);
        platform.until(|stats| stats.connections == 0).await;

        platform.inject(Fault::AcceptHalfOpen);
        let _client = Client::connect(&platform).await;
        timeout(hour, platform.shutdown())
            .await
            .expect("it is not waited for");
    }
}

#[tokio::test(start_paused = true)]
async fn the_endpoint_is_busy_or_down_and_upgrades_are_refused() {
    let platform = platform().await;
    let credentials = json!({"AppID": ID, "AppSecret": SECRET}).to_string();
    for fault in [
        Fault::Endpoint(1),
        Fault::Endpoint(1_000_040_343),
        Fault::EndpointStatus(502),
    ] {
        platform.inject(fault);
    }
    let (status, reply) = endpoint(&platform, &credentials).await;
    assert_eq!(
        (status, reply),
        (200, json!({"code": 1, "msg": "system busy", "data": {}}))
    );
    let (status, reply) = endpoint(&platform, &credentials).await;
    assert_eq!((status, &reply["code"]), (200, &json!(1_000_040_343_i64)));
    let (status, reply) = endpoint(&platform, &credentials).await;
    assert_eq!((status, reply), (502, json!(null)));

    for (code, auth_code) in [(403, 0), (514, 1_000_040_350), (514, 7), (500, 0)] {
        platform.inject(Fault::RefuseUpgrade(code, auth_code));
        let url = ticket(&platform).await;
        let refused = Client::connect_to(&platform, &url).await.err().unwrap();
        assert_eq!(refused.headers()["handshake-status"], code.to_string());
        assert_eq!(refused.headers()["handshake-msg"], "refused");
        let auth = refused.headers().get("handshake-autherrcode");
        let expected = (auth_code != 0).then(|| auth_code.to_string());
        assert_eq!(auth.map(|code| code.to_str().unwrap()), expected.as_deref());
        // The ticket is still good.
        Client::connect_to(&platform, &url).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn faults_of_one_kind_queue_up_others_strike_together_and_can_be_forgotten() {
    let platform = platform().await;
    let mut client = Client::connect(&platform).await;
    let (one, two) = (Duration::from_secs(1), Duration::from_secs(2));
    for fault in [Fault::Delay(one), Fault::Delay(two), Fault::Duplicate(one)] {
        platform.inject(fault);
    }
    let pushed = Instant::now();
    let push = platform.push(small());
    for _ in 0..2 {
        let event = client.event().await;
        client.ack(&event, OK).await;
    }
    assert_eq!((pushed.elapsed(), push.await.attempts.len()), (one, 2));
    let report = platform.push(small());
    let event = client.event().await;
    client.ack(&event, OK).await;
    assert_eq!(report.await.attempts[0].after, two);

    platform.inject(Fault::LoseEvent);
    platform.clear_faults();
    let push = platform.push(small());
    let event = client.event().await;
    client.ack(&event, OK).await;
    assert_eq!(push.await.attempts.len(), 1);
}
