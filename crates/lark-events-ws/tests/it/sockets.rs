//! What only sockets show: TLS, proxies, headers, and messages that are large or many.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lark_events::{Dispatcher, Event, MAX_EVENT_BYTES, RawJson, RawReply};
use lark_events_sim::{Answer, ClientConfig, Document, Missing, Platform, Report};
use lark_events_ws::{ConnectErrorKind, LongConnection, LongConnectionBuilder, State};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use crate::support::{Client, ID, SECRET, event, platform, takes, watched};

/// A connection over sockets of its own, whatever proxy this machine has.
fn over_sockets(base_url: &str) -> LongConnectionBuilder {
    LongConnection::builder(ID, SECRET)
        .base_url(base_url)
        .no_proxy()
}

/// Why a connection cannot be had.
async fn refused(builder: LongConnectionBuilder) -> (ConnectErrorKind, String) {
    let client = Client::start(builder, watched().0);
    let stopped = |state: &State| matches!(state, State::Reconnecting { .. } | State::Failed(_));
    match client.monitor.until(stopped).await {
        State::Reconnecting { why, .. } => (why.kind(), why.to_string()),
        other => panic!("not reconnecting: {other:?}"),
    }
}

fn code(report: &Report) -> i64 {
    match &report.attempts[0].answer {
        Answer::Ack { code, .. } => *code,
        other => panic!("no ack: {other:?}"),
    }
}

#[tokio::test]
async fn events_come_over_a_plain_socket() {
    let platform = platform().start().await.unwrap();
    let (dispatcher, seen) = watched();
    let client = Client::connected(over_sockets(platform.base_url()), dispatcher).await;
    assert!(platform.push(takes(0)).await.acknowledged());
    platform.disconnect();
    client.monitor.until(|state| !state.is_connected()).await;
    client.monitor.until(State::is_connected).await;
    assert!(platform.push(takes(0)).await.acknowledged());
    assert_eq!(client.end().await, Ok(()));
    assert_eq!(seen.finished(), 2);
    assert_eq!(platform.violations(), []);
}

#[cfg(feature = "tls")]
mod tls {
    use lark_events_ws::rustls::crypto::ring;
    use lark_events_ws::rustls::pki_types::CertificateDer;
    use lark_events_ws::rustls::pki_types::pem::PemObject as _;
    use lark_events_ws::rustls::{ClientConfig, RootCertStore};

    use super::*;

    /// Trusts a platform's own certificate, and nothing else.
    fn trusting(platform: &Platform) -> ClientConfig {
        let pem = platform.certificate_pem().unwrap();
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap())
            .unwrap();
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth()
    }

    #[tokio::test]
    async fn events_come_over_tls_to_whom_trusts_the_platform() {
        let platform = platform().tls().start().await.unwrap();
        assert!(platform.base_url().starts_with("https://127.0.0.1:"));
        let named = platform.base_url().replace("127.0.0.1", "localhost");
        for base_url in [platform.base_url(), &named] {
            let builder = over_sockets(base_url).tls_config(trusting(&platform));
            let (dispatcher, seen) = watched();
            let client = Client::connected(builder, dispatcher).await;
            assert!(platform.push(takes(0)).await.acknowledged());
            assert_eq!(client.end().await, Ok(()));
            assert_eq!(seen.finished(), 1);
        }
        assert_eq!(platform.violations(), []);
    }

    #[tokio::test]
    async fn a_platform_that_is_not_trusted_learns_no_secret() {
        let platform = platform().tls().start().await.unwrap();
        let other = Platform::builder().tls().start().await.unwrap();
        let others = || over_sockets(platform.base_url()).tls_config(trusting(&other));
        let mut builders = vec![others()];
        if cfg!(all(feature = "ring", feature = "webpki-roots")) {
            builders.push(over_sockets(platform.base_url()));
        }
        for builder in builders {
            let (kind, why) = refused(builder).await;
            assert_eq!(kind, ConnectErrorKind::Unreachable);
            assert!(why.contains("certificate"), "{why}");
        }
        assert_eq!(platform.stats().endpoint_calls, 0);
    }

    #[tokio::test]
    async fn tls_goes_through_a_proxy() {
        let platform = platform().tls().start().await.unwrap();
        let proxy = Proxy::start(&platform, None).await;
        let builder = over_sockets("https://localhost").tls_config(trusting(&platform));
        let (dispatcher, _) = watched();
        let client = Client::connected(builder.proxy(&proxy.url), dispatcher).await;
        assert!(platform.push(takes(0)).await.acknowledged());
        let platform = authority(&platform);
        assert_eq!(proxy.targets(), ["localhost:443", &platform]);
        assert_eq!(client.end().await, Ok(()));
    }
}

