//! Looking into a store and acting on its events, for operators.

mod count;
mod filter;
mod page;

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use lark_events::{Delivery, Transport};

pub use self::count::{Count, Glance, Group, GroupLimits, Grouping, Groups};
pub use self::filter::{Filter, State};
pub use self::page::{Looked, Order, Page};
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
    /// When the store cannot answer, or not in this [order](Operation::ListNewestFirst).
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
    /// A waiting event becomes visible only where the store [supports](Operation::RetryWaiting) it, and only if it
    /// waits for a time: an event that waits behind another one of its lane keeps its place, and is not counted.
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

    /// Lists events as [`list`](Self::list) does, and looks through at most `at_most` events that the filter may be
    /// about, so that a filter that matches few of many costs no more than that. By default this is a list.
    ///
    /// # Errors
    ///
    /// When the store cannot answer.
    async fn look_through(
        &self,
        filter: &Filter,
        page: Page,
        at_most: u64,
    ) -> Result<Looked, StoreError> {
        let limit = usize::try_from(at_most).map_or(page.limit, |most| most.min(page.limit));
        let more = Page {
            limit: limit.saturating_add(1),
            ..page
        };
        Ok(Looked::of(self.list(filter, more).await?, limit))
    }

    /// Counts events, and looks through at most `at_most` of them: the newest, where the store
    /// [lists them](Operation::ListNewestFirst), else the oldest. By default this reads the list.
    ///
    /// # Errors
    ///
    /// When the store cannot answer.
    async fn count(&self, filter: &Filter, at_most: u64) -> Result<Count, StoreError> {
        count::each(self, filter, at_most, |_| ()).await
    }

    /// Counts events by a property, the largest groups first. By default this reads the list, as
    /// [`count`](Self::count) does.
    ///
    /// # Errors
    ///
    /// When the store cannot answer.
    async fn groups(
        &self,
        filter: &Filter,
        by: Grouping,
        limits: GroupLimits,
    ) -> Result<Groups, StoreError> {
        count::groups(self, filter, by, limits).await
    }

    /// The [status](Store::status), with counts that need not go beyond `at_most`. By default they do.
    ///
    /// # Errors
    ///
    /// When the store cannot answer.
    async fn glance(&self, _at_most: u64) -> Result<Glance, StoreError> {
        Ok(self.status().await?.into())
    }
}

/// An operation of [`Admin`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// [`Admin::list`].
    List,
    /// [`Admin::list`] with [`Order::NewestFirst`].
    ListNewestFirst,
    /// [`Admin::show`].
    Show,
    /// [`Admin::retry`] of dead letters.
    Retry,
    /// [`Admin::retry`] of events that wait for a time. Without it these stay as they are.
    RetryWaiting,
    /// [`Admin::discard`].
    Discard,
    /// [`Admin::replay`].
    Replay,
    /// [`Admin::prune`].
    Prune,
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
