//! Parts of lists.

use super::Listed;

/// A part of a list: the events after a number.
///
/// ```
/// use lark_events_inbox::{Order, Page};
///
/// let mut newest = Page::first(50);
/// newest.order = Order::NewestFirst;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The number of the last event of the previous page; `None` for the first page.
    pub after: Option<u64>,
    /// The maximum number of events.
    pub limit: usize,
    /// The order of the list.
    pub order: Order,
}

impl Page {
    /// The first page of the oldest events.
    #[must_use]
    pub const fn first(limit: usize) -> Self {
        Self {
            after: None,
            limit,
            order: Order::OldestFirst,
        }
    }
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Order {
    /// The lowest numbers first. The page has the numbers above [`Page::after`].
    #[default]
    OldestFirst,
    /// The highest numbers first. The page has the numbers below [`Page::after`].
    NewestFirst,
}

/// The result of [`Admin::look_through`](super::Admin::look_through).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Looked {
    /// The events that match.
    pub listed: Vec<Listed>,
    /// The value of [`Page::after`] for the next page; `None` if this is the last page. A page with fewer events
    /// than the limit, or none, need not be the last.
    pub next: Option<u64>,
}

impl Looked {
    /// Creates a result from the events of a page and the start of the next.
    #[must_use]
    pub fn new(listed: Vec<Listed>, next: Option<u64>) -> Self {
        Self { listed, next }
    }

    /// Creates a result from a list of up to `limit + 1` events, of which the last one belongs to the next page.
    #[must_use]
    pub fn of(mut listed: Vec<Listed>, limit: usize) -> Self {
        let has_more = listed.len() > limit;
        listed.truncate(limit);
        let last = listed.last().map(|last| last.seq);
        let next = last.filter(|_| has_more);
        Self { listed, next }
    }
}
