//! The server of the tests, which one process starts once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use lark_events_inbox_nats::{NatsStore, NatsStoreBuilder};
use lark_events_test_servers::{Nats, NatsSettings};

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
