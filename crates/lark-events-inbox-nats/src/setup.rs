//! The streams of a store and their consumers: created, or checked.

use std::collections::HashMap;
use std::iter::repeat;
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::consumer::{AckPolicy, FromConsumer as _, Info, PullConsumer, pull};
use async_nats::jetstream::context::{Context, GetStreamErrorKind, RequestErrorKind};
use async_nats::jetstream::response::Response;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType, Stream};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use lark_events::limits::MAX_EVENT_BYTES;
use lark_events_inbox::{StoreError, StoreErrorKind};
use serde::Deserialize;

use crate::failure::{failed, text};
use crate::status::infos;
use crate::store::NatsStore;
use crate::subject::{Names, consumer, index};

/// The entry of the stream's metadata with the number of its partitions, which must not change.
pub(crate) const PARTITIONS: &str = "lark-events-partitions";
/// The entry of the stream's metadata that says that its servers flush each message to disk.
pub(crate) const SYNC_ALWAYS: &str = "lark-events-sync-always";
/// The room for the headers of an event in a message.
const MAX_HEADERS: usize = 64 * 1024;
/// The consumers that are created at once.
const AT_ONCE: usize = 16;
/// The time after which a worker that has sent no heartbeat is forgotten.
const WORKERS_AGE: Duration = Duration::from_hours(24);

#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) names: Names,
    pub(crate) replicas: usize,
    pub(crate) max_age: Duration,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) duplicate_window: Duration,
    pub(crate) partitions: u16,
    pub(crate) ack_wait: Duration,
    pub(crate) max_event_bytes: usize,
    pub(crate) sync_always: bool,
    /// Whether nothing is created.
    pub(crate) existing: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            names: Names::new(NatsStore::DEFAULT_PREFIX),
            replicas: 1,
            max_age: Duration::from_hours(7 * 24),
            max_bytes: None,
            duplicate_window: Duration::from_hours(24),
            partitions: 64,
            ack_wait: Duration::from_secs(60),
            max_event_bytes: MAX_EVENT_BYTES,
            sync_always: false,
            existing: false,
        }
    }
}

/// The streams of a store.
pub(crate) struct Streams {
    pub(crate) events: Stream,
    pub(crate) dead: Stream,
    pub(crate) workers: Stream,
    /// One for each partition, and one more for events without a lane.
    pub(crate) consumers: Vec<PullConsumer>,
    pub(crate) partitions: u16,
    /// After this, the server gives an event to another process.
    pub(crate) ack_wait: Duration,
    /// Whether the stream takes atomic batches, and they pay.
    pub(crate) is_atomic: bool,
}

fn wrong(kind: StoreErrorKind, text: String) -> StoreError {
    StoreError::with_source(kind, text)
}

impl Setup {
    /// Creates what is missing, and checks what is there.
    pub(crate) async fn open(
        &self,
        client: &Client,
        context: &Context,
    ) -> Result<Streams, StoreError> {
        account(context).await?;
        let found = client.server_info().max_payload;
        let expected = self.payload();
        if found < expected {
            let text = format!(
                "the server takes messages of {found} bytes, expected at least {expected}: set `max_payload` in its configuration, or lower `max_event_bytes` of the store and the limit of the transport"
            );
            return Err(wrong(StoreErrorKind::Unsupported, text));
        }
        let events = self.stream(context, self.events()).await?;
        let partitions = self.check(&events)?;
        let dead = self.stream(context, self.dead()).await?;
        self.check_dead(&dead)?;
        let workers = self.stream(context, self.workers()).await?;
        let (consumers, ack_wait) = self.consumers(context, &events, partitions).await?;
        let config = &events.cached_info().config;
        let is_atomic = config.allow_atomic_publish && config.metadata.contains_key(SYNC_ALWAYS);
        Ok(Streams {
            is_atomic,
            events,
            dead,
            workers,
            consumers,
            partitions,
            ack_wait,
        })
    }

    /// The largest message that the server must accept.
    pub(crate) fn payload(&self) -> usize {
        self.max_event_bytes.saturating_add(MAX_HEADERS)
    }

    async fn stream(&self, context: &Context, config: Config) -> Result<Stream, StoreError> {
        let name = config.name.clone();
        if let Some(stream) = found(context, &name).await? {
            return Ok(stream);
        }
        if self.existing {
            return Err(missing(&format!("the stream {name}")));
        }
        let created = context.create_stream(config).await;
        created.map_err(|error| {
            let kind = failed(&error).kind();
            wrong(
                kind,
                format!("the stream {name} was not created: {}", text(&error)),
            )
        })
    }

