//! Whatever may happen to a long connection, from the call for an address to its end.

use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use lark_events::{BoxError, Delivery, Outcome};
use lark_events_sim::{ClientConfig, Document, Fault, Platform, PlatformBuilder};
use lark_events_ws::{
    ConnectError, Domain, LongConnection, LongConnectionBuilder, LongConnections, Monitor, State,
};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower::Service;
use tracing::trace;

use crate::app::{dispatcher, documents, layered};
use crate::secrets;

pub(crate) const APP_ID: &str = "cli_9f5343c580712544";
pub(crate) const APP_SECRET: &str = "marked-app-secret";

pub(crate) async fn whatever_happens() {
    events().await;
    under_layers().await;
    connecting_again().await;
    refusals().await;
    odd_addresses().await;
}

/// A platform that delivers once, in fragments, and has its clients come again within a second. What
/// it chooses is the same in each run.
pub(crate) fn platform() -> PlatformBuilder {
    let soon = ClientConfig::default()
        .reconnect_nonce(1)
        .reconnect_interval(1)
        .ping_interval(5);
    Platform::builder()
        .app(APP_ID, APP_SECRET)
        .redeliver_after([])
        .seed(1)
        .fragment_above(300)
        .client_config(soon)
}

/// A connection to it in memory. The function that opens the streams gets no secrets of an address.
fn to(platform: &Arc<Platform>, app_secret: &str) -> LongConnectionBuilder {
    let dialed = Arc::clone(platform);
    by(app_secret, move |_| dialed.dial()).domain(Domain::custom(platform.base_url()))
}

fn by(
    app_secret: &str,
    dial: impl Fn(&Uri) -> DuplexStream + Send + Sync + 'static,
) -> LongConnectionBuilder {
    LongConnection::builder(APP_ID, app_secret)
        .header("authorization", "marked-header")
        .ack_deadline(Duration::from_secs(1))
        .drain_timeout(Duration::from_millis(100))
        .connect_with(move |uri| {
            assert_eq!(secrets(&uri.to_string()).count(), 0, "{uri}");
            let stream = dial(&uri);
            async move { Ok(stream) }
        })
        .on_state(|state| trace!(target: "lark_events_ws", ?state, "a state"))
}

/// A connection that runs in a task.
pub(crate) struct Client {
    pub(crate) monitor: Monitor,
    ended: JoinHandle<Result<(), ConnectError>>,
    shutdown: oneshot::Sender<()>,
}

impl Client {
    pub(crate) fn start<S>(builder: LongConnectionBuilder, service: S) -> Self
    where
        S: Service<Delivery, Response = Outcome, Error: Into<BoxError>, Future: Send>
            + Clone
            + Send
            + 'static,
    {
        trace!(target: "lark_events_ws", ?builder, "a builder");
        let connection = builder.build().unwrap();
        trace!(target: "lark_events_ws", ?connection, "a connection");
        let monitor = connection.monitor();
        let (shutdown, asked) = oneshot::channel();
        let asked = async { asked.await.unwrap_or_default() };
        let ended = tokio::spawn(
            connection
                .run(service)
                .with_graceful_shutdown(asked)
                .into_future(),
        );
        Self {
            monitor,
            ended,
            shutdown,
        }
    }

    pub(crate) async fn is_connected(&self) {
        let state = self.monitor.until(State::is_connected).await;
        assert!(state.is_connected(), "{state:?}");
    }

    pub(crate) async fn end(self) {
        self.shutdown.send(()).unwrap();
        assert_eq!(self.ended.await.unwrap(), Ok(()));
    }
}

async fn events() {
    let platform = Arc::new(platform().start().await.unwrap());
    let client = Client::start(to(&platform, APP_SECRET), dispatcher());
    client.is_connected().await;
    for fault in [
        None,
        Some(Fault::GarbageFrame),
        Some(Fault::LoseFragment),
        Some(Fault::ShuffleFragments),
    ] {
        for document in documents() {
            fault.into_iter().for_each(|fault| platform.inject(fault));
            let _ = platform.push(document).await;
        }
    }
    // What never gets whole is dropped.
    tokio::time::sleep(Duration::from_secs(20)).await;
    client.end().await;
    // Events of another app.
    let own = LongConnections::of([to(&platform, APP_SECRET).build().unwrap()]).unwrap();
    trace!(target: "lark_events_ws", ?own, "connections");
    let monitor = own.monitors().remove(0);
    let running = tokio::spawn(own.run(dispatcher()).into_future());
    monitor.until(State::is_connected).await;
    let others = Document::v2("good_v1", &"marked-payload").unwrap();
    let _ = platform.push(others.header("app_id", "cli_other")).await;
    running.abort();
}

