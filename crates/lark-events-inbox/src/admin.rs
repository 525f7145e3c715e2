//! Looking into a store and acting on its events, for operators.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use lark_events::{Delivery, Transport};

use crate::store::{AttemptOutcome, Store, StoreError, StoreErrorKind};

/// The operations of an operator on a [`Store`]. They work while workers run.
///
/// A store that cannot do an operation says so in [`supports`](Self::supports) and fails it with
/// [`StoreErrorKind::Unsupported`].
#[async_trait]
pub trait Admin: Store {
    /// Whether the store can do this operation.
    fn supports(&self, operation: Operation) -> bool;

    /// Lists events in the order of their numbers.
    ///
    /// # Errors
    ///
    /// When the store cannot answer.
    async fn list(&self, filter: &Filter, page: Page) -> Result<Vec<Listed>, StoreError>;

    /// Shows one event with the history of its attempts; `None` if the store does not have it.
    ///
    /// # Errors
    ///
    /// When the store cannot answer.
    async fn show(&self, seq: u64) -> Result<Option<Shown>, StoreError>;

    /// The highest number of an event, so that an operation on many events can leave those alone that come
    /// meanwhile; `None` if there is no event.
    ///
    /// # Errors
    ///
    /// When the store cannot answer.
    async fn last(&self) -> Result<Option<u64>, StoreError>;

    /// Makes dead letters and waiting events visible now, at most `limit` of them. A dead letter starts
    /// with its first attempt again. In its lane it is the next after the event that is being handled or
    /// waits for a retry. Returns how many.
    ///
    /// # Errors
    ///
    /// When the store fails. The outcome may be unknown.
    async fn retry(&self, filter: &Filter, limit: usize) -> Result<u64, StoreError>;

    /// Removes dead letters and events that are not being handled, at most `limit` of them. Their keys
    /// stay: a redelivery is a duplicate. Returns how many.
    ///
    /// # Errors
    ///
    /// When the store fails. The outcome may be unknown.
    async fn discard(&self, filter: &Filter, limit: usize) -> Result<u64, StoreError>;

    /// Puts finished events into the queue again, at most `limit` of them. Returns how many.
    ///
    /// # Errors
    ///
    /// When the store keeps no finished events, or fails. The outcome may be unknown.
    async fn replay(&self, _: &Filter, _limit: usize) -> Result<u64, StoreError> {
        Err(StoreError::new(StoreErrorKind::Unsupported))
    }

    /// Removes finished events and their keys that are older than `age`. Returns how many.
    ///
    /// # Errors
    ///
    /// When the store keeps no finished events, or fails. The outcome may be unknown.
    async fn prune(&self, _age: Duration) -> Result<u64, StoreError> {
        Err(StoreError::new(StoreErrorKind::Unsupported))
    }

    /// Counts events by a property: the largest groups first, at most `limit` of them. By default this
    /// reads the whole list.
    ///
    /// # Errors
    ///
    /// When the store cannot answer.
    async fn groups(
        &self,
        filter: &Filter,
        by: Grouping,
        limit: usize,
    ) -> Result<Vec<Group>, StoreError> {
        const PAGE: usize = 500;
        let mut counts: HashMap<Option<String>, u64> = HashMap::new();
        let mut after = None;
        loop {
            let page = Page { after, limit: PAGE };
            let listed = self.list(filter, page).await?;
            let Some(last) = listed.last() else {
                break;
            };
            after = Some(last.seq);
            for one in listed {
                let count = counts.entry(by.of(one)).or_default();
                *count = count.saturating_add(1);
            }
        }
        let groups = counts.into_iter();
        let mut groups: Vec<_> = groups
            .map(|(value, count)| Group::new(value, count))
            .collect();
        groups.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
        groups.truncate(limit);
        Ok(groups)
    }
}

/// The property by which [`Admin::groups`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Grouping {
    /// The event type.
    EventType,
    /// The error of the last attempt.
    Error,
}

impl Grouping {
    fn of(self, listed: Listed) -> Option<String> {
        match self {
            Self::EventType => Some(listed.event_type),
            Self::Error => listed.last_error,
        }
    }
}

/// The events with one value of a property.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Group {
    /// The value; `None` for the events that have none.
    pub value: Option<String>,
    /// The number of events.
    pub count: u64,
}

impl Group {
    /// So many events with a value.
    #[must_use]
    pub fn new(value: Option<String>, count: u64) -> Self {
        Self { value, count }
    }
}

/// An operation of [`Admin`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// [`Admin::list`].
    List,
    /// [`Admin::show`].
    Show,
    /// [`Admin::retry`].
    Retry,
    /// [`Admin::discard`].
    Discard,
    /// [`Admin::replay`].
    Replay,
    /// [`Admin::prune`].
    Prune,
}