    /// The consumers, and the shortest time after which one of them redelivers.
    async fn consumers(
        &self,
        context: &Context,
        events: &Stream,
        partitions: u16,
    ) -> Result<(Vec<PullConsumer>, Duration), StoreError> {
        // A new stream has none.
        let names = events.consumer_names();
        let names: Vec<String> = names.try_collect().await.map_err(|error| failed(&error))?;
        let all = (0..partitions).map(Some).chain([None]);
        let found = match names.iter().any(|name| index(name, partitions).is_some()) {
            true => infos(events, partitions).await?,
            false => Vec::new(),
        };
        let found = found.into_iter().map(|(_, info)| info);
        let all: Vec<_> = all.zip(found.chain(repeat(None))).collect();
        let opened = all.into_iter().map(|(partition, found)| async move {
            match found {
                Some(info) => self.found(context, partition, info),
                None if self.existing => {
                    let name = format!("the consumer {}", consumer(partition));
                    Err(missing(&name))
                }
                None => {
                    let created = events.create_consumer(self.consumer(partition)).await;
                    created.map_err(|error| failed(&error))
                }
            }
        });
        let opened = stream::iter(opened).buffered(AT_ONCE);
        let consumers: Vec<PullConsumer> = opened.try_collect().await?;
        let waits = consumers
            .iter()
            .map(|one| one.cached_info().config.ack_wait);
        let ack_wait = waits.min().unwrap_or(self.ack_wait);
        Ok((consumers, ack_wait))
    }

    fn events(&self) -> Config {
        let partitions = self.partitions;
        let mut metadata = HashMap::from([(PARTITIONS.to_owned(), partitions.to_string())]);
        if self.sync_always {
            metadata.insert(SYNC_ALWAYS.to_owned(), "true".to_owned());
        }
        Config {
            name: self.names.inbox_stream(),
            // Servers before 2.10 keep no metadata.
            description: Some(format!("events of lark-events, {PARTITIONS}={partitions}")),
            subjects: vec![self.names.events()],
            // A work queue forgets the ids of acknowledged messages at a restart.
            retention: RetentionPolicy::Limits,
            storage: StorageType::File,
            // A full stream rejects new events instead of dropping old ones.
            discard: DiscardPolicy::New,
            num_replicas: self.replicas,
            max_age: self.max_age,
            max_bytes: self.max_bytes(),
            duplicate_window: self.duplicate_window,
            allow_atomic_publish: self.sync_always,
            metadata,
            ..Config::default()
        }
    }

    fn max_bytes(&self) -> i64 {
        self.max_bytes
            .map_or(-1, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX))
    }

    fn dead(&self) -> Config {
        Config {
            name: self.names.dead_stream(),
            subjects: vec![self.names.all_dead()],
            storage: StorageType::File,
            discard: DiscardPolicy::New,
            num_replicas: self.replicas,
            duplicate_window: self.duplicate_window,
            ..Config::default()
        }
    }

    fn workers(&self) -> Config {
        Config {
            name: self.names.workers_stream(),
            subjects: vec![self.names.all_workers()],
            storage: StorageType::File,
            num_replicas: self.replicas,
            max_age: WORKERS_AGE,
            max_messages_per_subject: 1,
            ..Config::default()
        }
    }

    fn consumer(&self, partition: Option<u16>) -> pull::Config {
        pull::Config {
            durable_name: Some(consumer(partition)),
            filter_subject: self.names.partition(partition),
            ack_policy: AckPolicy::Explicit,
            ack_wait: self.ack_wait,
            max_deliver: -1,
            max_ack_pending: max_ack_pending(partition),
            ..pull::Config::default()
        }
    }

    /// A consumer that exists. Its `ack_wait` is the one that holds.
    fn found(
        &self,
        context: &Context,
        partition: Option<u16>,
        info: Info,
    ) -> Result<PullConsumer, StoreError> {
        self.check_consumer(partition, &info)?;
        let config = info.config.clone();
        let config = pull::Config::try_from_consumer_config(config);
        let config = config.map_err(|error| wrong(StoreErrorKind::Version, error.to_string()))?;
        Ok(PullConsumer::new(config, info, context.clone()))
    }

    pub(crate) fn check_consumer(
        &self,
        partition: Option<u16>,
        info: &Info,
    ) -> Result<(), StoreError> {
        let name = format!("the consumer {}", info.name);
        let config = &info.config;
        let subject = self.names.partition(partition);
        let is_explicit = config.ack_policy == AckPolicy::Explicit;
        expect(&name, "ack_policy", is_explicit, "explicit")?;
        let has_subject = config.filter_subject == subject;
        expect(&name, "filter_subject", has_subject, &subject)?;
        let pending = max_ack_pending(partition);
        // One at a time: the order of the partition.
        let is_right = match partition {
            Some(_) => config.max_ack_pending == pending,
            None => true,
        };
        expect(&name, "max_ack_pending", is_right, &pending.to_string())?;
        // It would hold instead of `ack_wait`.
        expect(&name, "backoff", config.backoff.is_empty(), "not set")?;
        let is_endless = config.max_deliver <= 0;
        expect(&name, "max_deliver", is_endless, "-1")?;
        let is_long = config.ack_wait >= NatsStore::MIN_ACK_WAIT;
        let shortest = format!("{:?} or more", NatsStore::MIN_ACK_WAIT);
        expect(&name, "ack_wait", is_long, &shortest)
    }

    pub(crate) fn check_dead(&self, stream: &Stream) -> Result<(), StoreError> {
        let config = &stream.cached_info().config;
        let name = format!("the stream {}", config.name);
        let is_log = config.retention == RetentionPolicy::Limits;
        expect(&name, "retention", is_log, "limits")?;
        let is_file = config.storage == StorageType::File;
        expect(&name, "storage", is_file, "file")?;
        let rejects = config.discard == DiscardPolicy::New;
        expect(&name, "discard", rejects, "new")?;
        let subjects = self.names.all_dead();
        let has_subjects = config.subjects == [subjects.as_str()];
        expect(&name, "subjects", has_subjects, &subjects)
    }

    /// The partitions of a stream that a program with other settings may have created.
    pub(crate) fn check(&self, stream: &Stream) -> Result<u16, StoreError> {
        let config = &stream.cached_info().config;
        let name = format!("the stream {}", config.name);
        let expect = |field, is_right, expected: &str| expect(&name, field, is_right, expected);
        let is_log = config.retention == RetentionPolicy::Limits;
        expect("retention", is_log, "limits")?;
        let is_file = config.storage == StorageType::File;
        expect("storage", is_file, "file")?;
        let rejects = config.discard == DiscardPolicy::New;
        expect("discard", rejects, "new")?;
        let per_subject = config.max_messages_per_subject;
        expect("max_msgs_per_subject", per_subject <= 0, "-1")?;
        let largest = i64::from(config.max_message_size);
        let is_enough =
            largest <= 0 || largest >= i64::try_from(self.payload()).unwrap_or(i64::MAX);
        expect("max_msg_size", is_enough, "-1")?;
        let subjects = self.names.events();
        let has_subjects = config.subjects == [subjects.as_str()];
        expect("subjects", has_subjects, &subjects)?;
        let is_long = config.duplicate_window >= NatsStore::MIN_WINDOW;
        let shortest = format!("{} s or more", NatsStore::MIN_WINDOW.as_secs());
        expect("duplicate_window", is_long, &shortest)?;
        let is_kept = config.max_age.is_zero() || config.max_age >= config.duplicate_window;
        expect("max_age", is_kept, "`duplicate_window` or more")?;
        let partitions = partitions(config);
        let expected = format!("with {PARTITIONS}");
        expect("metadata", partitions.is_some(), &expected)?;
        Ok(partitions.unwrap_or(self.partitions))
    }
}