async fn under_layers() {
    let platform = Arc::new(platform().start().await.unwrap());
    for store_grants in [true, false] {
        let client = Client::start(to(&platform, APP_SECRET), layered(store_grants));
        client.is_connected().await;
        let twice = documents()
            .into_iter()
            .flat_map(|document| [document.clone(), document]);
        let pushes: Vec<_> = twice.map(|document| platform.push(document)).collect();
        for push in pushes {
            push.await;
        }
        client.end().await;
    }
}

/// What trying again mends.
async fn connecting_again() {
    let platform = Arc::new(platform().start().await.unwrap());
    for fault in [
        Fault::Endpoint(1_000_040_343),
        Fault::Endpoint(0),
        Fault::EndpointStatus(502),
        Fault::EndpointSilent,
        Fault::RefuseUpgrade(514, 7),
        Fault::UpgradeStatus(302),
        Fault::UpgradeSilent,
    ] {
        platform.inject(fault);
    }
    let client = Client::start(to(&platform, APP_SECRET), dispatcher());
    client.is_connected().await;
    for fault in [Fault::Disconnect, Fault::Close, Fault::HalfOpen] {
        platform.inject(fault);
        let _ = platform.push(documents().remove(0)).await;
        client.monitor.until(|state| !state.is_connected()).await;
        client.is_connected().await;
    }
    client.end().await;
}

/// What trying again does not.
async fn refusals() {
    let platform = Arc::new(platform().start().await.unwrap());
    let refused = async |app_secret: &str| {
        let client = Client::start(to(&platform, app_secret), dispatcher());
        let error = client.ended.await.unwrap().unwrap_err();
        trace!(target: "lark_events_ws", %error, ?error, "refused");
        assert!(error.is_fatal(), "{error}");
    };
    refused("marked-other-secret").await;
    for fault in [
        Fault::Endpoint(1_000_040_345),
        Fault::RefuseUpgrade(403, 0),
        Fault::RefuseUpgrade(514, 1_000_040_350),
    ] {
        platform.inject(fault);
        refused(APP_SECRET).await;
    }
}

/// Addresses that are none, or whose ticket is none.
async fn odd_addresses() {
    let platform = Arc::new(platform().start().await.unwrap());
    let query = "device_id=1&service_id=2&access_key=marked-key&ticket=marked-ticket";
    let authority = platform.base_url().replace("http://", "");
    for url in [
        format!("ws://{authority}/ws/v2?{query}"),
        format!("ws://{authority}/ws/v2?{query}&marked-more=\u{7f}"),
        format!("ws://{authority}/elsewhere?{query}"),
        format!("ws://marked-user:marked-password@{authority}/ws/v2?{query}"),
        format!("ftp://{authority}/ws/v2?{query}"),
        format!("ws:///ws/v2?{query}"),
        format!("ws://@/ws/v2?{query}"),
        format!("ws://{authority}/ws/v2?ticket=marked-ticket"),
        "marked-ticket".to_owned(),
        "marked ticket".to_owned(),
    ] {
        let answer = json!({"code": 0, "msg": "", "data": {"URL": url}});
        for answer in [answer.to_string(), format!("{answer}marked-payload")] {
            let dialed = Arc::clone(&platform);
            let builder = by(APP_SECRET, move |uri| match uri.scheme_str() {
                Some("http") => answering(answer.clone()),
                _ => dialed.dial(),
            });
            let builder = builder.domain(Domain::custom(platform.base_url()));
            let client = Client::start(builder, dispatcher());
            let failed = |state: &State| matches!(state, State::Reconnecting { .. });
            let state = client.monitor.until(failed).await;
            assert!(failed(&state), "{url}: {state:?}");
            client.end().await;
        }
    }
}

/// A server that gives one answer, whatever it is asked.
fn answering(body: String) -> DuplexStream {
    let (client, mut server) = tokio::io::duplex(64 * 1024);
    tokio::spawn(async move {
        let mut request = [0; 4096];
        let _ = server.read(&mut request).await;
        let length = body.len();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
        let _ = server.write_all(answer.as_bytes()).await;
        let _ = server.read(&mut request).await;
    });
    client
}
