//! The store: claims, marks and releases as calls of scripts.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use lark_events::{BoxError, Outcome};
use lark_events_layers::{Claim, DedupStore};

use crate::builder::RedisStoreBuilder;
use crate::error::RedisStoreError;
use crate::key;
use crate::nodes::Nodes;
use crate::script::Scripts;
use crate::target::Target;

/// Remembers handled events on Redis or Valkey, for all processes that use the same server.
///
/// See the [crate](crate) for what it guarantees.
pub struct RedisStore {
    nodes: Nodes,
    prefix: String,
    scripts: Scripts,
}

impl RedisStore {
    /// The default prefix of all keys: `lark-events:dedup:`.
    pub const DEFAULT_PREFIX: &str = "lark-events:dedup:";
    /// The default time limit of a call: 1 second.
    pub const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(1);

    /// Starts configuring a store on the server of this URL, such as `redis://USER:PASSWORD@HOST:PORT/DATABASE`.
    /// Use `rediss://` for TLS, and `redis+unix://PATH` for a Unix socket.
    pub fn builder(url: impl Into<String>) -> RedisStoreBuilder {
        RedisStoreBuilder::new(url.into())
    }

    pub(crate) fn new(target: Target, prefix: String) -> Self {
        Self {
            nodes: Nodes::new(target),
            prefix,
            scripts: Scripts::new(),
        }
    }

    /// Checks that the server can be reached, accepts the login, and runs the scripts. It claims and releases a
    /// test key.
    ///
    /// # Errors
    ///
    /// When one of these checks fails: see [`kind`](RedisStoreError::kind).
    pub async fn check(&self) -> Result<(), RedisStoreError> {
        let key = key::full(&self.prefix, "check");
        let held = held(0);
        self.claim_key(&key, &held, Duration::from_secs(1)).await?;
        self.release_key(&key, &held).await
    }

    async fn claim_key(
        &self,
        key: &str,
        held: &str,
        lease: Duration,
    ) -> Result<String, RedisStoreError> {
        let lease = key::millis(lease).to_string();
        let claim = &self.scripts.claim;
        self.nodes.run(claim, key, &[held, &lease]).await
    }

    async fn release_key(&self, key: &str, held: &str) -> Result<(), RedisStoreError> {
        let release = &self.scripts.release;
        self.nodes.run(release, key, &[held]).await.map(drop)
    }
}

/// The value of a key that is held.
fn held(owner: u64) -> String {
    format!("held:{owner:016x}")
}

#[async_trait]
impl DedupStore for RedisStore {
    async fn claim(&self, key: &str, owner: u64, lease: Duration) -> Result<Claim, BoxError> {
        let key = key::full(&self.prefix, key);
        let value = self.claim_key(&key, &held(owner), lease).await?;
        Ok(match value.as_str() {
            "" => Claim::Granted,
            "done:unhandled" => Claim::Done(Outcome::Unhandled),
            value if value.starts_with("done:") => Claim::Done(Outcome::Handled),
            _ => Claim::Held,
        })
    }

    async fn done(&self, key: &str, outcome: Outcome, kept: Duration) -> Result<(), BoxError> {
        let key = key::full(&self.prefix, key);
        let value = format!("done:{}", outcome.as_str());
        let kept = key::millis(kept).to_string();
        let done = &self.scripts.done;
        self.nodes.run(done, &key, &[&value, &kept]).await?;
        Ok(())
    }

    async fn release(&self, key: &str, owner: u64) -> Result<(), BoxError> {
        let key = key::full(&self.prefix, key);
        self.release_key(&key, &held(owner)).await?;
        Ok(())
    }
}

/// Without the URL, which may have a password.
impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}
