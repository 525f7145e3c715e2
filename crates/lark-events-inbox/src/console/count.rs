//! Numbers of events in words.

use lark_events_pages::thousands;

use crate::admin::Count;

/// The events that are counted or looked through for a page: it takes as long whatever the store has.
pub(super) const AT_MOST: u64 = 10_000;

/// So many events as were selected.
pub(super) fn exactly(events: usize) -> Count {
    Count::all(u64::try_from(events).unwrap_or(u64::MAX))
}

/// `1,200 events`, `at least 10,000 events`; none of a part of the events is no number of all.
pub(super) fn words(count: Count) -> String {
    match count {
        Count {
            events: 0,
            is_all: false,
        } => "an unknown number of events".to_owned(),
        Count { is_all: false, .. } => format!("at least {}", events(count.events)),
        _ => events(count.events),
    }
}

/// `1,200`, `10,000+`.
pub(super) fn short(count: Count) -> String {
    let more = if count.is_all { "" } else { "+" };
    format!("{}{more}", thousands(count.events))
}

/// `1 event`, `1,200 events`.
pub(super) fn events(number: u64) -> String {
    let name = if number == 1 { "event" } else { "events" };
    format!("{} {name}", thousands(number))
}
