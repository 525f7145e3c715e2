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

/// The operations of an operator on a [`Store`]. They may run while workers run.
///
/// If a store cannot do an operation, [`supports`](Self::supports) returns `false` for it, and the operation fails
/// with [`StoreErrorKind::Unsupported`].
#[async_trait]
pub trait Admin: Store {
    /// Whether the store can do this operation.
    fn supports(&self, operation: Operation) -> bool;

    /// Lists events in the order of their numbers.
    ///
    /// # Errors
    ///
    /// When the store cannot answer, or does not support this [order](Operation::ListNewestFirst).
    async fn list(&self, filter: &Filter, page: Page) -> Result<Vec<Listed>, StoreError>;

    /// Shows one event with the history of its attempts; `None` if the store does not have it.
    ///
    /// # Errors
    ///
    /// When the store cannot answer.
    async fn show(&self, seq: u64) -> Result<Option<Shown>, StoreError>;

    /// Returns the highest number of an event; `None` if there is no event. With it as [`Filter::to_seq`], an
    /// operation on many events leaves out the events that arrive meanwhile.
    ///
    /// # Errors
    ///
    /// When the store cannot answer.
    async fn last(&self) -> Result<Option<u64>, StoreError>;

    /// Retries dead letters, and events that wait for the time of a retry, at most `limit` of them. Returns their
    /// number.
    ///
    /// A dead letter starts with its first attempt again. In its lane it comes next, after an event that is being
    /// handled or waits for a retry.
    ///
    /// An event that waits for a time becomes ready at once if the store [supports](Operation::RetryWaiting) it. An
    /// event that waits behind another one of its lane keeps its place, and is not counted.
    ///
    /// # Errors
    ///
    /// When the store fails. The outcome may be unknown.
    async fn retry(&self, filter: &Filter, limit: usize) -> Result<u64, StoreError>;

    /// Finishes dead letters, and events that are ready or wait, without handling them, at most `limit` of them. A
    /// redelivery of such an event is still a duplicate. Returns their number.
    ///
    /// # Errors
    ///
    /// When the store fails. The outcome may be unknown.
    async fn discard(&self, filter: &Filter, limit: usize) -> Result<u64, StoreError>;

    /// Puts finished events into the queue again, at most `limit` of them. Returns their number.
    ///
    /// # Errors
    ///
    /// When the store keeps no finished events, or fails. The outcome may be unknown.
    async fn replay(&self, _: &Filter, _limit: usize) -> Result<u64, StoreError> {
        Err(StoreError::new(StoreErrorKind::Unsupported))
    }

    /// Removes finished events that are older than `age`, with their keys. A store keeps them for at least its
    /// shortest retention. Returns their number.
    ///
    /// # Errors
    ///
    /// When the store keeps no finished events, or fails. The outcome may be unknown.
    async fn prune(&self, _age: Duration) -> Result<u64, StoreError> {
        Err(StoreError::new(StoreErrorKind::Unsupported))
    }

    /// Lists events as [`list`](Self::list) does, but reads at most `at_most` events that may match. This bounds
    /// the cost of a filter that matches few of many events. The default implementation calls `list`, and does not
    /// bound its cost.
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

    /// Counts events, and reads at most `at_most` of them: the newest if the store [can list them
    /// first](Operation::ListNewestFirst), otherwise the oldest. The default implementation calls
    /// [`list`](Self::list).
    ///
    /// # Errors
    ///
    /// When the store cannot answer.
    async fn count(&self, filter: &Filter, at_most: u64) -> Result<Count, StoreError> {
        count::each(self, filter, at_most, |_| ()).await
    }

    /// Counts events by a property, the largest groups first. The default implementation calls
    /// [`list`](Self::list).
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

    /// Returns the [status](Store::status) with counts that may stop at `at_most`. The default implementation
    /// counts all events.
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
    /// [`Admin::retry`] of events that wait for a time. Without it, they keep their time.
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
    /// The number of attempts that count towards the limit.
    pub attempts: u32,
    /// The time until it becomes ready, or until its lease ends.
    pub visible_in: Option<Duration>,
    /// The error of the last attempt.
    pub last_error: Option<String>,
    /// The time for which the store must still remember its key. It is not pruned before.
    pub kept_for: Option<Duration>,
}

impl Listed {
    /// Creates an entry for the event of `delivery`, with this number and state.
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

/// One event with its body and history.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Shown {
    /// The event as in a list.
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
