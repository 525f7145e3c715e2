//! The end of a connection: in due form, or at once.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use lark_events_sim::{Answer, ClientConfig, Fault, Missing, Platform};
use lark_events_ws::{Domain, LongConnection, LongConnectionBuilder, LongConnections, State};
use serde_json::json;
use tokio::io::DuplexStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::support::{Client, ID, answering, platform, takes, to, watched};

#[tokio::test(start_paused = true)]
async fn a_shutdown_lets_handlers_finish_and_sends_their_answers() {
    let platform = Arc::new(platform().start().await.unwrap());
    let (dispatcher, seen) = watched();
    let mut client = Client::connected(to(&platform).max_running(1), dispatcher).await;
    let running = platform.push(takes(2000));
    let waiting = platform.push(takes(0));
    tokio::time::sleep(Duration::from_millis(500)).await;
    client.shut_down();
    client
        .monitor
        .until(|state| *state == State::Draining)
        .await;
    let refused = platform.push(takes(0));
    for push in [waiting, refused] {
        let report = push.await;
        assert!(
            matches!(report.attempts[0].answer, Answer::Ack { code: 500, .. }),
            "{report:?}"
        );
    }
    assert!(running.await.acknowledged());
    assert_eq!(client.task.await.unwrap(), Ok(()));
    assert_eq!(client.monitor.state(), State::Closed);
    assert_eq!((seen.started(), seen.finished()), (1, 1));
    platform.until(|stats| stats.connections == 0).await;
    assert_eq!(platform.violations(), []);
}

