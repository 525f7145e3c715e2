//! Getting a connection, keeping it, and getting another.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lark_events_sim::{ClientConfig, Fault, Platform};
use lark_events_ws::{
    ConnectErrorKind, Domain, LongConnection, LongConnectionBuildErrorKind, LongConnectionBuilder,
    LongConnections, State,
};
use tokio::time::Instant;

use crate::support::{Client, ID, SECRET, answering, platform, takes, to, watched};

fn why(state: &State) -> ConnectErrorKind {
    match state {
        State::Reconnecting { why, .. } => why.kind(),
        other => panic!("not reconnecting: {other:?}"),
    }
}

/// How long a client takes to be there again.
async fn comes_again(client: &Client) -> Duration {
    let began = Instant::now();
    let state = client.monitor.until(|state| !state.is_connected()).await;
    assert!(matches!(state, State::Reconnecting { .. }), "{state:?}");
    let state = client.monitor.until(State::is_connected).await;
    assert!(state.is_connected(), "{state:?}");
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn fatal_causes_end_it_with_the_platforms_code_and_message() {
    for (fault, kind, code, says) in [
        (
            Fault::Endpoint(1_000_040_345),
            ConnectErrorKind::Refused,
            1_000_040_345,
            "the platform rejected the app: code 1000040345, app_id or app_secret is invalid",
        ),
        (
            Fault::Endpoint(1_000_040_350),
            ConnectErrorKind::TooManyConnections,
            1_000_040_350,
            "the app has too many connections: code 1000040350, refused",
        ),
        (
            Fault::RefuseUpgrade(403, 0),
            ConnectErrorKind::Forbidden,
            403,
            "the platform rejected the connection as forbidden: code 403, refused",
        ),
        (
            Fault::RefuseUpgrade(514, 1_000_040_350),
            ConnectErrorKind::TooManyConnections,
            1_000_040_350,
            "the app has too many connections: code 1000040350, refused",
        ),
    ] {
        let platform = Arc::new(platform().start().await.unwrap());
        platform.inject(fault);
        let client = Client::start(to(&platform), watched().0);
        let error = client.task.await.unwrap().unwrap_err();
        assert_eq!((error.kind(), error.code()), (kind, Some(code)));
        assert_eq!(error.to_string(), says);
        assert_eq!(client.monitor.state(), State::Failed(error));
        assert_eq!(platform.stats().endpoint_calls, 1, "it is not tried again");
    }
    let platform = Arc::new(platform().app(ID, "other").start().await.unwrap());
    let client = Client::start(to(&platform), watched().0);
    let error = client.task.await.unwrap().unwrap_err();
    assert_eq!(error.code(), Some(1_000_040_345));
    assert!(!format!("{error:?} {error}").contains(SECRET));
}

#[tokio::test(start_paused = true)]
async fn other_causes_are_tried_again_with_a_fresh_ticket_each_time() {
    let platform = Arc::new(platform().start().await.unwrap());
    let faults = [
        (Fault::Endpoint(1), ConnectErrorKind::Unavailable),
        (
            Fault::Endpoint(1_000_040_343),
            ConnectErrorKind::Unavailable,
        ),
        (Fault::EndpointStatus(502), ConnectErrorKind::Unavailable),
        (Fault::RefuseUpgrade(514, 7), ConnectErrorKind::Unavailable),
        (Fault::RefuseUpgrade(500, 0), ConnectErrorKind::Unavailable),
    ];
    for (fault, kind) in faults {
        let calls = platform.stats().endpoint_calls;
        platform.inject(fault);
        let client = Client::start(to(&platform), watched().0);
        let state = client
            .monitor
            .until(|state| matches!(state, State::Reconnecting { .. }));
        assert_eq!(why(&state.await), kind, "{fault:?}");
        let state = client.monitor.until(State::is_connected).await;
        assert!(state.is_connected());
        assert_eq!(platform.stats().endpoint_calls, calls + 2);
        assert_eq!(client.end().await, Ok(()));
    }
    // A ticket that came twice would be one.
    assert_eq!(platform.violations(), []);
}

#[tokio::test(start_paused = true)]
async fn an_http_error_shows_what_the_platform_says_which_decides_whether_it_is_fatal() {
    for (status, body, kind, says) in [
        (
            400,
            r#"{"code":1000040345,"msg":"app_secret is invalid"}"#,
            ConnectErrorKind::Refused,
            "code 1000040345, app_secret is invalid",
        ),
        (
            503,
            r#"{"code":1000040343,"msg":"internal error","data":{}}"#,
            ConnectErrorKind::Unavailable,
            "code 1000040343, internal error",
        ),
        (
            502,
            "<html>bad gateway</html>",
            ConnectErrorKind::Unavailable,
            "code 502, an HTTP status",
        ),
    ] {
        let builder = LongConnection::builder(ID, SECRET)
            .domain(Domain::custom("http://platform.invalid"))
            .connect_with(move |_| {
                let stream = answering(status, body);
                async { Ok(stream) }
            });
        let client = Client::start(builder, watched().0);
        let decided =
            |state: &State| matches!(state, State::Reconnecting { .. } | State::Failed(_));
        let error = match client.monitor.until(decided).await {
            State::Reconnecting { why, .. } if kind == ConnectErrorKind::Unavailable => why,
            State::Failed(why) if kind == ConnectErrorKind::Refused => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().ends_with(says), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_says_nothing_is_given_up_in_time() {
    let builder = LongConnection::builder(ID, SECRET)
        .domain(Domain::custom("http://platform.invalid"))
        .connect_with(|_| async { Ok(tokio::io::duplex(1000).0) })
        .connect_timeout(Duration::from_secs(3));
    // The other end of that stream is gone.
    let client = Client::start(builder, watched().0);
    let state = client
        .monitor
        .until(|state| matches!(state, State::Reconnecting { .. }))
        .await;
    assert_eq!(why(&state), ConnectErrorKind::Unreachable);

    let silent = LongConnection::builder(ID, SECRET)
        .domain(Domain::custom("http://platform.invalid"))
        .connect_with(|_| {
            let (ours, theirs) = tokio::io::duplex(1000);
            std::mem::forget(theirs);
            async { Ok(ours) }
        })
        .connect_timeout(Duration::from_secs(3));
    let began = Instant::now();
    let client = Client::start(silent, watched().0);
    let state = client
        .monitor
        .until(|state| matches!(state, State::Reconnecting { .. }))
        .await;
    assert_eq!(why(&state), ConnectErrorKind::TimedOut);
    assert_eq!(began.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn an_address_in_the_clear_is_not_taken_where_the_platform_has_tls() {
    let platform = Arc::new(platform().start().await.unwrap());
    let builder = to(&platform).domain(Domain::Lark);
    let client = Client::start(builder, watched().0);
    let stopped = |state: &State| matches!(state, State::Reconnecting { .. });
    let state = client.monitor.until(stopped).await;
    assert_eq!(why(&state), ConnectErrorKind::Protocol);
    let stats = platform.stats();
    assert_eq!((stats.endpoint_calls, stats.upgrades), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_had_again_and_events_come_on() {
    let platform = Arc::new(platform().start().await.unwrap());
    let (dispatcher, seen) = watched();
    let client = Client::connected(to(&platform), dispatcher).await;
    for round in 1..=5 {
        // One that has lasted, or it would not be had again at once.
        tokio::time::sleep(Duration::from_secs(60)).await;
        platform.disconnect();
        assert!(comes_again(&client).await <= Duration::from_secs(1));
        assert!(platform.push(takes(0)).await.acknowledged());
        assert_eq!(client.monitor.stats().reconnects, round);
    }
    assert_eq!(seen.finished(), 5);
    assert_eq!(client.end().await, Ok(()));
    assert_eq!(platform.violations(), []);
}

#[tokio::test(start_paused = true)]
async fn attempts_are_spread_first_over_the_nonce_then_over_the_interval() {
    let config = ClientConfig::default()
        .reconnect_nonce(30)
        .reconnect_interval(100);
    let platform = Platform::builder().app(ID, SECRET).client_config(config);
    let platform = Arc::new(platform.start().await.unwrap());
    let client = Client::connected(to(&platform), watched().0).await;
    let began = Instant::now();
    for _ in 0..3 {
        platform.inject(Fault::EndpointStatus(503));
    }
    platform.disconnect();
    for (attempt, from, to) in [(1, 0, 30), (2, 50, 130), (3, 100, 230), (4, 150, 330)] {
        platform
            .until(|stats| stats.endpoint_calls == attempt + 1)
            .await;
        let at = began.elapsed().as_secs();
        assert!((from..=to).contains(&at), "attempt {attempt} after {at} s");
    }
    client.monitor.until(State::is_connected).await;
    // After a good minute it begins anew.
    tokio::time::sleep(Duration::from_secs(61)).await;
    platform.disconnect();
    assert!(comes_again(&client).await <= Duration::from_secs(30));
}

/// A platform that has its clients come again at once.
async fn hurried() -> Arc<Platform> {
    let config = ClientConfig::default()
        .reconnect_nonce(0)
        .reconnect_interval(0);
    let platform = Platform::builder().app(ID, SECRET).client_config(config);
    Arc::new(platform.start().await.unwrap())
}

/// Waits that double from a second to two minutes, spread over their second halves, and the minutes
/// after: so often at most does a client connect in an hour.
const MOST_IN_AN_HOUR: usize = 9 + 60;

#[tokio::test(start_paused = true)]
async fn a_server_that_closes_at_once_is_asked_less_and_less_often() {
    let platform = hurried().await;
    let client = Client::start(to(&platform), watched().0);
    let closing = async {
        loop {
            client.monitor.until(State::is_connected).await;
            platform.close_connections();
            client.monitor.until(|state| !state.is_connected()).await;
        }
    };
    let hour = tokio::time::timeout(Duration::from_hours(1), closing).await;
    assert!(hour.is_err(), "it goes on");
    let upgrades = platform.stats().upgrades;
    assert!((30..=MOST_IN_AN_HOUR).contains(&upgrades), "{upgrades}");
    // Once a connection has lasted a minute, the next is there soon again.
    client.monitor.until(State::is_connected).await;
    tokio::time::sleep(Duration::from_secs(130)).await;
    platform.disconnect();
    assert!(comes_again(&client).await <= Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_gives_no_address_is_asked_less_and_less_often() {
    let platform = hurried().await;
    let client = Client::connected(to(&platform), watched().0).await;
    platform.inject_lasting(Fault::EndpointStatus(503), 1.0);
    platform.disconnect();
    tokio::time::sleep(Duration::from_hours(1)).await;
    let calls = platform.stats().endpoint_calls;
    assert!((30..=MOST_IN_AN_HOUR).contains(&calls), "{calls}");
    assert!(!client.monitor.state().is_connected());
}

#[tokio::test(start_paused = true)]
async fn a_connection_on_which_nothing_was_heard_was_not_a_stable_one() {
    // Each is given up after 65 seconds.
    let config = ClientConfig::default().ping_interval(30);
    let platform = Platform::builder().app(ID, SECRET).client_config(config);
    let platform = Arc::new(platform.start().await.unwrap());
    platform.inject_lasting(Fault::AcceptHalfOpen, 1.0);
    let client = Client::start(to(&platform), watched().0);
    for nth in 1..=5 {
        client.monitor.until(State::is_connected).await;
        match client.monitor.until(|state| !state.is_connected()).await {
            State::Reconnecting { attempt, why, .. } => {
                assert_eq!((attempt, why.kind()), (nth, ConnectErrorKind::Silent));
            }
            other => panic!("not reconnecting: {other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn it_gives_up_after_as_many_attempts_as_the_platform_says() {
    let config = ClientConfig::default().reconnect_count(2);
    let platform = Platform::builder().app(ID, SECRET).client_config(config);
    let platform = Arc::new(platform.start().await.unwrap());
    let client = Client::connected(to(&platform), watched().0).await;
    for _ in 0..5 {
        platform.inject(Fault::Endpoint(1));
    }
    platform.disconnect();
    let error = client.task.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ConnectErrorKind::GaveUp);
    assert_eq!(
        error.to_string(),
        "no connection after the last allowed attempt: code 1, system busy"
    );
    assert_eq!(platform.stats().endpoint_calls, 3);
}

#[tokio::test(start_paused = true)]
async fn it_pings_at_once_and_every_interval_as_the_last_pong_says() {
    let platform = Arc::new(platform().start().await.unwrap());
    let began = Instant::now();
    let client = Client::connected(to(&platform), watched().0).await;
    platform.until(|stats| stats.pings == 1).await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    platform.set_client_config(ClientConfig::EMPTY.ping_interval(10));
    platform.until(|stats| stats.pings == 2).await;
    assert_eq!(began.elapsed(), Duration::from_secs(120));
    platform.set_client_config(ClientConfig::EMPTY.ping_interval(0));
    platform.until(|stats| stats.pings == 3).await;
    assert_eq!(began.elapsed(), Duration::from_secs(130));
    platform.set_client_config(ClientConfig::EMPTY);
    platform.until(|stats| stats.pings == 13).await;
    assert_eq!(began.elapsed(), Duration::from_secs(140), "0 is one second");
    assert!(client.monitor.state().is_connected());
    assert_eq!(platform.violations(), []);
}

#[tokio::test(start_paused = true)]
async fn a_connection_gone_silent_is_given_up_after_two_intervals() {
    let config = ClientConfig::default().ping_interval(10).reconnect_nonce(1);
    let platform = Platform::builder().app(ID, SECRET).client_config(config);
    let platform = Arc::new(platform.start().await.unwrap());
    for from_the_start in [false, true] {
        if from_the_start {
            platform.inject(Fault::AcceptHalfOpen);
        }
        let client = Client::connected(to(&platform), watched().0).await;
        let began = Instant::now();
        if !from_the_start {
            platform.inject(Fault::HalfOpen);
            drop(platform.push(takes(0)));
        }
        let state = client.monitor.until(|state| !state.is_connected()).await;
        assert_eq!(why(&state), ConnectErrorKind::Silent);
        assert_eq!(began.elapsed(), Duration::from_secs(25));
        client.monitor.until(State::is_connected).await;
        assert!(platform.push(takes(0)).await.acknowledged());
        assert_eq!(client.end().await, Ok(()));
    }
}

#[test]
fn what_cannot_be_used_is_not_built() {
    use LongConnectionBuildErrorKind::{
        InvalidDomain, InvalidHeader, InvalidProxy, NoConnection, NoCredentials, Zero,
    };
    let builder = || LongConnection::builder(ID, SECRET);
    assert!(builder().domain(Domain::Lark).build().is_ok());
    let refused = |builder: LongConnectionBuilder| {
        let error = builder.build().unwrap_err();
        (error.kind(), error.to_string())
    };
    assert_eq!(
        refused(LongConnection::builder("", SECRET)).0,
        NoCredentials
    );
    for (url, what) in [
        ("", "has no host or no http(s) scheme"),
        ("open.feishu.cn", "has no host or no http(s) scheme"),
        ("ftp://host", "has no host or no http(s) scheme"),
        ("https://marked@host", "has user information"),
        ("https://host/?marked", "has a query"),
        ("https://", "has no host or no http(s) scheme"),
        ("https://a b", "is not a URL"),
    ] {
        let (kind, text) = refused(builder().domain(Domain::custom(url)));
        assert_eq!(kind, InvalidDomain, "{url}");
        let said = format!("the domain's base URL {what}: expected http:// or https:// and a host");
        assert!(text.starts_with(&said), "{url}: {text}");
        assert!(!text.contains("marked"), "{text}");
    }
    for url in ["", "socks5://host", "host:1"] {
        assert_eq!(refused(builder().proxy(url)).0, InvalidProxy, "{url}");
    }
    assert_eq!(refused(builder().header("a b", "c")).0, InvalidHeader);
    assert_eq!(refused(builder().user_agent("\n")).0, InvalidHeader);
    for name in ["Host", "content-length", "UPGRADE", "Sec-WebSocket-Key"] {
        let (kind, text) = refused(builder().header(name, "x"));
        let said = format!(
            "the header `{}` is set by the connection",
            name.to_lowercase()
        );
        assert_eq!(kind, InvalidHeader, "{name}");
        assert!(text.starts_with(&said), "{text}");
    }
    for (nothing, setting) in [
        (builder().max_running(0), "max_running"),
        (builder().max_bytes_in_flight(0), "max_bytes_in_flight"),
        (builder().ack_deadline(Duration::ZERO), "ack_deadline"),
        (builder().connect_timeout(Duration::ZERO), "connect_timeout"),
    ] {
        let said = format!("`{setting}` must be greater than 0, got 0");
        let (kind, text) = refused(nothing);
        assert_eq!(kind, Zero);
        assert!(text.starts_with(&said), "{text}");
    }
    let none = LongConnections::new(0, builder()).unwrap_err();
    assert_eq!(none.kind(), NoConnection);
    let with_header = builder().header("authorization", "marked-header");
    let shown = format!("{with_header:?}");
    let shown = format!("{shown} {:?}", with_header.build().unwrap());
    assert!(shown.contains(ID) && !shown.contains("marked"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn a_listener_is_told_of_each_state() {
    let platform = Arc::new(platform().start().await.unwrap());
    let states = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&states);
    let builder = to(&platform).on_state(move |state| {
        let state = format!("{state:?}");
        let name = state.split([' ', '(']).next().unwrap().to_owned();
        told.lock().unwrap().push(name);
    });
    platform.inject(Fault::Endpoint(1));
    let client = Client::connected(builder, watched().0).await;
    assert_eq!(client.end().await, Ok(()));
    let expected = [
        "Connecting",
        "Reconnecting",
        "Connecting",
        "Connected",
        "Draining",
        "Closed",
    ];
    assert_eq!(*states.lock().unwrap(), expected);
}

#[cfg(feature = "metrics")]
#[tokio::test(start_paused = true)]
async fn open_connections_and_why_others_are_not_are_measured() {
    let recorder = metrics_util::debugging::DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let measured = || {
        let all = snapshotter.snapshot().into_vec().into_iter();
        let mut all: Vec<_> = all
            .map(|(key, _, _, value)| {
                let labels = key.key().labels().map(|label| label.value().to_owned());
                (
                    key.key().name().to_owned(),
                    labels.collect::<Vec<_>>().join(" "),
                    value,
                )
            })
            .collect();
        all.sort_by(|one, other| (&one.0, &one.1).cmp(&(&other.0, &other.1)));
        all.into_iter()
            .map(|(name, labels, value)| format!("{name} {labels} {value:?}"))
            .collect::<Vec<_>>()
    };
    let platform = Arc::new(platform().start().await.unwrap());
    platform.inject(Fault::Endpoint(1));
    let client = Client::connected(to(&platform), watched().0).await;
    let other = Client::connected(to(&platform), watched().0).await;
    let open = |count: &str| format!("lark_events_connections {ID} Gauge({count})");
    let failures = |reason: &str, count| {
        format!("lark_events_connection_failures_total {ID} {reason} Counter({count})")
    };
    assert_eq!(measured(), [failures("unavailable", 1), open("2.0")]);
    platform.disconnect();
    client.monitor.until(|state| !state.is_connected()).await;
    other.monitor.until(|state| !state.is_connected()).await;
    // Since the last time.
    let all = measured();
    assert!(
        all.contains(&failures("lost", 2)) && all.contains(&open("-2.0")),
        "{all:?}"
    );
    client.monitor.until(State::is_connected).await;
    assert_eq!(client.end().await, Ok(()));
    other.task.abort();
    assert!(other.task.await.is_err());
    assert!(measured().contains(&open("0.0")));
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_panics_ends_the_run_and_no_more() {
    let platform = Arc::new(platform().start().await.unwrap());
    let builder = to(&platform).on_state(|state| assert_eq!(*state, State::Idle, "planned"));
    let client = Client::start(builder, watched().0);
    assert!(client.task.await.unwrap_err().is_panic());
    assert_eq!(client.monitor.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn times_for_ever_do_not_overflow() {
    let platform = Arc::new(platform().start().await.unwrap());
    let for_ever = Duration::MAX;
    let builder = to(&platform)
        .ack_deadline(for_ever)
        .drain_timeout(for_ever)
        .connect_timeout(for_ever);
    let client = Client::connected(builder, watched().0).await;
    assert!(platform.push(takes(2900)).await.acknowledged());
    assert_eq!(client.end().await, Ok(()));
}
