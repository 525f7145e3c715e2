//! Numbers of events, up to a limit.

use std::collections::HashMap;
use std::time::Duration;

use super::{Admin, Filter, Listed, Operation, Order, Page};
use crate::store::{Status, StoreError};

/// A number of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// The number of events that were counted.
    pub events: u64,
    /// Whether these are all events. If not, counting stopped at a limit, and there may be more.
    pub is_all: bool,
}

impl Count {
    /// All events.
    #[must_use]
    pub fn all(events: u64) -> Self {
        Self {
            events,
            is_all: true,
        }
    }

    /// A count that stops at `at_most`: with more `events` than that, it is `at_most`, and not all.
    #[must_use]
    pub fn up_to(at_most: u64, events: u64) -> Self {
        Self {
            events: events.min(at_most),
            is_all: events <= at_most,
        }
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
    /// The lane.
    Lane,
}

impl Grouping {
    fn of(self, listed: Listed) -> Option<String> {
        match self {
            Self::EventType => Some(listed.event_type),
            Self::Error => listed.last_error,
            Self::Lane => listed.lane,
        }
    }
}

/// The limits of [`Admin::groups`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupLimits {
    /// The maximum number of groups.
    pub groups: usize,
    /// The maximum number of events to read.
    pub events: u64,
}

impl GroupLimits {
    /// At most `groups` groups, of all events.
    #[must_use]
    pub const fn all(groups: usize) -> Self {
        Self {
            groups,
            events: u64::MAX,
        }
    }
}

/// Events counted by a property.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Groups {
    /// The largest groups, the largest first.
    pub groups: Vec<Group>,
    /// The events of all groups, including those left out of `groups`.
    pub count: Count,
}

impl Groups {
    /// Creates a result from the largest groups and the count of all groups.
    #[must_use]
    pub fn new(groups: Vec<Group>, count: Count) -> Self {
        Self { groups, count }
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
    /// A group of `count` events.
    #[must_use]
    pub fn new(value: Option<String>, count: u64) -> Self {
        Self { value, count }
    }
}

/// The events of a store at one moment, counted up to a limit. The fields are those of [`Status`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
#[expect(missing_docs, reason = "those of the status")]
pub struct Glance {
    pub ready: Count,
    pub waiting: Count,
    pub leased: Count,
    pub dead: Count,
    pub blocked_lanes: Count,
    pub oldest: Option<Duration>,
    pub lag: Option<Duration>,
    pub workers: u64,
    pub worker_seen: Option<Duration>,
}

impl From<Status> for Glance {
    fn from(status: Status) -> Self {
        Self {
            ready: Count::all(status.ready),
            waiting: Count::all(status.waiting),
            leased: Count::all(status.leased),
            dead: Count::all(status.dead),
            blocked_lanes: Count::all(status.blocked_lanes),
            oldest: status.oldest,
            lag: status.lag,
            workers: status.workers,
            worker_seen: status.worker_seen,
        }
    }
}

/// Passes each event that matches to `take`.
pub(super) async fn each<S: Admin + ?Sized>(
    store: &S,
    filter: &Filter,
    at_most: u64,
    mut take: impl FnMut(Listed) + Send,
) -> Result<Count, StoreError> {
    // One look is enough for the limits of pages; a list of all events is not kept in memory.
    const PAGE: u64 = 10_000;
    let mut page = Page::first(0);
    if store.supports(Operation::ListNewestFirst) {
        page.order = Order::NewestFirst;
    }
    let (mut count, mut left) = (Count::default(), at_most);
    while left > 0 {
        page.limit = usize::try_from(left.min(PAGE)).unwrap_or(usize::MAX);
        let looked = store.look_through(filter, page, left).await?;
        let listed = looked.listed.len();
        // No limit stays none.
        if at_most < u64::MAX {
            left = left.saturating_sub(listed as u64);
        }
        count.events = count.events.saturating_add(listed as u64);
        looked.listed.into_iter().for_each(&mut take);
        page.after = looked.next;
        count.is_all = looked.next.is_none();
        if count.is_all || listed < page.limit {
            break;
        }
    }
    Ok(count)
}

pub(super) async fn groups<S: Admin + ?Sized>(
    store: &S,
    filter: &Filter,
    by: Grouping,
    limits: GroupLimits,
) -> Result<Groups, StoreError> {
    let mut counts: HashMap<Option<String>, u64> = HashMap::new();
    let count = each(store, filter, limits.events, |listed| {
        let count = counts.entry(by.of(listed)).or_default();
        *count = count.saturating_add(1);
    });
    let count = count.await?;
    let groups = counts.into_iter();
    let mut groups: Vec<_> = groups
        .map(|(value, count)| Group::new(value, count))
        .collect();
    groups.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    groups.truncate(limits.groups);
    Ok(Groups::new(groups, count))
}
