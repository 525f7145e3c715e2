//! Which events an operation is about.

use std::time::SystemTime;

use super::{Listed, Order, Page};

/// Selects the events of an operation: those that match every field that is set. The default selects all events.
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
    /// The lowest number, inclusive. Operations on many events take one range of numbers after the other.
    pub from_seq: Option<u64>,
    /// The highest number, inclusive.
    pub to_seq: Option<u64>,
    /// The states; any state if empty.
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
    /// A part of the text of the last error.
    pub error: Option<String>,
    /// The whole text of the last error.
    pub error_is: Option<String>,
    /// Received at this time or later.
    pub since: Option<SystemTime>,
    /// Received before this time.
    pub until: Option<SystemTime>,
}

impl Filter {
    /// Limits the filter to the numbers of a page: those after [`Page::after`], in the order of the page. For
    /// implementations of [`Admin`](super::Admin).
    #[must_use]
    pub fn on_page(&self, page: Page) -> Self {
        let mut filter = self.clone();
        match (page.after, page.order) {
            (None, _) => {}
            (Some(after), Order::OldestFirst) => {
                filter.from_seq = filter.from_seq.max(Some(after.saturating_add(1)));
            }
            (Some(after), Order::NewestFirst) => {
                let last = after.saturating_sub(1);
                filter.to_seq = Some(filter.to_seq.map_or(last, |to| to.min(last)));
            }
        }
        filter
    }

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
            && is(&self.error_is, listed.last_error.as_deref())
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

    /// The name in commands and output, such as `ready`.
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
