//! What becomes of events while a connection is open.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use lark_events::{Dispatcher, Event, LateHandler, RawJson, Reject, UnhandledPolicy};
use lark_events_sim::{Answer, Document, Fault, Platform};
use lark_events_ws::{
    ConnectErrorKind, Domain, LongConnection, LongConnectionBuildErrorKind, LongConnections,
    Monitor, State,
};
use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::Instant;
use vc_events::ReserveConfigUpdatedV1;

use crate::support::{Client, ID, event, platform, takes, to, watched};

fn code(answer: &Answer) -> i64 {
    match answer {
        Answer::Ack { code, .. } => *code,
        other => panic!("no ack: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_typed_event_is_handled_and_acknowledged_with_the_time_it_took() {
    let platform = Arc::new(platform().start().await.unwrap());
    let (rooms, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let dispatcher = Dispatcher::builder()
        .on(move |event: Event<ReserveConfigUpdatedV1>| {
            let rooms = rooms.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(123)).await;
                rooms
                    .send((event.header.event_id.unwrap(), event.body.scope_id))
                    .unwrap();
            }
        })
        .build()
        .unwrap();
    let client = Client::connected(to(&platform), dispatcher).await;
    let report = platform
        .push(Document::sample::<ReserveConfigUpdatedV1>())
        .await;
    let answer = &report.attempts[0].answer;
    assert!(
        matches!(
            answer,
            Answer::Ack {
                code: 200,
                reply: None,
                biz_rt: Some(123),
                ..
            }
        ),
        "{answer:?}"
    );
    let room = Some("omm_3c5dd7e09bac0c1758fcf9511bd1a771".to_owned());
    assert_eq!(seen.recv().await, Some((report.event_id, room)));
    let stats = client.monitor.stats();
    assert_eq!(
        (stats.frames, stats.events, stats.acked, stats.failed),
        (2, 1, 1, 0),
        "a pong and an event"
    );
    assert_eq!(client.end().await, Ok(()));
    assert_eq!(platform.violations(), []);
}

#[tokio::test(start_paused = true)]
async fn a_failure_a_panic_and_what_is_no_event_are_acked_500_and_the_next_is_served() {
    let platform = Arc::new(platform().start().await.unwrap());
    let (dispatcher, seen) = watched();
    let client = Client::connected(to(&platform), dispatcher).await;
    let bad: [Document; 4] = [
        event("failing_v1"),
        event("panicking_v1"),
        "{".into(),
        event("unknown.callback"),
    ];
    for document in bad {
        let report = platform.push(document).await;
        assert_eq!(code(&report.attempts[0].answer), 500);
        assert!(platform.push(takes(0)).await.acknowledged());
    }
    assert_eq!(seen.finished(), 4);
    let stats = client.monitor.stats();
    assert_eq!((stats.events, stats.acked, stats.failed), (8, 4, 4));
    assert_eq!(client.end().await, Ok(()));
    assert_eq!(platform.violations(), []);
}

#[tokio::test(start_paused = true)]
async fn an_unhandled_event_is_acked_by_policy() {
    for (policy, acked) in [
        (UnhandledPolicy::Acknowledge, 200),
        (UnhandledPolicy::Fail, 500),
    ] {
        let platform = Arc::new(platform().start().await.unwrap());
        let dispatcher = Dispatcher::builder().unhandled(policy).build().unwrap();
        let _client = Client::connected(to(&platform), dispatcher).await;
        let report = platform.push(event("other_v1")).await;
        assert_eq!(code(&report.attempts[0].answer), acked);
    }
}

#[tokio::test(start_paused = true)]
async fn a_callback_is_answered_with_its_reply() {
    let platform = Arc::new(platform().start().await.unwrap());
    let (dispatcher, _) = watched();
    let _client = Client::connected(to(&platform), dispatcher).await;
    let reply = platform
        .push_callback(event("profile.view.get"))
        .await
        .unwrap();
    assert_eq!(reply.as_str(), r#"{"title":"hello"}"#);
    let error = platform
        .push_callback(event("failing_v1"))
        .await
        .unwrap_err();
    assert_eq!(code(&error.attempt().unwrap().answer), 500);
}

#[tokio::test(start_paused = true)]
async fn fragments_are_joined_in_any_order_and_repeated_ones_are_harmless() {
    let platform = Arc::new(
        platform()
            .fragment_above(1000)
            .seed(5)
            .start()
            .await
            .unwrap(),
    );
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&bodies);
    let dispatcher = Dispatcher::builder()
        .on_raw("large_v1", move |event: Event<RawJson>| {
            kept.lock().unwrap().push(event.body.as_str().to_owned());
            async {}
        })
        .build()
        .unwrap();
    let client = Client::connected(to(&platform), dispatcher).await;
    let text = "会议室".repeat(1000);
    for faults in [
        vec![],
        vec![Fault::ShuffleFragments],
        vec![Fault::RepeatFragment],
        vec![
            Fault::ShuffleFragments,
            Fault::RepeatFragment,
            Fault::GarbageFrame,
        ],
    ] {
        for fault in faults {
            platform.inject(fault);
        }
        let document = Document::v2("large_v1", &json!({"text": text})).unwrap();
        assert!(platform.push(document).await.acknowledged());
    }
    let expected = json!({"text": text}).to_string();
    assert_eq!(*bodies.lock().unwrap(), vec![expected; 4]);

    // One that loses a fragment is given up after a while, and comes again.
    platform.inject(Fault::LoseFragment);
    let document = Document::v2("large_v1", &json!({"text": text})).unwrap();
    assert!(!platform.push(document).await.acknowledged());
    tokio::time::sleep(Duration::from_secs(10)).await;
    let stats = client.monitor.stats();
    assert_eq!(stats.events, 4);
    assert!((9..=12).contains(&stats.fragments_dropped), "{stats:?}");
    assert_eq!(platform.violations(), []);
}

#[tokio::test(start_paused = true)]
async fn a_slow_handler_delays_neither_pings_nor_other_events() {
    let platform = Arc::new(platform().start().await.unwrap());
    let (dispatcher, seen) = watched();
    let client = Client::connected(to(&platform), dispatcher).await;
    let slow = platform.push(takes(600_000));
    let began = Instant::now();
    assert!(platform.push(takes(0)).await.acknowledged());
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert!(!slow.await.acknowledged());
    platform.until(|stats| stats.pings == 3).await;
    assert_eq!(began.elapsed(), Duration::from_secs(240));
    assert_eq!((seen.started(), seen.finished()), (2, 1));
    assert!(client.monitor.state().is_connected());
}

#[tokio::test(start_paused = true)]
async fn past_the_deadline_an_event_is_acked_500_and_its_handler_finishes_or_is_cancelled() {
    for (late, finished, cancelled) in [(LateHandler::Finish, 1, 0), (LateHandler::Cancel, 0, 1)] {
        let platform = Arc::new(platform().start().await.unwrap());
        let (dispatcher, seen) = watched();
        let client = Client::connected(to(&platform).late(late), dispatcher).await;
        let report = platform.push(takes(5000)).await;
        let attempt = &report.attempts[0];
        assert_eq!(code(&attempt.answer), 500);
        assert_eq!(attempt.took, Duration::from_millis(2500));
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!((seen.started(), seen.finished()), (1, finished));
        let stats = client.monitor.stats();
        assert_eq!(
            (stats.deadline_missed, stats.failed, stats.acked),
            (1, 1, 0)
        );
        assert_eq!((stats.cancelled, stats.running), (cancelled, 0));
        assert_eq!(client.end().await, Ok(()));
        assert_eq!(platform.violations(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_handler_of_a_lost_connection_is_cancelled_too() {
    let platform = Arc::new(platform().start().await.unwrap());
    let (dispatcher, seen) = watched();
    let builder = to(&platform).late(LateHandler::Cancel).max_running(1);
    let client = Client::connected(builder, dispatcher).await;
    let push = platform.push(takes(60_000));
    tokio::time::sleep(Duration::from_secs(1)).await;
    platform.disconnect();
    assert!(!push.await.acknowledged());
    tokio::time::sleep(Duration::from_secs(2)).await;
    let stats = client.monitor.stats();
    assert_eq!((stats.cancelled, stats.running, stats.unsent), (1, 0, 1));
    assert!(platform.push(takes(0)).await.acknowledged());
    assert_eq!((seen.started(), seen.finished()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn at_the_bound_events_wait_and_then_are_acked_500() {
    let platform = Arc::new(platform().start().await.unwrap());
    let (dispatcher, seen) = watched();
    let client = Client::connected(to(&platform).max_running(2), dispatcher).await;
    // Two run for a second and make room; two run too long, and two never start.
    let began = Instant::now();
    let push = |ms| platform.push(takes(ms));
    let pushes = [
        push(1000),
        push(1000),
        push(60_000),
        push(60_000),
        push(0),
        push(0),
    ];
    let mut acked = Vec::new();
    for push in pushes {
        let report = push.await;
        acked.push((report.acknowledged(), report.attempts[0].took.as_millis()));
    }
    let late = (false, 2500);
    assert_eq!(acked, [(true, 1000), (true, 1000), late, late, late, late]);
    assert_eq!(began.elapsed().as_millis(), 2500);
    assert_eq!((seen.started(), seen.finished()), (4, 2));
    let stats = client.monitor.stats();
    assert_eq!((stats.running, stats.deadline_missed), (2, 4));
    // Late handlers keep their places.
    assert!(!platform.push(takes(0)).await.acknowledged());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(platform.push(takes(0)).await.acknowledged());
}

#[tokio::test(start_paused = true)]
async fn bytes_in_flight_are_bounded() {
    let platform = Arc::new(platform().fragment_above(2000).start().await.unwrap());
    let (dispatcher, seen) = watched();
    let builder = to(&platform).max_bytes_in_flight(1000);
    let client = Client::connected(builder, dispatcher).await;
    let large = |bytes| Document::v2("other_v1", &"x".repeat(bytes)).unwrap();
    // Too large for itself, in one frame and in several.
    assert_eq!(
        code(&platform.push(large(1000)).await.attempts[0].answer),
        500
    );
    assert!(!platform.push(large(3500)).await.acknowledged());
    let running = platform.push(takes(1000));
    assert_eq!(
        code(&platform.push(large(200)).await.attempts[0].answer),
        500
    );
    assert!(running.await.acknowledged());
    assert!(platform.push(large(200)).await.acknowledged());
    let stats = client.monitor.stats();
    assert_eq!((stats.overloaded, seen.finished()), (2, 1));
    assert_eq!(stats.fragments_dropped, 2, "{stats:?}");
}

#[tokio::test(start_paused = true)]
async fn a_lone_connection_takes_its_own_apps_events_only() {
    let platform = Arc::new(platform().start().await.unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let dispatcher = Dispatcher::builder().fallback(move |event: Event<RawJson>| {
        kept.lock().unwrap().push(event.header.app_id);
        async {}
    });
    let client = Client::connected(to(&platform), dispatcher.build().unwrap()).await;
    let v1 = |app_id| Document::v1("other", &json!({"app_id": app_id})).unwrap();
    for (document, acked) in [
        (event("other_v1"), 200),
        (event("other_v1").header("app_id", ""), 200),
        (event("other_v1").header("app_id", "cli_milk"), 500),
        (v1(ID), 200),
        (v1("cli_milk"), 500),
    ] {
        let report = platform.push(document).await;
        assert_eq!(code(&report.attempts[0].answer), acked, "{report:?}");
    }
    assert_eq!(*seen.lock().unwrap(), [ID; 3].map(|id| Some(id.to_owned())));
    assert_eq!(client.monitor.app_id(), ID);
}

#[tokio::test(start_paused = true)]
async fn among_several_apps_each_connection_takes_its_own_events_only() {
    let apps = ["cli_tea", "cli_coffee"];
    let mut platforms = Vec::new();
    let mut connections = Vec::new();
    let to = |platform: &Arc<Platform>, app| {
        let dialed = Arc::clone(platform);
        let connection = LongConnection::builder(app, "a-secret")
            .domain(Domain::custom(platform.base_url()))
            .connect_with(move |_| {
                let stream = dialed.dial();
                async move { Ok(stream) }
            });
        connection.build().unwrap()
    };
    for app in apps {
        let platform = platform().app(app, "a-secret").start().await.unwrap();
        let platform = Arc::new(platform);
        connections.push(to(&platform, app));
        platforms.push(platform);
    }
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let dispatcher = Dispatcher::builder().fallback(move |event: Event<RawJson>| {
        kept.lock().unwrap().push(event.header.app_id);
        async {}
    });
    connections.push(to(&platforms[0], "cli_milk"));
    let connections = LongConnections::of(connections).unwrap();
    let monitors = connections.monitors();
    let watched: Vec<_> = monitors.iter().map(Monitor::app_id).collect();
    assert_eq!(watched, ["cli_tea", "cli_coffee", "cli_milk"]);
    let (shut_down, asked) = oneshot::channel::<()>();
    let asked = async { asked.await.unwrap_or_default() };
    let running = tokio::spawn(
        connections
            .run(dispatcher.build().unwrap())
            .with_graceful_shutdown(asked)
            .into_future(),
    );
    // What ends one app's connection ends no other's.
    let ended = |state: &State| matches!(state, State::Failed(_));
    monitors[2].until(ended).await;
    for (platform, app) in platforms.iter().zip(apps) {
        platform.until(|stats| stats.connections == 1).await;
        assert!(platform.push(event("other_v1")).await.acknowledged());
        let nameless = event("other_v1").header("app_id", "");
        assert!(platform.push(nameless).await.acknowledged());
        let foreign = event("other_v1").header("app_id", "cli_milk");
        let report = platform.push(foreign).await;
        assert_eq!(code(&report.attempts[0].answer), 500);
        let seen = std::mem::take(&mut *seen.lock().unwrap());
        assert_eq!(seen, [app, app].map(|id| Some(id.to_owned())));
    }
    shut_down.send(()).unwrap();
    let error = running.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ConnectErrorKind::Refused);
    assert_eq!(monitors[0].state(), State::Closed);
    let none = LongConnections::of([]).unwrap_err();
    assert_eq!(none.kind(), LongConnectionBuildErrorKind::NoConnection);
}

#[tokio::test(start_paused = true)]
async fn garbage_ends_nothing() {
    let platform = Arc::new(platform().start().await.unwrap());
    let (dispatcher, _) = watched();
    let client = Client::connected(to(&platform), dispatcher).await;
    for _ in 0..100 {
        platform.inject(Fault::GarbageFrame);
        assert!(platform.push(takes(0)).await.acknowledged());
    }
    let stats = client.monitor.stats();
    assert_eq!(stats.reconnects, 0);
    assert!(stats.ignored > 50 && stats.acked >= 100, "{stats:?}");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_its_handler_rejects_is_acknowledged_and_counted() {
    let platform = Arc::new(platform().start().await.unwrap());
    let dispatcher = Dispatcher::builder()
        .on_raw("poison_v1", |_| async {
            Err::<(), _>(Reject::new("no cups"))
        })
        .build();
    let client = Client::connected(to(&platform), dispatcher.unwrap()).await;
    let report = platform.push(event("poison_v1")).await;
    assert_eq!(report.attempts.len(), 1, "not delivered again");
    assert_eq!(code(&report.attempts[0].answer), 200);
    let stats = client.monitor.stats();
    assert_eq!(
        (stats.acked, stats.rejected_events, stats.failed),
        (1, 1, 0)
    );
    assert_eq!(client.end().await, Ok(()));
}
