//! Reading the streams as an operator does: in order, without a consumer of the queue.

use std::collections::{BTreeSet, HashMap};
use std::time::SystemTime;

use async_nats::HeaderMap;
use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::{Ordered, OrderedConfig};
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::RawMessageErrorKind;
use bytes::Bytes;
use futures_util::StreamExt as _;
use lark_events_inbox::{
    AttemptRecord, Entry, Filter, Listed, Shown, State, StoreError, StoreErrorKind,
};
use tokio::time::timeout;

use crate::failure::failed;
use crate::link::{Link, TIMEOUT};
use crate::status::Position;
use crate::subject::Name;
use crate::{message, subject};

/// An event, as an operator sees it.
pub(crate) struct Row {
    pub(crate) listed: Listed,
    pub(crate) entry: Entry,
    failure: Option<AttemptRecord>,
}

impl Row {
    fn new(seq: u64, state: State, entry: Entry, letter: Option<&Letter>) -> Self {
        let mut listed = Listed::new(seq, state, &entry.delivery);
        listed.lane.clone_from(&entry.lane);
        let failure = letter.map(|letter| letter.failure.clone());
        if let Some(failure) = &failure {
            listed.attempts = failure.number;
            listed.last_error.clone_from(&failure.error);
        }
        Self {
            listed,
            entry,
            failure,
        }
    }

    pub(crate) fn shown(self) -> Shown {
        let history = self.failure.into_iter().collect();
        Shown::new(self.listed, self.entry.delivery, self.entry.trace, history)
    }
}

/// A dead letter.
pub(crate) struct Letter {
    /// The number of the message, which is another than that of the event.
    pub(crate) number: u64,
    entry: Entry,
    failure: AttemptRecord,
}

/// Where the consumers and the dead letters are, at one moment.
pub(crate) struct Places {
    positions: HashMap<usize, Position>,
    dead: BTreeSet<Name>,
    /// The first event of a partition that was not given yet.
    heads: HashMap<usize, Option<u64>>,
}

impl Places {
    /// All events up to this number are finished or dead.
    pub(crate) fn finished(&self) -> u64 {
        let positions = self.positions.values();
        let open = positions.filter(|position| position.unfinished > 0 || position.left > 0);
        open.map(|position| position.done).min().unwrap_or(u64::MAX)
    }
}

/// The events of the log, in order.
pub(crate) struct Reader {
    /// `None` at the end.
    messages: Option<Ordered>,
    last: u64,
}

/// A message of the log.
pub(crate) struct Found {
    pub(crate) seq: u64,
    consumer: usize,
    headers: HeaderMap,
    body: Bytes,
    published: SystemTime,
}

impl Found {
    fn name(&self) -> Name {
        Name::new(self.seq, self.published)
    }

    /// Whether it is a copy of another message.
    pub(crate) fn is_copy(&self) -> bool {
        message::is_copy(Some(&self.headers))
    }