/// Which events an operation is about: those that match every field that is set.
///
/// ```
/// use lark_events_inbox::{Filter, State};
///
/// let mut filter = Filter::default();
/// filter.states = vec![State::Dead];
/// filter.error = Some("connection refused".to_owned());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Filter {
    /// The number of the event.
    pub seq: Option<u64>,
    /// The lowest number: operations on many events take one range of numbers after the other.
    pub from_seq: Option<u64>,
    /// The highest number.
    pub to_seq: Option<u64>,
    /// One of these states; any if there are none.
    pub states: Vec<State>,
    /// The app.
    pub app_id: Option<String>,
    /// The type.
    pub event_type: Option<String>,
    /// The event id.
    pub event_id: Option<String>,
    /// The tenant.
    pub tenant_key: Option<String>,
    /// The lane.
    pub lane: Option<String>,
    /// A part of the last error.
    pub error: Option<String>,
    /// Received at this time or later.
    pub since: Option<SystemTime>,
    /// Received before this time.
    pub until: Option<SystemTime>,
}

impl Filter {
    /// Whether an event matches.
    #[must_use]
    pub fn matches(&self, listed: &Listed) -> bool {
        let is = |wanted: &Option<String>, value: Option<&str>| {
            wanted.is_none() || wanted.as_deref() == value
        };
        self.seq.is_none_or(|seq| seq == listed.seq)
            && self.from_seq.is_none_or(|first| listed.seq >= first)
            && self.to_seq.is_none_or(|last| listed.seq <= last)
            && (self.states.is_empty() || self.states.contains(&listed.state))
            && is(&self.app_id, listed.app_id.as_deref())
            && is(&self.event_type, Some(&listed.event_type))
            && is(&self.event_id, listed.event_id.as_deref())
            && is(&self.tenant_key, listed.tenant_key.as_deref())
            && is(&self.lane, listed.lane.as_deref())
            && self.error.as_deref().is_none_or(|part| {
                let error = listed.last_error.as_deref();
                error.is_some_and(|error| error.contains(part))
            })
            && self.since.is_none_or(|since| listed.received_at >= since)
            && self.until.is_none_or(|until| listed.received_at < until)
    }
}

/// The state of an event in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// It can be claimed.
    Ready,
    /// It waits for its lane, or for the time of a retry.
    Waiting,
    /// A worker has claimed it.
    Leased,
    /// It is a dead letter.
    Dead,
    /// It is finished.
    Done,
}

impl State {
    /// All states.
    pub const ALL: [Self; 5] = [
        Self::Ready,
        Self::Waiting,
        Self::Leased,
        Self::Dead,
        Self::Done,
    ];

    /// The name, as operators write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Waiting => "waiting",
            Self::Leased => "leased",
            Self::Dead => "dead",
            Self::Done => "done",
        }
    }
}

/// A part of a list: the events after a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The number of the last event of the page before.
    pub after: Option<u64>,
    /// The maximum number of events.
    pub limit: usize,
}

/// An event in a list, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// The number of the event in the store.
    pub seq: u64,
    /// The state.
    pub state: State,
    /// The app.
    pub app_id: Option<String>,
    /// The type.
    pub event_type: String,
    /// The event id.
    pub event_id: Option<String>,
    /// The tenant.
    pub tenant_key: Option<String>,
    /// The lane.
    pub lane: Option<String>,
    /// The transport that received it.
    pub transport: Transport,
    /// The time of arrival.
    pub received_at: SystemTime,
    /// The attempts so far that count.
    pub attempts: u32,
    /// The time until it becomes visible, or until its lease ends.
    pub visible_in: Option<Duration>,
    /// The error of the last attempt.
    pub last_error: Option<String>,
    /// The time for which the store must still remember its key: until then it is not pruned.
    pub kept_for: Option<Duration>,
}

impl Listed {
    /// An event of this number and state, with the facts of a delivery.
    #[must_use]
    pub fn new(seq: u64, state: State, delivery: &Delivery) -> Self {
        let header = &delivery.header;
        Self {
            seq,
            state,
            app_id: header.app_id.clone(),
            event_type: header.event_type.clone(),
            event_id: header.event_id.clone(),
            tenant_key: header.tenant_key.clone(),
            lane: None,
            transport: delivery.transport,
            received_at: delivery.received_at,
            attempts: 0,
            visible_in: None,
            last_error: None,
            kept_for: None,
        }
    }
}

/// One event, whole.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Shown {
    /// The event in a list.
    pub listed: Listed,
    /// The event itself.
    pub delivery: Delivery,
    /// The trace context in which it was received.
    pub trace: Option<String>,
    /// The attempts that the store remembers, in order.
    pub history: Vec<AttemptRecord>,
}

impl Shown {
    /// An event with its history.
    #[must_use]
    pub fn new(
        listed: Listed,
        delivery: Delivery,
        trace: Option<String>,
        history: Vec<AttemptRecord>,
    ) -> Self {
        Self {
            listed,
            delivery,
            trace,
            history,
        }
    }
}

/// One attempt in the history of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttemptRecord {
    /// The number of the attempt.
    pub number: u32,
    /// When it ended.
    pub ended: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// Its error.
    pub error: Option<String>,
}

impl AttemptRecord {
    /// An attempt that ended at this time.
    #[must_use]
    pub fn new(
        number: u32,
        ended: SystemTime,
        took: Duration,
        outcome: AttemptOutcome,
        error: Option<String>,
    ) -> Self {
        Self {
            number,
            ended,
            took,
            outcome,
            error,
        }
    }
}