#[tokio::test(start_paused = true)]
async fn a_drain_takes_no_longer_than_its_time_out() {
    let platform = Arc::new(platform().start().await.unwrap());
    let (dispatcher, seen) = watched();
    let builder = to(&platform).drain_timeout(Duration::from_secs(1));
    let mut client = Client::connected(builder, dispatcher).await;
    let push = platform.push(takes(60_000));
    tokio::time::sleep(Duration::from_millis(500)).await;
    let began = Instant::now();
    client.shut_down();
    assert_eq!(client.task.await.unwrap(), Ok(()));
    assert_eq!(began.elapsed(), Duration::from_secs(1));
    let report = push.await;
    assert!(
        matches!(report.attempts[0].answer, Answer::Ack { code: 500, .. }),
        "{report:?}"
    );
    assert_eq!((seen.started(), seen.finished()), (1, 0));
    let stats = client.monitor.stats();
    assert_eq!((stats.cancelled, stats.running), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_whatever_is_going_on() {
    let minute = Duration::from_secs(60);
    // While connecting: the platform takes the connection and says nothing.
    let platform = Arc::new(platform().start().await.unwrap());
    let silent = LongConnection::builder("cli_1", "secret")
        .domain(Domain::custom("http://platform.invalid"))
        .connect_with(|_| std::future::pending::<std::io::Result<tokio::io::DuplexStream>>())
        .connect_timeout(minute);
    let client = Client::start(silent, watched().0);
    client
        .monitor
        .until(|state| *state == State::Connecting)
        .await;
    let began = Instant::now();
    assert_eq!(client.end().await, Ok(()));
    // While waiting to connect again.
    platform.inject(Fault::EndpointStatus(502));
    let client = Client::start(to(&platform), watched().0);
    client
        .monitor
        .until(|state| matches!(state, State::Reconnecting { .. }))
        .await;
    assert_eq!(client.end().await, Ok(()));
    assert_eq!(began.elapsed(), Duration::ZERO);
    // While half-open: nobody answers the Close.
    platform.inject(Fault::AcceptHalfOpen);
    let client = Client::connected(to(&platform), watched().0).await;
    assert_eq!(client.end().await, Ok(()));
    assert_eq!(began.elapsed(), Duration::from_secs(1));
    // Before it has begun.
    let (dispatcher, _) = watched();
    let connection = to(&platform).build().unwrap();
    let running = connection.run(dispatcher).with_graceful_shutdown(async {});
    assert_eq!(running.await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn handlers_of_a_lost_connection_finish_within_the_drain() {
    let platform = Arc::new(platform().start().await.unwrap());
    let (dispatcher, seen) = watched();
    let client = Client::connected(to(&platform), dispatcher).await;
    platform.inject(Fault::Disconnect);
    let report = platform.push(takes(2000)).await;
    assert_eq!(
        report.attempts[0].answer,
        Answer::Missing(Missing::ConnectionLost)
    );
    platform.inject(Fault::EndpointStatus(502));
    let stats = client.monitor.clone();
    assert_eq!(client.end().await, Ok(()));
    assert_eq!((seen.started(), seen.finished()), (1, 1));
    assert_eq!(stats.stats().unsent, 1);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_future_ends_the_connection_and_all_handlers() {
    let platform = Arc::new(platform().start().await.unwrap());
    let alive = || {
        let runtime = tokio::runtime::Handle::current();
        runtime.metrics().num_alive_tasks()
    };
    let before = alive();
    let (dispatcher, seen) = watched();
    let client = Client::connected(to(&platform), dispatcher).await;
    let push = platform.push(takes(2000));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!((seen.started(), client.monitor.stats().running), (1, 1));
    client.task.abort();
    let report = push.await;
    assert_eq!(
        report.attempts[0].answer,
        Answer::Missing(Missing::ConnectionLost)
    );
    platform.until(|stats| stats.connections == 0).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!((seen.started(), seen.finished()), (1, 0));
    assert_eq!(alive(), before);
    assert_eq!(client.monitor.state(), State::Closed);
    assert_eq!(client.monitor.stats().running, 0);
}

#[tokio::test(start_paused = true)]
async fn several_connections_share_a_service_and_are_drained_together() {
    let platform = Arc::new(platform().start().await.unwrap());
    let (dispatcher, seen) = watched();
    let connections = LongConnections::new(3, to(&platform)).unwrap();
    let monitors = connections.monitors();
    let (shut_down, asked) = oneshot::channel::<()>();
    let asked = async { asked.await.unwrap_or_default() };
    let running = tokio::spawn(
        connections
            .run(dispatcher)
            .with_graceful_shutdown(asked)
            .into_future(),
    );
    platform.until(|stats| stats.connections == 3).await;
    let pushes: Vec<_> = (0..30).map(|_| platform.push(takes(1000))).collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    shut_down.send(()).unwrap();
    for push in pushes {
        assert!(push.await.acknowledged());
    }
    assert_eq!(running.await.unwrap(), Ok(()));
    assert_eq!(seen.finished(), 30);
    assert!(monitors.iter().all(|monitor| monitor.stats().events > 0));
    assert!(
        monitors
            .iter()
            .all(|monitor| monitor.state() == State::Closed)
    );
}

#[tokio::test(start_paused = true)]
async fn a_fatal_cause_of_one_connection_ends_them_all() {
    let platform = Arc::new(platform().start().await.unwrap());
    let connections = LongConnections::new(3, to(&platform)).unwrap();
    let monitors = connections.monitors();
    let running = tokio::spawn(connections.run(watched().0).into_future());
    platform.until(|stats| stats.connections == 3).await;
    platform.inject(Fault::Endpoint(1_000_040_345));
    platform.inject(Fault::Disconnect);
    let _ = platform.push(takes(0)).await;
    let ended = timeout(Duration::from_secs(60), running)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(ended.unwrap_err().code(), Some(1_000_040_345));
    let failed = monitors
        .iter()
        .filter(|monitor| matches!(monitor.state(), State::Failed(_)));
    assert_eq!(failed.count(), 1);
    let closed = monitors
        .iter()
        .filter(|monitor| monitor.state() == State::Closed);
    assert_eq!(closed.count(), 2);
    assert_eq!(platform.stats().connections, 0);
}

#[tokio::test(start_paused = true)]
async fn one_of_several_that_is_too_many_waits_and_the_others_stay() {
    const REFUSALS: usize = 10;
    // Of one app, however they are put together. Alone it would be given up after two attempts.
    let of = |platform: &Arc<Platform>, by_new| {
        if by_new {
            return LongConnections::new(3, to(platform)).unwrap();
        }
        LongConnections::of([(); 3].map(|()| to(platform).build().unwrap())).unwrap()
    };
    for (by_new, refusal) in [
        (true, Fault::RefuseUpgrade(514, 1_000_040_350)),
        (true, Fault::Endpoint(1_000_040_350)),
        (false, Fault::RefuseUpgrade(514, 1_000_040_350)),
    ] {
        let config = ClientConfig::default().reconnect_count(2);
        let platform = Arc::new(platform().client_config(config).start().await.unwrap());
        let connections = of(&platform, by_new);
        let monitors = connections.monitors();
        let (shut_down, asked) = oneshot::channel::<()>();
        let asked = async { asked.await.unwrap_or_default() };
        let running = tokio::spawn(
            connections
                .run(watched().0)
                .with_graceful_shutdown(asked)
                .into_future(),
        );
        platform.until(|stats| stats.connections == 3).await;
        for _ in 0..REFUSALS {
            platform.inject(refusal);
        }
        platform.inject(Fault::Disconnect);
        let _ = platform.push(takes(0)).await;
        for refused in 1..=REFUSALS {
            platform
                .until(|stats| stats.endpoint_calls == 3 + refused)
                .await;
            assert_eq!(platform.stats().connections, 2);
            assert!(platform.push(takes(0)).await.acknowledged());
            let waits = |state: &State| match state {
                State::Reconnecting { why, .. } => why.code() == Some(1_000_040_350),
                _ => false,
            };
            let waiting = monitors.iter().filter(|monitor| waits(&monitor.state()));
            assert_eq!(waiting.count(), 1);
        }
        platform.until(|stats| stats.connections == 3).await;
        shut_down.send(()).unwrap();
        assert_eq!(running.await.unwrap(), Ok(()));
        let reconnects = monitors.iter().map(|monitor| monitor.stats().reconnects);
        assert_eq!(reconnects.sum::<u64>(), 1);
    }
}

/// A connection to a platform of the test's own, which is given its streams.
fn to_another() -> (LongConnectionBuilder, mpsc::UnboundedReceiver<DuplexStream>) {
    let (upgrades, upgraded) = mpsc::unbounded_channel();
    let url = "ws://platform.invalid/?device_id=1&service_id=2";
    let endpoint = json!({"code": 0, "msg": "", "data": {"URL": url}}).to_string();
    let builder = LongConnection::builder(ID, "secret")
        .domain(Domain::custom("http://platform.invalid"))
        .connect_with(move |uri| {
            let stream = if uri.scheme_str() == Some("ws") {
                let (ours, theirs) = tokio::io::duplex(64 * 1024);
                upgrades.send(theirs).unwrap();
                ours
            } else {
                answering(200, &endpoint)
            };
            async { Ok(stream) }
        });
    (builder, upgraded)
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_is_told_to_the_platform_as_going_away() {
    let (builder, mut upgraded) = to_another();
    let mut client = Client::start(builder, watched().0);
    let stream = upgraded.recv().await.unwrap();
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    client.monitor.until(State::is_connected).await;
    client.shut_down();
    let ping = socket.next().await.unwrap().unwrap();
    assert!(ping.is_binary(), "{ping:?}");
    let Some(Ok(Message::Close(Some(close)))) = socket.next().await else {
        panic!("no Close with a code");
    };
    assert_eq!(close.code, CloseCode::Away);
    // The answer goes out with the next read.
    assert!(socket.next().await.is_none());
    assert_eq!(client.task.await.unwrap(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn why_the_platform_closes_a_connection_is_shown() {
    let (builder, mut upgraded) = to_another();
    let client = Client::start(builder, watched().0);
    let stream = upgraded.recv().await.unwrap();
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    client.monitor.until(State::is_connected).await;
    let close = CloseFrame {
        code: CloseCode::Restart,
        reason: "says why".into(),
    };
    socket.close(Some(close)).await.unwrap();
    match client.monitor.until(|state| !state.is_connected()).await {
        State::Reconnecting { why, .. } => assert_eq!(
            why.to_string(),
            "the platform closed the connection: code 1012, says why"
        ),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_lost_while_draining_is_not_had_again() {
    let platform = Arc::new(platform().start().await.unwrap());
    let (dispatcher, seen) = watched();
    let mut client = Client::connected(to(&platform), dispatcher).await;
    let push = platform.push(takes(2000));
    tokio::time::sleep(Duration::from_millis(500)).await;
    client.shut_down();
    client
        .monitor
        .until(|state| *state == State::Draining)
        .await;
    platform.disconnect();
    assert!(!push.await.acknowledged());
    assert_eq!(client.task.await.unwrap(), Ok(()));
    assert_eq!((seen.finished(), platform.stats().endpoint_calls), (1, 1));
    assert_eq!(client.monitor.state(), State::Closed);
    let stats = client.monitor.stats();
    assert_eq!((stats.running, stats.cancelled, stats.unsent), (0, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn handlers_that_end_without_a_connection_give_their_places_back() {
    let platform = Arc::new(platform().start().await.unwrap());
    let (dispatcher, _) = watched();
    let client = Client::connected(to(&platform).max_running(1), dispatcher).await;
    platform.inject(Fault::Disconnect);
    for _ in 0..30 {
        platform.inject(Fault::EndpointStatus(502));
    }
    drop(platform.push(takes(5000)));
    client.monitor.until(|state| !state.is_connected()).await;
    assert_eq!(client.monitor.stats().running, 1);
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(!client.monitor.state().is_connected());
    assert_eq!(client.monitor.stats().running, 0);
    client.monitor.until(State::is_connected).await;
    assert!(platform.push(takes(0)).await.acknowledged());
}
