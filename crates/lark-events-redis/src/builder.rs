//! The settings of a store.

use std::fmt;
use std::time::Duration;

use crate::error::RedisStoreError;
use crate::store::RedisStore;
use crate::target::{Target, Tls};

/// Builds a [`RedisStore`].
#[derive(Clone)]
#[must_use = "a builder does nothing until it is built"]
pub struct RedisStoreBuilder {
    url: String,
    prefix: String,
    time_limit: Duration,
    tls: Tls,
}

impl RedisStoreBuilder {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            prefix: RedisStore::DEFAULT_PREFIX.to_owned(),
            time_limit: RedisStore::DEFAULT_TIME_LIMIT,
            tls: Tls::None,
        }
    }

    /// Sets the prefix of all keys: [`DEFAULT_PREFIX`](RedisStore::DEFAULT_PREFIX) by default. Stores with the same
    /// prefix on one server share the events that they have handled. Use different prefixes for programs that
    /// handle the same events for different purposes.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets how long a call may take, including the time to connect:
    /// [`DEFAULT_TIME_LIMIT`](RedisStore::DEFAULT_TIME_LIMIT) by default. The platform waits 3 s for an answer, and
    /// each event needs two calls.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Sets the TLS configuration, with its cryptography provider and the root certificates that you trust. The URL
    /// must then begin with `rediss://` or `valkeys://`.
    #[cfg(feature = "rustls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "rustls")))]
    pub fn tls_config(mut self, config: impl Into<std::sync::Arc<rustls::ClientConfig>>) -> Self {
        self.tls = Tls::Rustls(config.into());
        self
    }

    /// Builds the store. It connects with its first call. Call [`check`](RedisStore::check) to find a wrong URL or
    /// password at the start.
    ///
    /// # Errors
    ///
    /// [`Invalid`](crate::RedisStoreErrorKind::Invalid) when the URL or another setting is invalid.
    pub fn build(self) -> Result<RedisStore, RedisStoreError> {
        if self.time_limit.is_zero() {
            return Err(RedisStoreError::invalid(
                "`time_limit` must be greater than 0",
            ));
        }
        let target = Target::new(&self.url, self.tls, self.time_limit)?;
        Ok(RedisStore::new(target, self.prefix))
    }
}

/// Without the URL, which may have a password.
impl fmt::Debug for RedisStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreBuilder")
            .field("prefix", &self.prefix)
            .field("time_limit", &self.time_limit)
            .finish_non_exhaustive()
    }
}
