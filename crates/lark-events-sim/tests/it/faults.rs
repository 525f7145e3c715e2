//! Each fault does what it says, once, to the next thing that it can happen to.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use lark_events::{Opened, Webhook};
use lark_events_sim::{
    AckFate, Answer, Document, Fault, InjectedFault, Missing, Mode, Platform, PlatformBuilder,
    ProtocolViolationKind,
};
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
    Document::sample::<ReserveConfigUpdatedV1>()
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
    let push = platform.push(small());
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
        pushed.elapsed().as_secs(),
        1,
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
                        .map_err(|error| format!("{:?}", error.kind()));
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
    for _ in 0..200 {
        platform.inject(Fault::GarbageFrame);
        let push = platform.push(small());
        let garbage = client.message().await.unwrap();
        kinds.insert(match &garbage {
            Message::Text(_) => "text".to_owned(),
            Message::Binary(bytes) => match Frame::decode(bytes.clone()) {
                Err(error) => error.to_string(),
                Ok(frame) => {
                    let header = |key| frame.header(key).unwrap_or("-");
                    let keys = [header::TYPE, header::SUM, header::SEQ].map(header);
                    format!("{:?} {}", frame.method(), keys.join(" "))
                }
            },
            other => panic!("{other:?}"),
        });
        let event = client.event().await;
        client.ack(&event, OK).await;
        assert!(push.await.acknowledged());
    }
    let expected = [
        "None - - -",
        "Some(Control) pong - -",
        "Some(Data) card 1 0",
        "Some(Data) event - -",
        "Some(Data) event 1000000 1",
        "Some(Data) event 3 3",
        "Some(Data) event many 1",
        "text",
        "the frame has no SeqID",
        "the message is not a frame",
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
        for _ in 0..70 {
            let later = platform.push(small()).next_attempt().await.unwrap();
            assert_eq!(later.answer, Answer::Missing(Missing::TimedOut));
        }
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
    assert_eq!((pushed.elapsed(), push.await.attempts.len()), (two, 2));
    let report = platform.push(small());
    let event = client.event().await;
    client.ack(&event, OK).await;
    assert_eq!(report.await.attempts[0].after, two);

    platform.inject(Fault::LoseEvent);
    assert_eq!(platform.clear_faults(), [Fault::LoseEvent]);
    assert_eq!(platform.clear_faults(), []);
    let push = platform.push(small());
    let event = client.event().await;
    client.ack(&event, OK).await;
    assert_eq!(push.await.attempts.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_never_came_whole_cannot_be_acknowledged() {
    for seed in 0..50 {
        let platform = builder_of(seed, Platform::builder());
        let platform = platform.start().await.unwrap();
        let mut client = Client::connect(&platform).await;
        // In either order, the repeated one is not the lost one.
        let mut faults = [
            Fault::RepeatFragment,
            Fault::LoseFragment,
            Fault::ShuffleFragments,
        ];
        faults.rotate_left((seed % 3) as usize);
        faults.into_iter().for_each(|fault| platform.inject(fault));
        let push = platform.push(sample());
        let first = client.frame().await;
        let sum = number(&first, header::SUM);
        let mut frames = vec![first];
        for _ in 1..sum {
            frames.push(client.frame().await);
        }
        let mut seqs: Vec<_> = frames
            .iter()
            .map(|frame| number(frame, header::SEQ))
            .collect();
        seqs.sort_unstable();
        seqs.dedup();
        assert_eq!(seqs.len(), sum - 1);
        client.ack(&Event { frames }, OK).await;
        assert!(!push.await.acknowledged());
        let violations = platform.violations();
        assert!(
            matches!(violations[0].kind, ProtocolViolationKind::AnsweredTwice(_)),
            "{violations:?}"
        );
    }
}

fn builder_of(seed: u64, builder: PlatformBuilder) -> PlatformBuilder {
    let builder = builder.app(ID, SECRET).redeliver_after([]);
    builder.fragment_above(150).seed(seed)
}

#[tokio::test(start_paused = true)]
async fn a_fault_waits_for_what_it_can_happen_to() {
    let platform = builder_of(1, Platform::builder()).start().await.unwrap();
    // There is nothing to happen to.
    let all = [
        Fault::Disconnect,
        Fault::LoseEvent,
        Fault::Delay(Duration::from_secs(9)),
    ];
    all.into_iter().for_each(|fault| platform.inject(fault));
    let report = platform.push(small()).await;
    assert_eq!(
        report.attempts[0].answer,
        Answer::Missing(Missing::NowhereToSend)
    );
    assert_eq!(platform.stats().attempts, 0);
    let mut client = Client::connect(&platform).await;
    // The first of two that hide each other happens, the other one waits.
    let push = platform.push(small());
    client.event().await;
    assert_eq!(client.message().await, None);
    assert!(!push.await.acknowledged());
    assert_eq!(platform.clear_faults(), [Fault::LoseEvent]);

    let mut client = Client::connect(&platform).await;
    let hidden = [Fault::Disconnect, Fault::GarbageFrame];
    platform.inject(Fault::HalfOpen);
    hidden.into_iter().for_each(|fault| platform.inject(fault));
    assert!(!platform.push(small()).await.acknowledged());
    assert!(
        timeout(Duration::from_secs(60), client.message())
            .await
            .is_err()
    );
    assert_eq!(
        platform.clear_faults(),
        [Fault::Disconnect, Fault::GarbageFrame]
    );
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_closed_in_due_form_after_an_event() {
    let platform = builder_of(1, Platform::builder()).start().await.unwrap();
    let mut client = Client::connect(&platform).await;
    platform.inject(Fault::Close);
    let push = platform.push(small());
    let event = client.event().await;
    // What is said before the Close is answered still counts.
    client.ack(&event, OK).await;
    assert!(client.socket_close().await);
    assert!(push.await.acknowledged());

    let mut client = Client::connect(&platform).await;
    platform.close_connections();
    assert!(client.socket_close().await);
    drop(client);
    let stats = platform.until(|stats| stats.disconnects == 2).await;
    assert_eq!(stats.connections, 0);
}

#[tokio::test(start_paused = true)]
async fn spread_fragments_leave_room_for_other_frames() {
    let platform = builder_of(1, Platform::builder()).start().await.unwrap();
    let mut client = Client::connect(&platform).await;
    let second = Duration::from_millis(100);
    platform.inject(Fault::SpreadFragments(second));
    let pushed = Instant::now();
    let large = platform.push(sample());
    let first = client.frame().await;
    let sum = number(&first, header::SUM);
    let other = platform.push(small());
    client.ping().await;
    let mut frames = vec![first];
    let mut others = Vec::new();
    while frames.len() < sum || others.len() < 2 {
        let frame = client.frame().await;
        let same = frame.header(header::MESSAGE_ID) == frames[0].header(header::MESSAGE_ID);
        if same {
            assert_eq!(
                pushed.elapsed(),
                second * u32::try_from(frames.len()).unwrap()
            );
            frames.push(frame);
        } else {
            assert!(frames.len() < 3, "in between");
            others.push(frame);
        }
    }
    let event = others.pop_if(|frame| frame.header(header::SUM).is_some());
    let event = event.unwrap_or_else(|| others.remove(0));
    client
        .ack(
            &Event {
                frames: vec![event],
            },
            OK,
        )
        .await;
    client.ack(&Event { frames }, OK).await;
    assert!(other.await.acknowledged() && large.await.acknowledged());
}

#[tokio::test(start_paused = true)]
async fn each_answer_is_told_with_what_became_of_it() {
    let platform = Platform::builder().app(ID, SECRET).redeliver_after([]);
    let platform = platform.start().await.unwrap();
    let mut client = Client::connect(&platform).await;
    let push = |id: &str, fault| {
        if let Some(fault) = fault {
            platform.inject(fault);
        }
        platform.push(Document::v2("a.b_v1", &0).unwrap().event_id(id))
    };
    let pushed = push("counted", None);
    let event = client.event().await;
    client.ack(&event, OK).await;
    assert!(pushed.await.acknowledged());
    let pushed = push("lost", Some(Fault::LoseAnswer));
    let event = client.event().await;
    client.ack(&event, OK).await;
    assert!(!pushed.await.acknowledged());
    let pushed = push("twice", Some(Fault::RepeatFragment));
    for _ in 0..2 {
        let event = client.event().await;
        client.ack(&event, OK).await;
    }
    assert!(pushed.await.acknowledged());
    let pushed = push("late", None);
    let event = client.event().await;
    assert!(!pushed.await.acknowledged());
    client.ack(&event, r#"{"code":500}"#).await;

    platform.until(|stats| stats.acks == 5).await;
    let told = platform
        .acks()
        .into_iter()
        .map(|ack| (ack.event_id, ack.code, ack.fate));
    let expected = [
        ("counted", 200, AckFate::Counted),
        ("lost", 200, AckFate::Lost),
        ("twice", 200, AckFate::Counted),
        ("twice", 200, AckFate::Repeated),
        ("late", 500, AckFate::Late),
    ];
    assert!(told.eq(expected.map(|(id, code, fate)| (id.to_owned(), code, fate))));
    assert_eq!(
        (platform.stats().late_acks, platform.violations()),
        (1, vec![])
    );
}

#[tokio::test(start_paused = true)]
async fn the_endpoint_or_an_upgrade_says_nothing_or_something_else() {
    let platform = builder_of(1, Platform::builder()).start().await.unwrap();
    let minute = Duration::from_secs(60);
    let credentials = json!({"AppID": ID, "AppSecret": SECRET}).to_string();
    platform.inject(Fault::EndpointSilent);
    assert!(
        timeout(minute, endpoint(&platform, &credentials))
            .await
            .is_err()
    );
    platform.inject(Fault::Endpoint(0));
    let (_, reply) = endpoint(&platform, &credentials).await;
    assert_eq!(reply, json!({"code": 0, "msg": "", "data": {}}));

    let url = ticket(&platform).await;
    platform.inject(Fault::UpgradeSilent);
    assert!(
        timeout(minute, Client::connect_to(&platform, &url))
            .await
            .is_err()
    );
    platform.inject(Fault::UpgradeStatus(502));
    let refused = Client::connect_to(&platform, &url).await.err().unwrap();
    assert_eq!(
        (
            refused.status().as_u16(),
            refused.headers().get("handshake-status")
        ),
        (502, None)
    );
    assert!(Client::connect_to(&platform, &url).await.is_ok());
}

#[tokio::test]
#[should_panic(expected = "a status from 200 to 599")]
async fn a_status_that_is_none_cannot_be_injected() {
    builder_of(1, Platform::builder())
        .start()
        .await
        .unwrap()
        .inject(Fault::UpgradeStatus(101));
}

#[tokio::test(start_paused = true)]
async fn a_lasting_fault_happens_each_time_or_as_often_as_is_said() {
    let platform = platform().await;
    let mut client = Client::connect(&platform).await;
    platform.inject_lasting(Fault::LoseEvent, 1.0);
    platform.inject_lasting(Fault::Reorder, 0.0);
    let by = Mode::LongConnection;
    let report = platform.push_by(by, sample(), [Duration::ZERO; 2]).await;
    assert_eq!(report.attempts.len(), 3);
    assert!(!report.acknowledged());

    assert_eq!(platform.clear_faults(), []);
    platform.inject_lasting(Fault::Duplicate(Duration::ZERO), 0.25);
    let mut copies = 0;
    for _ in 0..400 {
        let mut push = platform.push(small());
        let event = client.event().await;
        client.ack(&event, OK).await;
        push.next_attempt().await.unwrap();
        if timeout(Duration::from_secs(1), client.event())
            .await
            .is_ok()
        {
            copies += 1;
        }
    }
    assert!((60..140).contains(&copies), "{copies} of 400");
}

#[tokio::test(start_paused = true)]
async fn faults_that_can_still_happen_are_listed_and_removed_one_by_one() {
    let platform = platform().await;
    assert_eq!(platform.faults(), []);
    platform.inject_lasting(Fault::Disconnect, 0.1);
    platform.inject(Fault::LoseAnswer);
    platform.inject(Fault::Delay(Duration::from_secs(2)));
    platform.inject(Fault::LoseAnswer);
    platform.inject_lasting(Fault::LoseAnswer, 1.0);
    let names = || -> Vec<_> {
        platform
            .faults()
            .iter()
            .map(InjectedFault::to_string)
            .collect()
    };
    let (once, lasting) = ("lose-answer", ["disconnect@0.1", "lose-answer@1"]);
    assert_eq!(names(), [once, "delay:2s", once, lasting[0], lasting[1]]);

    let all = platform.faults();
    assert!(platform.remove_fault(&all[0]));
    assert_eq!(names(), ["delay:2s", once, lasting[0], lasting[1]]);
    assert!(platform.remove_fault(&all[3]));
    assert!(!platform.remove_fault(&all[3]));
    assert_eq!(names(), ["delay:2s", once, lasting[1]]);
    let last = InjectedFault::lasting(Fault::LoseAnswer, 1.0);
    assert!(platform.remove_fault(&last), "made, not listed");

    // A fault that has happened is no longer there, and counts.
    let mut client = Client::connect(&platform).await;
    let push = platform.push_by(Mode::LongConnection, small(), []);
    let event = client.event().await;
    client.ack(&event, OK).await;
    assert_eq!(push.await.attempts[0].faults.len(), 2);
    assert_eq!((names().len(), platform.stats().faults), (0, 2));
    assert!(!platform.remove_fault(&all[0]));

    // So do faults of new connections and of calls.
    platform.inject(Fault::AcceptHalfOpen);
    platform.inject(Fault::Endpoint(1));
    platform.inject(Fault::ApiStatus(503));
    endpoint(&platform, "").await;
    let _client = Client::connect(&platform).await;
    assert_eq!(platform.stats().faults, 4);
    assert_eq!(names(), ["api-status:503"]);
    assert_eq!(platform.clear_faults(), [Fault::ApiStatus(503)]);
}
