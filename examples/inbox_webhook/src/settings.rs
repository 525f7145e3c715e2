//! The settings of the example, from the environment.

use std::env;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use lark_events::{BoxError, Webhook};
use lark_events_inbox::{InboxBuilder, Store, VolatileStore};

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Receive,
    Work,
    Both,
}

#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) address: String,
    pub(crate) handler_time: Duration,
    pub(crate) lease: Duration,
    pub(crate) role: Role,
    inbox: String,
}

impl Settings {
    pub(crate) fn from_env() -> Result<Self, BoxError> {
        let role = match setting("ROLE").as_deref() {
            None | Some("both") => Role::Both,
            Some("receive") => Role::Receive,
            Some("work") => Role::Work,
            Some(other) => {
                let expected = "set `receive`, `work` or `both`";
                return Err(format!("ROLE: {expected}, got `{other}`").into());
            }
        };
        Ok(Self {
            address: setting("LISTEN_ADDR").unwrap_or_else(|| "127.0.0.1:7777".to_owned()),
            handler_time: millis("HANDLER_MS", Duration::ZERO)?,
            lease: millis("LEASE_MS", InboxBuilder::DEFAULT_LEASE)?,
            role,
            inbox: setting("INBOX").unwrap_or_else(|| "memory:".to_owned()),
        })
    }

    /// Opens the store that `INBOX` names.
    pub(crate) async fn open(&self) -> Result<Arc<dyn Store>, BoxError> {
        match (self.inbox.split_once(':'), self.role) {
            (Some(("memory", "")), Role::Both) => Ok(Arc::new(VolatileStore::new())),
            (Some(("memory", "")), _) => {
                let why = "`memory:` is within one process";
                Err(format!("INBOX: {why}: set `ROLE=both`, or another store").into())
            }
            #[cfg(feature = "sqlite")]
            (Some(("sqlite", path)), _) => {
                Ok(Arc::new(lark_events_inbox::SqliteStore::open(path).await?))
            }
            #[cfg(feature = "postgres")]
            (Some(("postgres" | "postgresql", _)), _) => {
                let store = lark_events_inbox_postgres::PostgresStore::builder(&*self.inbox);
                let store = match setting("INBOX_SCHEMA") {
                    Some(schema) => store.schema(schema),
                    None => store,
                };
                Ok(Arc::new(store.connect().await?))
            }
            #[cfg(feature = "nats")]
            (Some(("nats" | "tls", _)), _) => Ok(Arc::new(self.nats()?.connect().await?)),
            // Without the rest, which may have a password.
            (other, _) => {
                let scheme = other.map_or(self.inbox.as_str(), |(scheme, _)| scheme);
                let stores = "`memory:`, `sqlite:PATH` (feature `sqlite`), `postgres://…` (feature `postgres`) or `nats://…` (feature `nats`)";
                Err(format!("INBOX: expected {stores}, got `{scheme}:`").into())
            }
        }
    }

    #[cfg(feature = "nats")]
    fn nats(&self) -> Result<lark_events_inbox_nats::NatsStoreBuilder, BoxError> {
        let mut store = lark_events_inbox_nats::NatsStore::builder(&*self.inbox);
        // The server decides when the events of a dead worker are handled by another.
        store = store.ack_wait(self.lease);
        if let Some(prefix) = setting("INBOX_PREFIX") {
            store = store.prefix(prefix);
        }
        if let Some(partitions) = number("INBOX_PARTITIONS")? {
            store = store.partitions(partitions);
        }
        if let Some(replicas) = number("INBOX_REPLICAS")? {
            store = store.replicas(replicas);
        }
        match setting("INBOX_SYNC").as_deref() {
            None => Ok(store),
            Some("always") => Ok(store.sync_always()),
            Some(other) => Err(format!("INBOX_SYNC: set `always`, got `{other}`").into()),
        }
    }

    pub(crate) fn webhook(&self) -> Result<Webhook, BoxError> {
        let mut webhook = Webhook::builder();
        if let Some(key) = setting("LARK_ENCRYPT_KEY") {
            webhook = webhook.encrypt_key(key);
        }
        if let Some(token) = setting("LARK_VERIFICATION_TOKEN") {
            webhook = webhook.verification_token(token);
        }
        Ok(webhook.build()?)
    }
}

/// A setting from the environment; an empty variable counts as not set.
fn setting(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// A setting in milliseconds.
fn millis(name: &str, default: Duration) -> Result<Duration, BoxError> {
    Ok(number(name)?.map_or(default, Duration::from_millis))
}

fn number<T>(name: &str) -> Result<Option<T>, BoxError>
where
    T: FromStr<Err: fmt::Display>,
{
    let Some(value) = setting(name) else {
        return Ok(None);
    };
    let number = value.parse();
    let number = number.map_err(|error| format!("{name}: `{value}`: {error}"))?;
    Ok(Some(number))
}
