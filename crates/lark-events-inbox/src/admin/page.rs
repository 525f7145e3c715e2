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
    /// The number of the last event of the page before.
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
    /// The lowest numbers first. [`Page::after`] stands for the numbers above it.
    #[default]
    OldestFirst,
    /// The highest numbers first. [`Page::after`] stands for the numbers below it.
    NewestFirst,
}

/// What [`Admin::look_through`](super::Admin::look_through) found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Looked {
    /// The events that match.
    pub listed: Vec<Listed>,
    /// Where the next page begins, as [`Page::after`]; `None` if there is none. There may be a next page after one
    /// with fewer events than the limit, or without any.
    pub next: Option<u64>,
}

impl Looked {
    /// These events, and a page after a number.
    #[must_use]
    pub fn new(listed: Vec<Listed>, next: Option<u64>) -> Self {
        Self { listed, next }
    }

    /// The first `limit` of a list that may have one more event, which is on the next page.
    #[must_use]
    pub fn of(mut listed: Vec<Listed>, limit: usize) -> Self {
        let has_more = listed.len() > limit;
        listed.truncate(limit);
        let last = listed.last().map(|last| last.seq);
        let next = last.filter(|_| has_more);
        Self { listed, next }
    }
}
