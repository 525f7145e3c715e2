//! The server of the tests, which one process starts once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use lark_events_inbox::{Claimed, Store as _, StoreError};
use lark_events_inbox_nats::{NatsStore, NatsStoreBuilder};
use lark_events_test_servers::{Nats, NatsCluster, NatsSettings};
use tokio::time::{sleep, timeout};

use crate::app::SECOND;
use crate::webhook::App;

/// As large as the largest event with its headers.
pub(crate) const MAX_PAYLOAD: &str = "max_payload: 8MB";

/// The server; `None` where there is none, which is an error in CI.
pub(crate) fn server(what: &str) -> Option<&'static Nats> {
    static SERVER: OnceLock<Option<Nats>> = OnceLock::new();
    let start = || {
        let program = Nats::installed_or_skip(what)?;
        Some(program.start(&NatsSettings::new().line(MAX_PAYLOAD)))
    };
    SERVER.get_or_init(start).as_ref()
}

/// A server of its own for a test that stops it or has other settings.
pub(crate) fn start(what: &str, settings: &NatsSettings) -> Option<Nats> {
    let program = Nats::installed_or_skip(what)?;
    Some(program.start(&settings.clone().line(MAX_PAYLOAD)))
}

/// A store with streams of its own, which is not connected yet.
pub(crate) fn builder(url: String) -> NatsStoreBuilder {
    static PREFIXES: AtomicUsize = AtomicUsize::new(0);
    let prefix = format!("TEST{}", PREFIXES.fetch_add(1, Ordering::Relaxed));
    NatsStore::builder(url).prefix(prefix)
}

/// A store with streams of its own.
pub(crate) async fn open(server: &Nats) -> Arc<NatsStore> {
    let store = builder(server.url()).partitions(8);
    Arc::new(store.connect().await.unwrap())
}

impl App<NatsStore> {
    /// Its store gives the events of a lost claim again after a short time.
    pub(crate) async fn on(server: &Nats) -> Self {
        Self::of(builder(server.url())).await
    }

    pub(crate) async fn of(builder: NatsStoreBuilder) -> Self {
        let builder = builder.partitions(8).ack_wait(NatsStore::MIN_ACK_WAIT);
        Self::with(builder.connect().await.unwrap()).await
    }

    /// A new cluster may still take one of its servers for offline.
    pub(crate) async fn on_cluster(cluster: &NatsCluster) -> Self {
        let builder = builder(cluster.url()).replicas(cluster.nodes().len());
        let builder = builder.partitions(8).ack_wait(NatsStore::MIN_ACK_WAIT);
        let opened = async {
            loop {
                match builder.clone().connect().await {
                    Ok(store) => return store,
                    Err(_) => sleep(Duration::from_millis(100)).await,
                }
            }
        };
        let opened = timeout(Duration::from_secs(60), opened).await;
        Self::with(opened.unwrap()).await
    }

    /// Waits until the store has noticed that the server is gone.
    pub(crate) async fn disconnected(&self) {
        while self.store.status().await.is_ok() {
            sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Claims events as soon as there are some. A wake-up may be lost: the inbox polls too.
pub(crate) async fn claim(store: &NatsStore, max: usize, lease: Duration) -> Vec<Claimed> {
    loop {
        let claimed = store.claim(max, lease).await.unwrap();
        if !claimed.is_empty() {
            return claimed;
        }
        let _ = timeout(SECOND, store.woken()).await;
    }
}

/// Why a store does not open.
pub(crate) async fn refused(builder: NatsStoreBuilder) -> StoreError {
    builder.connect().await.unwrap_err()
}

/// What a failure says besides its kind.
pub(crate) fn cause(error: &StoreError) -> String {
    std::error::Error::source(error).unwrap().to_string()
}
