//! What servers and streams are like, for checks that change nothing.

use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::context::{Context, ContextBuilder};
use async_nats::jetstream::stream::Stream;
use lark_events_inbox::StoreError;

use crate::link::TIMEOUT;
use crate::setup::{SYNC_ALWAYS, Setup, account, found};
use crate::status::infos;
use crate::subject::consumer;

/// The state of servers and of the streams of an inbox, from
/// [`NatsStoreBuilder::facts`](crate::NatsStoreBuilder::facts).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NatsFacts {
    /// The version of the server that has answered, such as `2.11.4`.
    pub server_version: String,
    /// The hosts that the servers of the cluster announce to clients, each once. Empty without a cluster.
    pub hosts: Vec<String>,
    /// The largest message that the server accepts, in bytes.
    pub max_payload: usize,
    /// The largest message of the store, in bytes.
    pub largest_message: usize,
    /// The size of all streams of the account on disk, in bytes.
    pub account_bytes: u64,
    /// The limit of [`account_bytes`](Self::account_bytes), if the account has one.
    pub max_account_bytes: Option<u64>,
    /// The stream of events, if it exists.
    pub events: Option<StreamFacts>,
    /// The stream of dead letters, if it exists.
    pub dead: Option<StreamFacts>,
    /// The streams and consumers that do not exist.
    pub missing: Vec<String>,
    /// The settings that differ from what a store expects, each with what to change.
    pub otherwise: Vec<String>,
    /// The number of partitions; `None` if the stream's metadata lacks it.
    pub partitions: Option<u16>,
    /// Whether the stream's metadata declares that the servers flush each message to disk: see
    /// [`sync_always`](crate::NatsStoreBuilder::sync_always). Servers do not report it.
    pub sync_always: bool,
    /// Whether the stream takes atomic batches.
    pub is_atomic: bool,
    /// The shortest time after which the servers give the event of a dead worker to another.
    pub ack_wait: Option<Duration>,
}

/// The state of a stream.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StreamFacts {
    /// Its name.
    pub name: String,
    /// The number of servers that keep each message.
    pub replicas: usize,
    /// The leader of the stream; `None` if it has none at this moment.
    pub leader: Option<String>,
    /// The other servers.
    pub followers: Vec<Follower>,
    /// The size in bytes.
    pub bytes: u64,
    /// The maximum size in bytes, if there is one. A full stream takes no messages.
    pub max_bytes: Option<u64>,
    /// The age at which a message is removed, if it has one.
    pub max_age: Option<Duration>,
    /// For how long the stream recognises the id of a message.
    pub duplicate_window: Duration,
}

/// A server that follows the leader of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Follower {
    /// Its name.
    pub name: String,
    /// Whether it has all messages of the leader.
    pub is_current: bool,
    /// Whether it is not connected. The leader may take minutes to notice.
    pub is_offline: bool,
    /// The time since the leader last heard of it. Followers report once a second.
    pub seen: Duration,
}

impl NatsFacts {
    pub(crate) async fn read(client: &Client, setup: &Setup) -> Result<Self, StoreError> {
        let context = ContextBuilder::new().timeout(TIMEOUT).build(client.clone());
        let account = account(&context).await?;
        let info = client.server_info();
        let max_account_bytes = account.limits.max_storage;
        let mut hosts: Vec<_> = info.connect_urls.iter().map(|url| host(url)).collect();
        hosts.sort_unstable();
        hosts.dedup();
        let mut facts = Self {
            server_version: info.version,
            hosts,
            max_payload: info.max_payload,
            largest_message: setup.payload(),
            account_bytes: account.storage,
            max_account_bytes: (max_account_bytes > 0).then(|| number(max_account_bytes)),
            events: None,
            dead: None,
            missing: Vec::new(),
            otherwise: Vec::new(),
            partitions: None,
            sync_always: false,
            is_atomic: false,
            ack_wait: None,
        };
        let names = &setup.names;
        let (inbox, dead) = (names.inbox_stream(), names.dead_stream());
        if let Some(events) = facts.stream(&context, &inbox).await? {
            facts.events = Some(StreamFacts::of(&events));
            facts.of_events(&events, setup).await?;
        }
        if let Some(dead) = facts.stream(&context, &dead).await? {
            facts.dead = Some(StreamFacts::of(&dead));
            facts.check(setup.check_dead(&dead));
        }
        facts.stream(&context, &names.workers_stream()).await?;
        Ok(facts)
    }

    async fn stream(
        &mut self,
        context: &Context,
        name: &str,
    ) -> Result<Option<Stream>, StoreError> {
        let stream = found(context, name).await?;
        if stream.is_none() {
            self.missing.push(format!("the stream {name}"));
        }
        Ok(stream)
    }

    async fn of_events(&mut self, events: &Stream, setup: &Setup) -> Result<(), StoreError> {
        let config = &events.cached_info().config;
        self.sync_always = config.metadata.contains_key(SYNC_ALWAYS);
        self.is_atomic = config.allow_atomic_publish;
        let partitions = self.check(setup.check(events));
        self.partitions = partitions.or_else(|| crate::setup::partitions(config));
        let Some(partitions) = self.partitions else {
            return Ok(());
        };
        let all = (0..partitions).map(Some).chain([None]);
        for (partition, (_, info)) in all.zip(infos(events, partitions).await?) {
            let Some(info) = info else {
                let name = format!("the consumer {}", consumer(partition));
                self.missing.push(name);
                continue;
            };
            self.check(setup.check_consumer(partition, &info));
            let wait = info.config.ack_wait;
            self.ack_wait = Some(self.ack_wait.map_or(wait, |least| least.min(wait)));
        }
        Ok(())
    }

    fn check<T>(&mut self, checked: Result<T, StoreError>) -> Option<T> {
        checked
            .map_err(|error| {
                let text = std::error::Error::source(&error);
                let text = text.map_or_else(|| error.to_string(), ToString::to_string);
                self.otherwise.push(text);
            })
            .ok()
    }
}

impl StreamFacts {
    fn of(stream: &Stream) -> Self {
        let info = stream.cached_info();
        let (config, cluster) = (&info.config, info.cluster.as_ref());
        let followers = cluster.map(|cluster| &cluster.replicas[..]);
        let followers = followers.unwrap_or_default().iter();
        let followers = followers.map(|peer| Follower {
            name: peer.name.clone(),
            is_current: peer.current,
            is_offline: peer.offline,
            seen: peer.active,
        });
        Self {
            name: config.name.clone(),
            replicas: config.num_replicas,
            leader: cluster.and_then(|cluster| cluster.leader.clone()),
            followers: followers.collect(),
            bytes: info.state.bytes,
            max_bytes: (config.max_bytes > 0).then(|| number(config.max_bytes)),
            max_age: (!config.max_age.is_zero()).then_some(config.max_age),
            duplicate_window: config.duplicate_window,
        }
    }
}

fn number(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// The host of `host:port`.
fn host(address: &str) -> String {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.to_owned()
}
