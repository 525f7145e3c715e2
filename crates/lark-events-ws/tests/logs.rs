//! What a long connection logs, and what it never does. In a program of its own, with one test,
//! because whether a log line is wanted is cached for the whole process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "it/support.rs"]
#[expect(dead_code, reason = "shared with the other tests")]
mod support;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lark_events_sim::{Document, Fault};
use lark_events_ws::{ConnectErrorKind, LongConnection, State};
use tokio_util::io::InspectWriter;
use tracing::{Level, info, trace};

use self::support::{Client, ID, SECRET, platform, watched};

/// The target of whatever this crate logs.
const TARGET: &str = "lark_events_ws";

/// Log output kept in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The values of the address in a request that nobody else may know.
fn secrets(request: &str) -> impl Iterator<Item = String> {
    let members = request
        .split(['?', '&', ' '])
        .filter_map(|member| member.split_once('='));
    let secret = members.filter(|(name, _)| matches!(*name, "access_key" | "ticket"));
    secret.map(|(_, value)| value.to_owned())
}

#[tokio::test(start_paused = true)]
async fn no_secret_no_address_and_no_payload_is_in_a_log_line() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);

    let platform = Arc::new(platform().fragment_above(300).start().await.unwrap());
    // The first line of each upgrade.
    let upgrades = Arc::<Mutex<Vec<String>>>::default();
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let to_platform = |secret: &str| {
        let platform = Arc::clone(&platform);
        let (upgrades, asked) = (Arc::clone(&upgrades), Arc::clone(&asked));
        LongConnection::builder(ID, secret)
            .base_url(platform.base_url())
            .header("authorization", "marked-header")
            .connect_with(move |address| {
                asked.lock().unwrap().push(address.to_string());
                let upgrades = Arc::clone(&upgrades);
                let stream = InspectWriter::new(platform.dial(), move |bytes: &[u8]| {
                    if let Some(line) = bytes.split(|byte| *byte == b'\r').next()
                        && line.starts_with(b"GET ")
                    {
                        let line = String::from_utf8_lossy(line).into_owned();
                        upgrades.lock().unwrap().push(line);
                    }
                });
                async move { Ok(stream) }
            })
            .on_state(|state| trace!(target: TARGET, ?state, "a state"))
    };
    for fault in [
        Fault::EndpointStatus(502),
        Fault::Endpoint(1),
        Fault::RefuseUpgrade(514, 7),
    ] {
        platform.inject(fault);
    }
    let builder = to_platform(SECRET);
    trace!(target: TARGET, ?builder, "a builder");
    let client = Client::connected(builder, watched().0).await;
    let body = "marked-payload".repeat(30);
    let marked = |event_type| Document::v2(event_type, &body).unwrap();
    for document in [
        marked("failing_v1"),
        marked("panicking_v1"),
        marked("other_v1"),
        // Its handler takes numbers only.
        marked("takes_v1"),
        marked("unknown.callback"),
        "marked-payload".into(),
        r#"{"header": "marked-payload"}"#.into(),
    ] {
        platform.inject(Fault::GarbageFrame);
        let _ = platform.push(document).await;
    }
    platform.inject(Fault::LoseFragment);
    let _ = platform.push(marked("other_v1")).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    platform.disconnect();
    client.monitor.until(|state| !state.is_connected()).await;
    client.monitor.until(State::is_connected).await;
    assert_eq!(client.end().await, Ok(()));
    let refused = Client::start(to_platform("marked-other"), watched().0);
    let error = refused.task.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ConnectErrorKind::Refused);
    info!(target: TARGET, "a control line: marked-control");
    drop(guard);

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let ours = || log.lines().filter(|line| line.contains(TARGET));
    for said in [
        "marked-control",
        "connected",
        "connecting again",
        "not acknowledged",
        "a message is dropped",
        "fragments of events",
        "draining",
        "a builder",
        "a state",
    ] {
        assert!(
            ours().any(|line| line.contains(said)),
            "no {said:?} in {log}"
        );
    }
    let upgrades = upgrades.lock().unwrap();
    let tickets: Vec<_> = upgrades.iter().flat_map(|line| secrets(line)).collect();
    assert_eq!(tickets.len(), 6, "a refused upgrade and two connections");
    // Who opens the stream need not know it either.
    let asked = asked.lock().unwrap();
    assert!(asked.iter().all(|address| secrets(address).count() == 0));
    let leaks = |line: &&str| {
        let line = line.replace("marked-control", "");
        line.contains("marked-") || tickets.iter().any(|ticket| line.contains(ticket))
    };
    // Nor in what other crates log, but for the platform itself.
    let others = log.lines().filter(|line| !line.contains("lark_events_sim"));
    let leaked: Vec<_> = others.filter(leaks).collect();
    assert!(leaked.is_empty(), "{leaked:#?}");
}
