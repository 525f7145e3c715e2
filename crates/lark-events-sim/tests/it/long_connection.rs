//! The long connection in good order, and what clients do wrong.

use std::time::Duration;

use bytes::Bytes;
use lark_events::callback::CardActionTrigger;
use lark_events_sim::{
    Answer, ClientConfig, Document, FRAGMENT_GAP, Fault, MAX_CONNECTIONS, MAX_VIOLATIONS, Missing,
    Mode, Platform, PlatformBuilder, ProtocolViolationKind,
};
use lark_events_ws::frame::{Frame, Method, header};
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use vc_events::ReserveConfigUpdatedV1;

use crate::client::{Client, Event, ID, SECRET, call_endpoint, endpoint, number, ticket};

fn builder() -> PlatformBuilder {
    Platform::builder().app(ID, SECRET)
}

async fn platform() -> Platform {
    builder().start().await.unwrap()
}

fn sample() -> Document {
    Document::sample::<ReserveConfigUpdatedV1>()
}

#[tokio::test(start_paused = true)]
async fn the_endpoint_gives_an_address_and_settings_for_the_apps_credentials_alone() {
    let platform = platform().await;
    let credentials = json!({"AppID": ID, "AppSecret": SECRET}).to_string();
    let (status, reply) = endpoint(&platform, &credentials).await;
    assert_eq!((status, &reply["code"]), (200, &json!(0)));
    let url = reply["data"]["URL"].as_str().unwrap();
    let origin = platform.base_url().replace("http://", "ws://");
    assert!(url.starts_with(&format!("{origin}/ws/v2?")), "{url}");
    for part in ["&device_id=", "&service_id=", "&ticket="] {
        assert!(url.contains(part), "{url}");
    }
    let config = json!({"ReconnectCount": -1, "ReconnectInterval": 120, "ReconnectNonce": 30,
        "PingInterval": 120});
    assert_eq!(reply["data"]["ClientConfig"], config);

    for (body, code) in [
        (
            json!({"AppID": ID, "AppSecret": "other"}),
            1_000_040_345_i64,
        ),
        (
            json!({"AppID": "cli_0", "AppSecret": SECRET}),
            1_000_040_345,
        ),
        (json!({"AppID": ID}), 1_000_040_344),
        (json!("?"), 1_000_040_344),
    ] {
        let (status, reply) = endpoint(&platform, &body.to_string()).await;
        assert_eq!((status, &reply["code"]), (200, &json!(code)), "{body}");
        assert_eq!(reply["data"], json!({}), "{body}");
    }
    let (_, reply) = endpoint(&platform, &"x".repeat(100_000)).await;
    assert_eq!(reply["code"], 1_000_040_344_i64);
    assert_eq!(platform.stats().endpoint_calls, 6);
}

