//! Proxies between the connection and the platform, and the data that they see.

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lark_events_sim::Platform;
use lark_events_ws::{ConnectErrorKind, Domain, LongConnection, State};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::time::timeout;

use crate::sockets::{over_sockets, refused};
use crate::support::{Client, ID, SECRET, platform, takes, watched};

/// `127.0.0.1` and the port of a platform.
pub(crate) fn authority(platform: &Platform) -> String {
    let (_, authority) = platform.base_url().split_once("://").unwrap();
    authority.to_owned()
}

/// An HTTP proxy in front of a platform, by whatever name that is asked for.
pub(crate) struct Proxy {
    pub(crate) url: String,
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
    pub(crate) async fn start(platform: &Platform, authorization: Option<&'static str>) -> Self {
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
    pub(crate) fn targets(&self) -> Vec<String> {
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
            .domain(Domain::custom("http://platform.invalid"))
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
async fn a_proxy_comes_from_the_environment_unless_turned_off() {
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
            .arg("proxies::a_proxy_comes_from_the_environment_unless_turned_off")
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
        Some(base_url) => builder.domain(Domain::custom(base_url)).no_proxy(),
        None => builder.domain(Domain::custom(base_url)),
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
