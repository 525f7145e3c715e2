//! The server of the tests, which one process starts once, and stores on it.

use std::error::Error;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lark_events::BoxError;
use lark_events_layers::{Claim, DedupStore as _};
use lark_events_redis::{RedisStore, RedisStoreBuilder, RedisStoreError, RedisStoreErrorKind};
use lark_events_test_servers::Redis;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// The server; `None` where there is none, which is an error in CI.
pub(crate) fn server(what: &str) -> Option<&'static Redis> {
    static SERVER: OnceLock<Option<Redis>> = OnceLock::new();
    SERVER.get_or_init(|| Redis::start_or_skip(what)).as_ref()
}

/// The start of the keys of one test.
pub(crate) fn prefix() -> String {
    static PREFIXES: AtomicUsize = AtomicUsize::new(0);
    format!("test-{}:", PREFIXES.fetch_add(1, Ordering::Relaxed))
}

/// A store on a busy machine.
pub(crate) fn patient(url: impl Into<String>) -> RedisStoreBuilder {
    RedisStore::builder(url).time_limit(MINUTE)
}

pub(crate) async fn claim(store: &RedisStore, key: &str, owner: u64) -> Claim {
    store.claim(key, owner, MINUTE).await.unwrap()
}

/// A failure, as a layer logs it.
pub(crate) fn failure(error: &BoxError) -> (RedisStoreErrorKind, String) {
    let error: &RedisStoreError = error.downcast_ref().unwrap();
    assert!(error.source().is_none());
    (error.kind(), error.to_string())
}

/// Repeats a claim until the server answers.
pub(crate) async fn claim_again(store: &RedisStore, key: &str, owner: u64) -> Claim {
    let claimed = tokio::time::timeout(MINUTE, async {
        loop {
            if let Ok(claim) = store.claim(key, owner, MINUTE).await {
                return claim;
            }
            tokio::time::sleep(SECOND / 50).await;
        }
    });
    claimed.await.unwrap()
}