#[tokio::test(start_paused = true)]
async fn a_ticket_opens_one_connection_once() {
    let platform = platform().await;
    let url = ticket(&platform).await;
    let _first = Client::connect_to(&platform, &url).await.unwrap();
    let made_up = url.replace("ticket=", "ticket=0");
    let other_service = ticket(&platform)
        .await
        .replace("service_id=", "service_id=1");
    for url in [&url, &made_up, &other_service] {
        let refused = Client::connect_to(&platform, url).await.err().unwrap();
        assert_eq!(refused.headers()["handshake-status"], "514");
        assert!(refused.headers().contains_key("handshake-msg"));
        assert_ne!(refused.headers()["handshake-autherrcode"], "1000040350");
    }
    let stats = platform.stats();
    assert_eq!(
        (stats.upgrades, stats.refused_upgrades, stats.connections),
        (1, 3, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn an_app_has_50_connections_at_most() {
    let platform = platform().await;
    let mut clients = Vec::new();
    for _ in 0..MAX_CONNECTIONS {
        clients.push(Client::connect(&platform).await);
    }
    let url = ticket(&platform).await;
    let refused = Client::connect_to(&platform, &url).await.err().unwrap();
    assert_eq!(refused.headers()["handshake-status"], "514");
    assert_eq!(refused.headers()["handshake-autherrcode"], "1000040350");

    drop(clients.pop());
    platform.until(|stats| stats.connections == 49).await;
    Client::connect(&platform).await;
}

#[tokio::test(start_paused = true)]
async fn an_event_is_one_data_frame_and_its_ack_is_the_answer() {
    let platform = platform().await;
    let mut client = Client::connect(&platform).await;
    let push = platform.push(sample());
    let event = client.event().await;

    let frame = &event.frames[0];
    assert_eq!(frame.method(), Some(Method::Data));
    assert_eq!(frame.service, client.service);
    assert_eq!(frame.header(header::TYPE), Some("event"));
    assert_eq!(
        (number(frame, header::SUM), number(frame, header::SEQ)),
        (1, 0)
    );
    assert!(number(frame, header::TIMESTAMP) > 1_700_000_000_000);
    assert!(frame.header(header::TRACE_ID).is_some());
    let json = event.json();
    assert_eq!(json["header"]["event_id"], push.event_id());
    assert_eq!(json["header"]["app_id"], ID);

    client.ack(&event, r#"{"code":200}"#).await;
    let report = push.await;
    assert!(report.acknowledged() && report.ended);
    let [attempt] = &report.attempts[..] else {
        panic!("{report:?}")
    };
    assert_eq!(
        (attempt.number, attempt.copy, attempt.mode),
        (1, false, Mode::LongConnection)
    );
    assert!(
        matches!(
            attempt.answer,
            Answer::Ack {
                code: 200,
                reply: None,
                biz_rt: Some(1),
                ..
            }
        ),
        "{attempt:?}"
    );
    assert_eq!(platform.violations(), []);
}

#[tokio::test(start_paused = true)]
async fn a_large_event_comes_in_fragments_of_one_message() {
    let platform = builder().fragment_above(1000).start().await.unwrap();
    let mut client = Client::connect(&platform).await;
    // Characters of three bytes are cut in two by fragments of 1000.
    let text = "会议室".repeat(500);
    let push = platform.push(Document::v2("a.b_v1", &json!({"text": text})).unwrap());
    let event = client.event().await;
    assert!(event.frames.len() > 4);
    for (seq, frame) in event.frames.iter().enumerate() {
        assert_eq!(number(frame, header::SEQ), seq);
        assert_eq!(number(frame, header::SUM), event.frames.len());
        assert!(frame.payload.as_ref().unwrap().len() <= 1000);
        let first = &event.frames[0];
        assert_eq!(
            frame.header(header::MESSAGE_ID),
            first.header(header::MESSAGE_ID)
        );
        assert_eq!(frame.seq_id, first.seq_id + seq as u64);
    }
    assert_eq!(event.json()["event"]["text"], text);
    client.ack(&event, r#"{"code":200}"#).await;
    assert!(push.await.acknowledged());
    assert_eq!(platform.violations(), []);
}

/// When the frames of the next event come, after it was pushed.
async fn came(client: &mut Client, pushed: Instant) -> (Event, Vec<Duration>) {
    let first = client.frame().await;
    let mut times = vec![pushed.elapsed()];
    let mut frames = vec![first];
    while frames.len() < number(&frames[0], header::SUM) {
        frames.push(client.frame().await);
        times.push(pushed.elapsed());
    }
    (Event { frames }, times)
}

#[tokio::test(start_paused = true)]
async fn fragments_come_one_by_one_unless_they_are_to_come_back_to_back() {
    let ms = Duration::from_millis;
    let text = "x".repeat(2_500);
    let large = || Document::v2("a.b_v1", &json!({"text": text})).unwrap();
    let set = |gap: Option<Duration>| {
        let builder = builder().fragment_above(1000).redeliver_after([]);
        gap.into_iter().fold(builder, PlatformBuilder::fragment_gap)
    };
    for (gap, fault, times) in [
        (None, None, [ms(0), FRAGMENT_GAP, 2 * FRAGMENT_GAP]),
        (Some(ms(50)), None, [ms(0), ms(50), ms(100)]),
        (Some(ms(0)), None, [ms(0); 3]),
        (None, Some(ms(0)), [ms(0); 3]),
        (Some(ms(0)), Some(ms(7)), [ms(0), ms(7), ms(14)]),
    ] {
        let platform = set(gap).start().await.unwrap();
        let mut client = Client::connect(&platform).await;
        if let Some(gap) = fault {
            platform.inject(Fault::SpreadFragments(gap));
        }
        let pushed = Instant::now();
        let push = platform.push(large());
        let (event, came) = came(&mut client, pushed).await;
        assert_eq!(came, times, "{gap:?} {fault:?}");
        client.ack(&event, r#"{"code":200}"#).await;
        assert!(push.await.acknowledged());
        assert_eq!(platform.violations(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_an_answer_begins_with_the_last_fragment() {
    let gap = Duration::from_secs(2);
    let builder = builder().fragment_above(1000).fragment_gap(gap);
    let platform = builder.redeliver_after([]).start().await.unwrap();
    let mut client = Client::connect(&platform).await;
    let large = || Document::v2("a.b_v1", &json!({"text": "x".repeat(2_500)})).unwrap();
    let second = Duration::from_secs(1);
    for (answers_after, accepted) in [(2 * second, true), (4 * second, false)] {
        let pushed = Instant::now();
        let push = platform.push(large());
        let (event, _) = came(&mut client, pushed).await;
        tokio::time::sleep(answers_after).await;
        client.ack(&event, r#"{"code":200}"#).await;
        let report = push.await;
        let attempt = &report.attempts[0];
        assert_eq!(attempt.accepted(), accepted);
        assert_eq!(attempt.after, 2 * gap);
        assert_eq!(attempt.took, answers_after.min(3 * second));
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_lost_between_two_fragments_ends_the_attempt() {
    let builder = builder().fragment_above(1000).redeliver_after([]);
    let builder = builder.fragment_gap(Duration::from_mins(1));
    let platform = builder.start().await.unwrap();
    let mut client = Client::connect(&platform).await;
    let pushed = Instant::now();
    let large = Document::v2("a.b_v1", &json!({"text": "x".repeat(2_500)})).unwrap();
    let push = platform.push(large);
    client.frame().await;
    drop(client);
    let report = push.await;
    let attempt = &report.attempts[0];
    assert_eq!(attempt.answer, Answer::Missing(Missing::ConnectionLost));
    assert!(
        attempt.after + attempt.took <= pushed.elapsed(),
        "{attempt:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_not_acknowledged_comes_again_by_the_schedule() {
    let platform = platform().await;
    let mut client = Client::connect(&platform).await;
    let pushed = Instant::now();
    let mut push = platform.push(sample());
    let mut came = Vec::new();
    let mut ids = Vec::new();
    for number in 1..=5 {
        let event = client.event().await;
        came.push(pushed.elapsed().as_secs());
        ids.push(event.json()["header"]["event_id"].clone());
        // A failure is said, then nothing is.
        if number == 1 {
            client.ack(&event, r#"{"code":500}"#).await;
        }
    }
    // 15 s, 5 min, 1 h and 6 h, each from the end of the attempt before.
    let (first, second, third) = (15, 15 + 303, 15 + 303 + 3603);
    assert_eq!(came, [0, first, second, third, third + 21603]);
    assert!(ids.iter().all(|id| id == push.event_id()));

    let attempt = push.next_attempt().await.unwrap();
    assert!(matches!(attempt.answer, Answer::Ack { code: 500, .. }));
    let report = push.await;
    assert_eq!(report.attempts.len(), 5);
    for (attempt, number) in report.attempts.iter().zip(1..) {
        assert_eq!((attempt.number, attempt.accepted()), (number, false));
    }
    assert_eq!(
        report.attempts[4].answer,
        Answer::Missing(Missing::TimedOut)
    );
    assert_eq!(report.attempts[4].took, Duration::from_secs(3));
    assert_eq!(report.attempts[4].after.as_secs(), third + 21603);
    assert!(report.ended && !report.acknowledged());
}

#[tokio::test(start_paused = true)]
async fn an_event_waits_for_a_connection_by_the_schedule_too() {
    let platform = platform().await;
    let mut push = platform.push(sample());
    let attempt = push.next_attempt().await.unwrap();
    assert_eq!(attempt.answer, Answer::Missing(Missing::NowhereToSend));
    let mut client = Client::connect(&platform).await;
    let event = client.event().await;
    client.ack(&event, r#"{"code":200}"#).await;
    let report = push.await;
    assert_eq!(report.attempts[1].after, Duration::from_secs(15));
    assert!(report.acknowledged());
}

#[tokio::test(start_paused = true)]
async fn each_event_goes_to_one_connection_at_random() {
    let platform = builder().seed(1).start().await.unwrap();
    let mut clients = [
        Client::connect(&platform).await,
        Client::connect(&platform).await,
    ];
    let mut taken = [0, 0];
    for _ in 0..40 {
        let push = platform.push(sample());
        let [one, two] = &mut clients;
        let (which, event) = tokio::select! {
            event = one.event() => (0, event),
            event = two.event() => (1, event),
        };
        taken[which] += 1;
        clients[which].ack(&event, r#"{"code":200}"#).await;
        assert_eq!(push.await.attempts.len(), 1);
    }
    assert_eq!(taken[0] + taken[1], 40);
    assert!(taken[0] > 8 && taken[1] > 8, "{taken:?}");
}

#[tokio::test(start_paused = true)]
async fn a_callback_resolves_to_its_reply_and_is_sent_once() {
    let platform = platform().await;
    let mut client = Client::connect(&platform).await;
    let callback = || Document::sample::<CardActionTrigger>();
    let pushed = platform.push_callback(callback());
    let event = client.event().await;
    assert_eq!(event.frames[0].header(header::TYPE), Some("event"));
    assert_eq!(event.json()["header"]["event_type"], "card.action.trigger");
    // {"toast":{"content":"hi"}}
    client
        .ack(
            &event,
            r#"{"code":200,"data":"eyJ0b2FzdCI6eyJjb250ZW50IjoiaGkifX0="}"#,
        )
        .await;
    assert_eq!(
        pushed.await.unwrap().as_str(),
        r#"{"toast":{"content":"hi"}}"#
    );

    for (payload, says) in [
        (
            r#"{"code":500}"#,
            "the callback got no reply: acknowledged with 500",
        ),
        (r#"{"code":200}"#, "the callback's reply is not JSON"),
        (
            r#"{"code":200,"data":"Pw=="}"#,
            "the callback's reply is not JSON",
        ),
    ] {
        let pushed = platform.push_callback(callback());
        let event = client.event().await;
        client.ack(&event, payload).await;
        let error = pushed.await.unwrap_err();
        assert_eq!(error.to_string(), says, "{payload}");
        assert_eq!(error.attempt().unwrap().number, 1);
    }
    let pushed = platform.push_callback(callback());
    client.event().await;
    let error = pushed.await.unwrap_err();
    assert_eq!(error.attempt().unwrap().took, Duration::from_secs(3));
    // Nothing comes again.
    let last = platform.push(sample());
    let event = client.event().await;
    assert_eq!(event.json()["header"]["event_id"], last.event_id());
    client.ack(&event, r#"{"code":200}"#).await;
    assert!(last.await.acknowledged());
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_answered_with_the_settings_of_the_moment() {
    let platform = platform().await;
    let mut client = Client::connect(&platform).await;
    let partial = ClientConfig::EMPTY.ping_interval(7);
    for (config, payload) in [
        (
            None,
            Some(json!({"ReconnectCount": -1, "ReconnectInterval": 120,
            "ReconnectNonce": 30, "PingInterval": 120})),
        ),
        (Some(partial), Some(json!({"PingInterval": 7}))),
        (Some(ClientConfig::EMPTY), None),
    ] {
        if let Some(config) = config {
            platform.set_client_config(config);
        }
        client.ping().await;
        let pong = client.frame().await;
        assert_eq!(pong.method(), Some(Method::Control));
        assert_eq!(
            (pong.header(header::TYPE), pong.service),
            (Some("pong"), client.service)
        );
        let got = pong
            .payload
            .map(|json| serde_json::from_slice::<Value>(&json).unwrap());
        assert_eq!(got, payload);
    }
    assert_eq!(platform.stats().pings, 3);
    assert_eq!(platform.violations(), []);
}

#[tokio::test(start_paused = true)]
async fn what_a_client_does_against_the_protocol_is_reported() {
    let platform = builder().redeliver_after([]).start().await.unwrap();
    let mut client = Client::connect(&platform).await;
    let mut other = Client::connect(&platform).await;
    let push = platform.push(sample());
    let event = tokio::select! {
        event = client.event() => event,
        event = other.event() => {
            std::mem::swap(&mut client, &mut other);
            event
        }
    };
    let id = event.frames[0]
        .header(header::MESSAGE_ID)
        .unwrap()
        .to_owned();
    let ok = r#"{"code":200}"#;
    let good = event.ack(ok);
    let changed = |change: fn(&mut Frame)| {
        let mut ack = good.clone();
        change(&mut ack);
        ack
    };
    let altered = || ProtocolViolationKind::Altered(id.clone());
    let bad = || ProtocolViolationKind::BadAnswer(id.clone());
    let not_binary: Message = "{}".into();
    let service = client.service;
    let bytes = |bytes: &'static [u8]| Message::Binary(Bytes::from_static(bytes));
    let cases: Vec<(Message, ProtocolViolationKind)> = vec![
        (not_binary, ProtocolViolationKind::NotBinary),
        (bytes(b"\xff"), ProtocolViolationKind::NotAFrame),
        (bytes(b""), ProtocolViolationKind::MissingField("SeqID")),
        (
            bytes(b"\x08\x00\x10\x00\x18\x01"),
            ProtocolViolationKind::MissingField("method"),
        ),
        (
            changed(|ack| ack.method = 2).encode().into(),
            ProtocolViolationKind::UnknownMethod(2),
        ),
        (
            Frame::control(service)
                .with_header(header::TYPE, "pang")
                .encode()
                .into(),
            ProtocolViolationKind::UnknownType("pang".into()),
        ),
        (
            Frame::control(1)
                .with_header(header::TYPE, header::PING)
                .encode()
                .into(),
            ProtocolViolationKind::OtherService(1),
        ),
        (
            Frame::data(service).encode().into(),
            ProtocolViolationKind::NoMessageId,
        ),
        (
            Frame::data(service)
                .with_header(header::MESSAGE_ID, "m")
                .encode()
                .into(),
            ProtocolViolationKind::UnknownMessage("m".into()),
        ),
        (changed(|ack| ack.seq_id += 1).encode().into(), altered()),
        (changed(|ack| ack.log_id += 1).encode().into(), altered()),
        (changed(|ack| ack.service += 1).encode().into(), altered()),
        (
            changed(|ack| ack.headers.retain(|header| header.key != "trace_id"))
                .encode()
                .into(),
            altered(),
        ),
        (event.ack("").encode().into(), bad()),
        (event.ack(r#"{"code":"200"}"#).encode().into(), bad()),
        (
            event.ack(r#"{"code":200,"data":"?"}"#).encode().into(),
            bad(),
        ),
        // This one counts all the same.
        (
            changed(|ack| ack.headers.retain(|header| header.key != "biz_rt"))
                .encode()
                .into(),
            ProtocolViolationKind::NoHandlerTime(id.clone()),
        ),
        (
            good.clone().encode().into(),
            ProtocolViolationKind::AnsweredTwice(id.clone()),
        ),
    ];
    let expected: Vec<_> = cases.iter().map(|(_, kind)| kind.clone()).collect();
    for (message, _) in cases {
        client.send(message).await;
    }
    assert!(push.await.acknowledged());
    // Another connection may not answer for this one.
    platform
        .until(|stats| stats.violations == expected.len())
        .await;
    other.send(good.encode()).await;
    platform
        .until(|stats| stats.violations == expected.len() + 1)
        .await;

    let mut violations = platform.violations();
    let foreign = violations.pop().unwrap();
    assert_eq!(foreign.kind, ProtocolViolationKind::UnknownMessage(id));
    assert_ne!(foreign.connection, violations[0].connection);
    let kinds: Vec<_> = violations
        .into_iter()
        .map(|violation| violation.kind)
        .collect();
    assert_eq!(kinds, expected);
    assert_eq!(
        platform.stats().connections,
        2,
        "none of it ends a connection"
    );
}

#[tokio::test(start_paused = true)]
async fn an_ack_after_the_limit_is_late_and_no_violation() {
    let platform = builder().redeliver_after([]).start().await.unwrap();
    let mut client = Client::connect(&platform).await;
    let push = platform.push(sample());
    let event = client.event().await;
    assert!(!push.await.acknowledged());
    client.ack(&event, r#"{"code":200}"#).await;
    platform.until(|stats| stats.late_acks == 1).await;
    client.ack(&event, r#"{"code":200}"#).await;
    platform.until(|stats| stats.violations == 1).await;
    assert_eq!(platform.stats().accepted, 0);
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_ends_the_attempts_on_it_at_once() {
    let platform = platform().await;
    let mut client = Client::connect(&platform).await;
    let mut push = platform.push(sample());
    client.event().await;
    drop(client);
    let attempt = push.next_attempt().await.unwrap();
    assert_eq!(attempt.answer, Answer::Missing(Missing::ConnectionLost));
    assert_eq!(attempt.took, Duration::ZERO);
    assert_eq!(platform.stats().connections, 0);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_closes_in_due_form_and_dropping_cuts() {
    let first = platform().await;
    let mut client = Client::connect(&first).await;
    let push = first.push(sample());
    client.event().await;
    let (message, ()) = tokio::join!(client.socket_close(), first.shutdown());
    assert!(message, "a Close came");
    let report = push.await;
    assert!(!report.ended && !report.acknowledged());

    let second = platform().await;
    let mut client = Client::connect(&second).await;
    drop(second);
    assert_eq!(client.message().await, None);
}

#[tokio::test(start_paused = true)]
async fn what_is_neither_the_endpoint_nor_an_upgrade_is_not_found() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let platform = platform().await;
    for (request, status) in [
        ("GET / HTTP/1.1", "404"),
        ("GET /callback/ws/endpoint HTTP/1.1", "404"),
        ("GET /ws/v2 HTTP/1.1", "400"),
        ("nonsense", "400"),
    ] {
        let mut stream = platform.dial();
        let request = format!("{request}\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_takes_no_new_connection() {
    let platform = platform().await;
    let silent = Client::connect(&platform).await;
    platform.inject(Fault::HalfOpen);
    drop(platform.push(sample()));
    let credentials = json!({"AppID": ID, "AppSecret": SECRET}).to_string();
    let url = ticket(&platform).await;
    let platform = std::sync::Arc::new(platform);
    tokio::task::yield_now().await;
    let (stream, second) = (platform.dial(), platform.dial());
    let platform = std::sync::Arc::into_inner(platform).unwrap();
    let began = Instant::now();
    let asking = async {
        tokio::task::yield_now().await;
        let (_, reply) = call_endpoint(stream, &credentials).await;
        assert_eq!(reply["code"], 1);
        let refused = tokio_tungstenite::client_async(&url, second).await;
        assert!(refused.is_err());
    };
    tokio::join!(platform.shutdown(), asking);
    assert_eq!(
        began.elapsed(),
        Duration::from_secs(2),
        "the silent one is not waited for"
    );
    drop(silent);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_websocket_message_is_reported_too() {
    use tokio::io::AsyncWriteExt as _;
    let platform = platform().await;
    for bytes in [
        &b"\x8f\x00"[..],
        b"\x82\xff\x00\x00\x00\x00\x01\x00\x00\x00\0\0\0\0",
    ] {
        let client = Client::connect(&platform).await;
        let mut stream = client.socket.into_inner();
        stream.write_all(bytes).await.unwrap();
        platform.until(|stats| stats.connections == 0).await;
    }
    let kinds = platform
        .violations()
        .into_iter()
        .map(|violation| violation.kind);
    assert!(kinds.eq([
        ProtocolViolationKind::NotAWebSocket,
        ProtocolViolationKind::NotAWebSocket
    ]));
    // Leaving without a Close is not a violation.
    drop(Client::connect(&platform).await);
    platform.until(|stats| stats.disconnects == 3).await;
    assert_eq!(platform.stats().violations, 2);
}

#[tokio::test(start_paused = true)]
async fn the_first_1000_violations_are_kept_and_all_are_counted() {
    let platform = platform().await;
    let mut client = Client::connect(&platform).await;
    let kind = "x".repeat(10_000);
    let odd = Frame::control(client.service)
        .with_header(header::TYPE, &*kind)
        .encode();
    for _ in 0..MAX_VIOLATIONS + 5 {
        client.send(odd.clone()).await;
    }
    platform
        .until(|stats| stats.violations == MAX_VIOLATIONS + 5)
        .await;
    let violations = platform.violations();
    assert_eq!(violations.len(), MAX_VIOLATIONS);
    assert_eq!(
        violations[0].kind,
        ProtocolViolationKind::UnknownType("x".repeat(100))
    );
}

#[tokio::test(start_paused = true)]
async fn the_oldest_of_too_many_unused_tickets_are_void() {
    let platform = platform().await;
    let first = ticket(&platform).await;
    for _ in 0..1024 {
        ticket(&platform).await;
    }
    assert!(Client::connect_to(&platform, &first).await.is_err());
    let last = ticket(&platform).await;
    assert!(Client::connect_to(&platform, &last).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_seed_repeats_what_the_platform_makes_up() {
    let mut runs = Vec::new();
    for _ in 0..3 {
        let platform = builder().fragment_above(200).seed(5).start().await.unwrap();
        let mut client = Client::connect(&platform).await;
        let mut run = Vec::new();
        for _ in 0..10 {
            platform.inject(Fault::ShuffleFragments);
            let push = platform.push(sample());
            let event = client.event().await;
            let order = event.frames.iter().map(|frame| number(frame, header::SEQ));
            run.push((push.event_id().to_owned(), order.collect::<Vec<_>>()));
            client.ack(&event, r#"{"code":200}"#).await;
            assert!(push.await.acknowledged());
        }
        runs.push(run);
    }
    assert_eq!(runs[0], runs[1]);
    assert_eq!(runs[0], runs[2]);
}

/// Answers at the very limit, on threads of their own: each is counted, for the attempt or as late.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ack_at_the_limit_is_in_time_or_late_and_never_lost() {
    let limit = Duration::from_millis(20);
    let builder = builder().redeliver_after([]).answer_limit(limit);
    let platform = builder.start().await.unwrap();
    let mut client = Client::connect(&platform).await;
    for _ in 0..20 {
        let pushes: Vec<_> = (0..20).map(|_| platform.push(sample())).collect();
        for _ in 0..20 {
            let event = client.event().await;
            client.ack(&event, r#"{"code":200}"#).await;
            tokio::time::sleep(limit / 20).await;
        }
        for push in pushes {
            push.await;
        }
    }
    let stats = platform.until(|stats| stats.acks == 400).await;
    assert_eq!(stats.accepted + stats.late_acks, 400, "{stats:?}");
    assert_eq!(stats.violations, 0);
}
