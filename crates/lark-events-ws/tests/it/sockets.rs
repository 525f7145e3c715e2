//! What only sockets show: TLS, and messages that are large or many.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lark_events::limits::MAX_EVENT_BYTES;
use lark_events::{Dispatcher, Event, RawJson, RawReply};
use lark_events_sim::{Answer, ClientConfig, Document, Missing, Platform, Report};
use lark_events_ws::{ConnectErrorKind, Domain, LongConnection, LongConnectionBuilder, State};
use serde_json::json;
use tokio::time::sleep;

use crate::support::{Client, ID, SECRET, event, platform, takes, watched};

/// A connection over sockets of its own, whatever proxy this machine has.
pub(crate) fn over_sockets(base_url: &str) -> LongConnectionBuilder {
    LongConnection::builder(ID, SECRET)
        .domain(Domain::custom(base_url))
        .no_proxy()
}

/// Why a connection cannot be had.
pub(crate) async fn refused(builder: LongConnectionBuilder) -> (ConnectErrorKind, String) {
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
    use crate::proxies::{Proxy, authority};

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

/// A dispatcher that keeps the lengths of `large_v1` by their number of the event.
fn measured() -> (Dispatcher, Arc<Mutex<BTreeMap<String, usize>>>) {
    let lengths = Arc::<Mutex<BTreeMap<String, usize>>>::default();
    let kept = Arc::clone(&lengths);
    let dispatcher = Dispatcher::builder()
        .on_raw("large_v1", move |event: Event<RawJson>| {
            let length = event.body.as_str().len();
            kept.lock()
                .unwrap()
                .insert(event.header.event_id.unwrap(), length);
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
            .answer_limit(Duration::from_secs(4));
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
    // The client answers in time, but many answers take long.
    let platform = platform()
        .client_config(config)
        .answer_limit(Duration::from_secs(60));
    let platform = platform.start().await.unwrap();
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