/// `127.0.0.1` and the port of a platform.
fn authority(platform: &Platform) -> String {
    let (_, authority) = platform.base_url().split_once("://").unwrap();
    authority.to_owned()
}

/// An HTTP proxy in front of a platform, by whatever name that is asked for.
struct Proxy {
    url: String,
    seen: Arc<Mutex<Vec<Connect>>>,
}

/// What came on one connection to it.
#[derive(Default)]
struct Connect {
    /// The head of the CONNECT request.
    head: String,
    /// The head of what was then sent, if that was not encrypted.
    request: String,
}

impl Proxy {
    /// Lets in everybody, or who has the `authorization`.
    async fn start(platform: &Platform, authorization: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (platform, seen) = (authority(platform), Arc::<Mutex<Vec<Connect>>>::default());
        let seeing = Arc::clone(&seen);
        tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let (platform, seen) = (platform.clone(), Arc::clone(&seeing));
                tokio::spawn(async move {
                    let head = read_head(&mut client).await;
                    let place = {
                        let mut seen = seen.lock().unwrap();
                        let head = head.clone();
                        seen.push(Connect {
                            head,
                            ..Connect::default()
                        });
                        seen.len() - 1
                    };
                    let has = |line: &str| head.contains(line);
                    if authorization.is_some_and(|line| !has(line)) {
                        let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
                        client.write_all(refusal).await.unwrap();
                        return;
                    }
                    let mut server = TcpStream::connect(platform).await.unwrap();
                    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                    let request = read_head(&mut client).await;
                    server.write_all(request.as_bytes()).await.unwrap();
                    seen.lock().unwrap()[place].request = request;
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        Self { url, seen }
    }

    /// With a user and a password.
    fn url_of(&self, user: &str) -> String {
        self.url.replace("http://", &format!("http://{user}@"))
    }

    /// Where its clients wanted to go.
    fn targets(&self) -> Vec<String> {
        let target = |connect: &Connect| {
            let mut words = connect.head.split(' ');
            assert_eq!(words.next(), Some("CONNECT"));
            words.next().unwrap().to_owned()
        };
        self.seen.lock().unwrap().iter().map(target).collect()
    }
}

/// Reads the head of a request; nothing where something else comes.
async fn read_head(stream: &mut TcpStream) -> String {
    let mut first = [0];
    stream.peek(&mut first).await.unwrap();
    let mut head = Vec::new();
    while first[0].is_ascii_uppercase() && !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

#[tokio::test]
async fn both_connections_go_through_a_proxy_that_resolves_the_names() {
    let platform = platform().start().await.unwrap();
    // Basic authorization of `tea` and `pot 1`.
    let authorization = "Proxy-Authorization: Basic dGVhOnBvdCAx\r\n";
    for authorization in [None, Some(authorization)] {
        let proxy = Proxy::start(&platform, authorization).await;
        let url = match authorization {
            None => proxy.url.clone(),
            Some(_) => proxy.url_of("tea:pot%201"),
        };
        let builder = LongConnection::builder(ID, SECRET)
            .base_url("http://platform.invalid")
            .proxy(url);
        let (dispatcher, _) = watched();
        let client = Client::connected(builder, dispatcher).await;
        assert!(platform.push(takes(0)).await.acknowledged());
        let platform = authority(&platform);
        assert_eq!(proxy.targets(), ["platform.invalid:80", &platform]);
        assert_eq!(client.end().await, Ok(()));
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_is_no_way_to_the_platform() {
    let platform = platform().start().await.unwrap();
    let proxy = Proxy::start(&platform, Some("Basic dGVhOnBvdCAx")).await;
    for url in [&proxy.url, &proxy.url_of("tea:marked-password")] {
        let builder = over_sockets(platform.base_url()).proxy(url);
        let shown = format!("{builder:?}");
        let (kind, why) = refused(builder).await;
        assert_eq!(kind, ConnectErrorKind::Unreachable);
        assert_eq!(
            why,
            "the platform cannot be reached: tunnel error: proxy authorization required"
        );
        assert!(!shown.contains("marked"), "{shown}");
    }
    let nobody = over_sockets(platform.base_url()).proxy("http://127.0.0.1:1");
    assert_eq!(refused(nobody).await.0, ConnectErrorKind::Unreachable);
    assert_eq!(platform.stats().endpoint_calls, 0);
}

/// What a process does that has proxies in its environment: this test once more.
const CHILD: &str = "LARK_EVENTS_TEST_CHILD";

#[tokio::test]
async fn a_proxy_comes_from_the_environment_unless_told_otherwise() {
    if let Ok(base_url) = std::env::var(CHILD) {
        return connect_from(&base_url).await;
    }
    let platform = platform().start().await.unwrap();
    let proxy = Proxy::start(&platform, None).await;
    let (url, platform_at) = (&*proxy.url, authority(&platform));
    let base_url = platform.base_url();
    let refuser = "http://127.0.0.1:1";
    for (environment, base_url, through) in [
        (
            &[("HTTP_PROXY", url), ("HTTPS_PROXY", refuser)][..],
            base_url,
            true,
        ),
        (&[("ALL_PROXY", url)], base_url, true),
        (
            &[("http_proxy", url), ("ALL_PROXY", refuser)],
            base_url,
            true,
        ),
        (
            &[("HTTP_PROXY", refuser), ("NO_PROXY", "127.0.0.1")],
            base_url,
            false,
        ),
        (
            &[("ALL_PROXY", refuser)],
            &format!("direct {base_url}"),
            false,
        ),
        (&[("HTTPS_PROXY", refuser)], base_url, false),
    ] {
        let before = proxy.targets().len();
        let mut child = Command::new(std::env::current_exe().unwrap());
        child
            .env_clear()
            .env(CHILD, base_url)
            .envs(environment.iter().copied())
            .args(["--exact", "--nocapture"])
            .arg("sockets::a_proxy_comes_from_the_environment_unless_told_otherwise")
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let output = timeout(Duration::from_secs(60), child.output())
            .await
            .unwrap();
        let output = output.unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{environment:?}: {said}");
        assert!(said.contains("1 passed"), "{said}");
        let expected = vec![platform_at.clone(); if through { 2 } else { 0 }];
        assert_eq!(proxy.targets()[before..], expected, "{environment:?}");
    }
    assert_eq!(platform.stats().upgrades, 6);
}

async fn connect_from(base_url: &str) {
    let builder = LongConnection::builder(ID, SECRET);
    let builder = match base_url.strip_prefix("direct ") {
        Some(base_url) => builder.base_url(base_url).no_proxy(),
        None => builder.base_url(base_url),
    };
    let client = Client::start(builder, watched().0);
    let stopped = |state: &State| !matches!(state, State::Idle | State::Connecting);
    let state = client.monitor.until(stopped).await;
    assert!(state.is_connected(), "{state:?}");
    assert_eq!(client.end().await, Ok(()));
}

#[tokio::test]
async fn both_requests_have_the_headers_of_the_app_and_the_proxy_has_not() {
    let platform = platform().start().await.unwrap();
    for user_agent in [None, Some("kitchen/1.0")] {
        let proxy = Proxy::start(&platform, None).await;
        let mut builder = over_sockets(platform.base_url())
            .proxy(&proxy.url)
            .header("X-Gateway", "marked-gateway")
            .header("x-other", "1")
            .header("x-other", "2")
            .header("Locale", "en");
        if let Some(user_agent) = user_agent {
            builder = builder.user_agent(user_agent);
        }
        let client = Client::connected(builder, watched().0).await;
        let by_default = concat!("lark-events-ws/", env!("CARGO_PKG_VERSION"));
        let user_agent = format!("user-agent: {}\r\n", user_agent.unwrap_or(by_default));
        let host = format!("host: {}\r\n", authority(&platform));
        {
            let seen = proxy.seen.lock().unwrap();
            let starts = ["POST /callback/ws/endpoint HTTP/1.1\r\n", "GET /ws/v2?"];
            for (connect, start) in seen.iter().zip(starts) {
                assert!(connect.request.starts_with(start), "{}", connect.request);
                let request = lower_names(&connect.request);
                let own = [
                    "x-gateway: marked-gateway\r\n",
                    "x-other: 1\r\n",
                    "x-other: 2\r\n",
                ];
                for line in [&user_agent, &host]
                    .into_iter()
                    .map(|line| &**line)
                    .chain(own)
                {
                    assert_eq!(request.matches(line).count(), 1, "{line:?} in {request}");
                }
                assert!(!connect.head.contains("marked-gateway"));
            }
            let call = lower_names(&seen[0].request);
            assert!(
                call.contains("content-type: application/json\r\n"),
                "{call}"
            );
            assert!(
                call.contains("locale: en\r\n") && !call.contains("zh"),
                "{call}"
            );
            assert_eq!(seen.len(), 2);
        }
        assert_eq!(client.end().await, Ok(()));
    }
}

/// The head of a request with the names of its headers in lower case.
fn lower_names(head: &str) -> String {
    let lower = |line: &str| match line.split_once(": ") {
        Some((name, value)) => format!("{}: {value}\r\n", name.to_lowercase()),
        None => format!("{line}\r\n"),
    };
    head.lines().map(lower).collect()
}

/// A dispatcher that keeps the lengths of `large_v1` by their number of the event.
fn measured() -> (Dispatcher, Arc<Mutex<BTreeMap<String, usize>>>) {
    let lengths = Arc::<Mutex<BTreeMap<String, usize>>>::default();
    let kept = Arc::clone(&lengths);
    let dispatcher = Dispatcher::builder()
        .on_raw("large_v1", move |event: Event<RawJson>| {
            let length = event.body.as_str().len();
            kept.lock().unwrap().insert(event.header.event_id, length);
            async {}
        })
        .build()
        .unwrap();
    (dispatcher, lengths)
}

/// A document of so many bytes in all, and the length of its body.
fn large(event_id: &str, bytes: usize) -> (Document, usize) {
    let head = format!(
        r#"{{"schema":"2.0","header":{{"event_id":"{event_id}","event_type":"large_v1"}},"event":""#
    );
    let text = "x".repeat(bytes - head.len() - 2);
    (format!("{head}{text}\"}}").into(), text.len() + 2)
}

#[tokio::test]
async fn the_largest_events_are_taken_in_one_frame_and_in_fragments_and_larger_ones_are_not() {
    for (fragment_bytes, in_one) in [(64 * 1024, false), (2 * MAX_EVENT_BYTES, true)] {
        let platform = platform()
            .fragment_above(fragment_bytes)
            .answer_limit(Duration::from_secs(2));
        let platform = platform.start().await.unwrap();
        let (dispatcher, lengths) = measured();
        let builder = over_sockets(platform.base_url()).ack_deadline(Duration::from_secs(30));
        let client = Client::connected(builder, dispatcher).await;

        let (largest, length) = large("largest", MAX_EVENT_BYTES);
        assert!(platform.push(largest).await.acknowledged());
        let (too_large, _) = large("too-large", MAX_EVENT_BYTES + 1);
        let (small, small_length) = large("small", 1000);
        let (too_large, small) = tokio::join!(platform.push(too_large), platform.push(small));
        assert!(small.acknowledged());
        if in_one {
            assert_eq!(code(&too_large), 500);
        } else {
            let none = Answer::Missing(Missing::TimedOut);
            assert_eq!(too_large.attempts[0].answer, none);
        }
        let taken = [("largest", length), ("small", small_length)];
        let taken = taken.map(|(id, length)| (id.to_owned(), length));
        assert_eq!(*lengths.lock().unwrap(), BTreeMap::from(taken));
        assert_eq!(client.monitor.stats().reconnects, 0);
        assert_eq!(client.end().await, Ok(()));
        assert_eq!(platform.violations(), []);
    }
}

#[tokio::test]
async fn a_large_reply_goes_back_whole() {
    let platform = platform().start().await.unwrap();
    let text = "茶".repeat(500_000);
    let reply = json!({"text": text});
    let expected = reply.to_string();
    let dispatcher = Dispatcher::builder()
        .on_raw("profile.view.get", move |_| {
            let reply = RawReply::json(&reply);
            async { reply }
        })
        .build()
        .unwrap();
    let client = Client::connected(over_sockets(platform.base_url()), dispatcher).await;
    for _ in 0..3 {
        let reply = platform.push_callback(event("profile.view.get")).await;
        assert!(reply.unwrap().as_str() == expected);
    }
    assert_eq!(client.end().await, Ok(()));
    assert_eq!(platform.violations(), []);
}

#[tokio::test]
async fn the_socket_is_always_read_and_every_event_answered_while_a_handler_hangs() {
    // More than fit into any buffer of messages on the way.
    const EVENTS: usize = 1101;
    let config = ClientConfig::default().ping_interval(1);
    let platform = platform().client_config(config).start().await.unwrap();
    let (dispatcher, seen) = watched();
    let builder = over_sockets(platform.base_url())
        .max_running(1)
        .drain_timeout(Duration::ZERO);
    let client = Client::connected(builder, dispatcher).await;
    let pushes: Vec<_> = (0..EVENTS)
        .map(|_| platform.push(takes(3_600_000)))
        .collect();
    for push in pushes {
        let report = push.await;
        assert_eq!(code(&report), 500);
    }
    let stats = client.monitor.stats();
    assert_eq!(stats.events, EVENTS as u64);
    assert_eq!((stats.deadline_missed, stats.running), (EVENTS as u64, 1));
    let pongs = |client: &Client| {
        let stats = client.monitor.stats();
        stats.frames - stats.events
    };
    // One at once and one each second of the deadline, and they go on.
    let before = pongs(&client);
    assert!(before >= 2, "{before}");
    while pongs(&client) == before {
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(seen.started(), 1);
    assert_eq!(
        (
            client.monitor.stats().reconnects,
            platform.stats().late_acks
        ),
        (0, 0)
    );
    assert_eq!(client.end().await, Ok(()));
    assert_eq!(platform.violations(), []);
}
