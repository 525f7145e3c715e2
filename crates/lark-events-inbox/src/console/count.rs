//! Numbers of events in words.

use lark_events_pages::thousands;

use crate::admin::Count;

/// Counting goes no further.
pub(super) const MAX_COUNTED: u64 = 10_000;

/// `1,200 events`, `at least 10,000 events`.
pub(super) fn words(count: Count) -> String {
    let at_least = if count.is_all { "" } else { "at least " };
    format!("{at_least}{}", events(count.events))
}

/// `1 event`, `1,200 events`.
pub(super) fn events(number: u64) -> String {
    let name = if number == 1 { "event" } else { "events" };
    format!("{} {name}", thousands(number))
}