fn max_ack_pending(partition: Option<u16>) -> i64 {
    // Any number of events without a lane may wait for their retries.
    if partition.is_some() { 1 } else { -1 }
}

/// The account, which must have JetStream.
pub(crate) async fn account(context: &Context) -> Result<Account, StoreError> {
    const DISABLED: [ErrorCode; 2] = [
        ErrorCode::JETSTREAM_NOT_ENABLED,
        ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT,
    ];
    // The client's own type has members that servers before 2.10 do not send.
    let answer: Result<Response<Account>, _> =
        context.request("INFO", &serde_json::json!({})).await;
    match answer {
        Ok(Response::Ok(account)) => Ok(account),
        Ok(Response::Err { error }) if DISABLED.contains(&error.error_code()) => Err(disabled()),
        Ok(Response::Err { error }) => Err(failed(&error)),
        // Nothing listens to requests.
        Err(error) if error.kind() == RequestErrorKind::NoResponders => Err(disabled()),
        Err(error) => Err(failed(&error)),
    }
}

fn disabled() -> StoreError {
    let text = "the server has no JetStream for this account: enable it in its configuration";
    wrong(StoreErrorKind::Unsupported, text.to_owned())
}

/// What all streams of an account use.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Account {
    pub(crate) storage: u64,
    pub(crate) limits: Limits,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Limits {
    /// -1 without a limit.
    pub(crate) max_storage: i64,
}

/// A stream; `None` if there is none.
pub(crate) async fn found(context: &Context, name: &str) -> Result<Option<Stream>, StoreError> {
    match context.get_stream(name).await {
        Ok(stream) => Ok(Some(stream)),
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(answer) if answer.code() == 404 => Ok(None),
            _ => Err(failed(&error)),
        },
    }
}

fn missing(what: &str) -> StoreError {
    let text = format!("{what} does not exist: run `lark-events inbox migrate`");
    wrong(StoreErrorKind::Version, text)
}

/// The number of partitions of a stream, in its metadata, or in its description on servers before 2.10.
pub(crate) fn partitions(config: &Config) -> Option<u16> {
    let described = || {
        let description = config.description.as_deref()?;
        let (_, number) = description.split_once(&format!("{PARTITIONS}="))?;
        Some(number)
    };
    let number = config.metadata.get(PARTITIONS).map(String::as_str);
    let number = number.or_else(described)?.parse().ok()?;
    (number > 0).then_some(number)
}

fn expect(what: &str, field: &str, is_right: bool, expected: &str) -> Result<(), StoreError> {
    if is_right {
        return Ok(());
    }
    let text = format!(
        "{what} has a different configuration: expected `{field}` {expected}: change it, or use another prefix"
    );
    Err(wrong(StoreErrorKind::Version, text))
}