    /// `None` for a message that is not an event.
    pub(crate) fn entry(&self) -> Option<Entry> {
        let entry = message::entry(Some(&self.headers), self.body.clone(), self.published);
        if let Err(error) = &entry {
            let (seq, error) = (self.seq, error as &(dyn std::error::Error + 'static));
            tracing::warn!(seq, error, "a message of the stream is not an event");
        }
        entry.ok()
    }
}

impl Reader {
    /// The next message.
    pub(crate) async fn next(&mut self, link: &Link) -> Result<Option<Found>, StoreError> {
        let Some(mut messages) = self.messages.take() else {
            return Ok(None);
        };
        let next = timeout(TIMEOUT, messages.next()).await;
        let next = next.map_err(|_| StoreError::new(StoreErrorKind::TimedOut))?;
        let Some(message) = next else {
            return Ok(None);
        };
        let message = message.map_err(|error| failed(&error))?;
        let info = message.info().map_err(|error| failed(&*error))?;
        let (seq, published) = (info.stream_sequence, SystemTime::from(info.published));
        if info.pending > 0 && seq < self.last {
            self.messages = Some(messages);
        }
        if seq > self.last {
            return Ok(None);
        }
        Ok(Some(Found {
            seq,
            consumer: link.consumer_of(&message.subject),
            headers: message.headers.clone().unwrap_or_default(),
            body: message.payload.clone(),
            published,
        }))
    }
}

impl Link {
    /// The index of the consumer that gives the events of a subject.
    fn consumer_of(&self, subject: &str) -> usize {
        let partitions = self.streams.partitions;
        let name = subject.split('.').nth(3).unwrap_or_default();
        subject::index(name, partitions).unwrap_or(usize::from(partitions))
    }

    /// Reads the events that a filter may match, after a number.
    pub(crate) async fn log(
        &self,
        filter: &Filter,
        after: Option<u64>,
    ) -> Result<Reader, StoreError> {
        let after = after.map(|after| after.saturating_add(1));
        let first = [after, filter.from_seq, filter.seq]
            .into_iter()
            .flatten()
            .max();
        let state = self.state().await?;
        let last = [filter.to_seq, filter.seq, Some(state.last_sequence)];
        let last = last.into_iter().flatten().min().unwrap_or_default();
        let end = Reader {
            messages: None,
            last,
        };
        if first.is_some_and(|first| first > last) || state.messages == 0 {
            return Ok(end);
        }
        let deliver_policy = match (first, filter.since) {
            (Some(start_sequence), _) => DeliverPolicy::ByStartSequence { start_sequence },
            // An event is received before the stream gets it.
            (None, Some(since)) => DeliverPolicy::ByStartTime {
                start_time: since.into(),
            },
            (None, None) => DeliverPolicy::All,
        };
        let names = &self.setup.names;
        let config = OrderedConfig {
            deliver_policy,
            filter_subject: names.log(filter.app_id.as_deref(), filter.event_type.as_deref()),
            ..OrderedConfig::default()
        };
        let consumer = self.streams.events.create_consumer(config).await;
        let consumer = consumer.map_err(|error| failed(&error))?;
        if consumer.cached_info().num_pending == 0 {
            return Ok(end);
        }
        let messages = consumer.messages().await.map_err(|error| failed(&error))?;
        let messages = Some(messages);
        Ok(Reader { messages, last })
    }

    pub(crate) async fn state(&self) -> Result<async_nats::jetstream::stream::State, StoreError> {
        let info = self.streams.events.get_info().await;
        Ok(info.map_err(|error| failed(&error))?.state)
    }

    /// The places that tell the states of events.
    pub(crate) async fn places(&self) -> Result<Places, StoreError> {
        let positions = self.positions().await?.into_iter().collect();
        Ok(Places {
            positions,
            dead: self.dead().await?,
            heads: HashMap::new(),
        })
    }

    /// The events that are dead letters.
    pub(crate) async fn dead(&self) -> Result<BTreeSet<Name>, StoreError> {
        let subjects = self.setup.names.all_dead();
        let subjects = self.streams.dead.info_with_subjects(subjects).await;
        let mut subjects = subjects.map_err(|error| failed(&error))?;
        let mut dead = BTreeSet::new();
        while let Some(subject) = subjects.next().await {
            let (subject, _) = subject.map_err(|error| failed(&error))?;
            dead.extend(Name::of_dead(&subject));
        }
        Ok(dead)
    }

    /// The state of an event.
    async fn state_of(&self, found: &Found, places: &mut Places) -> Result<State, StoreError> {
        if places.dead.contains(&found.name()) {
            return Ok(State::Dead);
        }
        let is_partition = found.consumer < usize::from(self.streams.partitions);
        let Some(position) = places.positions.get(&found.consumer) else {
            return Ok(State::Waiting);
        };
        if found.seq <= position.done {
            return Ok(State::Done);
        }
        if found.seq <= position.given {
            return Ok(State::Leased);
        }
        if !is_partition {
            return Ok(State::Ready);
        }
        if position.unfinished > 0 {
            return Ok(State::Waiting);
        }
        let head = match places.heads.get(&found.consumer) {
            Some(head) => *head,
            None => {
                let head = self.next_of(found.consumer, position.given).await?;
                let head = head.map(|head| head.sequence);
                places.heads.insert(found.consumer, head);
                head
            }
        };
        Ok(match head {
            Some(head) if head == found.seq => State::Ready,
            _ => State::Waiting,
        })
    }

    /// The event of a consumer after a number.
    pub(crate) async fn next_of(
        &self,
        consumer: usize,
        after: u64,
    ) -> Result<Option<StreamMessage>, StoreError> {
        let partition = subject::partition_at(consumer, self.streams.partitions);
        let subject = self.setup.names.partition(partition);
        let next = after.saturating_add(1);
        let events = &self.streams.events;
        or_none(events.get_first_raw_message_by_subject(subject, next).await)
    }

    /// An event with its state; `None` for a message that is not an event.
    pub(crate) async fn row(
        &self,
        found: &Found,
        places: &mut Places,
    ) -> Result<Option<Row>, StoreError> {
        let Some(entry) = found.entry() else {
            return Ok(None);
        };
        let state = self.state_of(found, places).await?;
        let letter = match state {
            State::Dead => self.letter(found.name()).await?,
            _ => None,
        };
        Ok(Some(Row::new(found.seq, state, entry, letter.as_ref())))
    }

    /// The dead letter of an event.
    async fn letter(&self, name: Name) -> Result<Option<Letter>, StoreError> {
        let subject = self.setup.names.dead(name);
        let last = self.streams.dead.get_last_raw_message_by_subject(&subject);
        let Some(last) = or_none(last.await)? else {
            return Ok(None);
        };
        let time = SystemTime::from(last.time);
        let entry = message::entry(Some(&last.headers), last.payload, time)?;
        Ok(Some(Letter {
            number: last.sequence,
            failure: message::failure(&last.headers, time),
            entry,
        }))
    }

    /// A dead letter as a row, with itself.
    pub(crate) async fn dead_row(&self, name: Name) -> Result<Option<(Row, u64)>, StoreError> {
        let Some(letter) = self.letter(name).await? else {
            return Ok(None);
        };
        let row = Row::new(name.seq, State::Dead, letter.entry.clone(), Some(&letter));
        Ok(Some((row, letter.number)))
    }

    /// The message of a number.
    pub(crate) async fn found(&self, seq: u64) -> Result<Option<Found>, StoreError> {
        let found = self.streams.events.get_raw_message(seq).await;
        Ok(or_none(found)?.map(|found| Found {
            seq,
            consumer: self.consumer_of(&found.subject),
            published: found.time.into(),
            headers: found.headers,
            body: found.payload,
        }))
    }
}

/// The message of an answer; `None` if there is none.
pub(crate) fn or_none(
    answer: Result<StreamMessage, async_nats::jetstream::stream::RawMessageError>,
) -> Result<Option<StreamMessage>, StoreError> {
    match answer {
        Ok(message) => Ok(Some(message)),
        Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => Err(failed(&error)),
    }
}
