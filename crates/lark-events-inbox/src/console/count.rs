//! Counts the events that an action would take, up to a limit.

use lark_events_pages::thousands;

use crate::admin::{Admin, Filter, Page};
use crate::store::StoreError;

/// The events of one look.
const PAGE: usize = 500;
/// Counting goes no further.
const MAX_COUNTED: u64 = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) events: u64,
    pub(super) is_all: bool,
}

impl Count {
    pub(super) async fn of(store: &dyn Admin, filter: &Filter) -> Result<Self, StoreError> {
        let (mut events, mut after) = (0_u64, None);
        while events < MAX_COUNTED {
            let page = Page { after, limit: PAGE };
            let listed = store.list(filter, page).await?;
            events = events.saturating_add(u64::try_from(listed.len()).unwrap_or(u64::MAX));
            after = listed.last().map(|last| last.seq);
            if listed.len() < PAGE {
                return Ok(Self {
                    events,
                    is_all: true,
                });
            }
        }
        Ok(Self {
            events,
            is_all: false,
        })
    }

    /// `1,200 events`, `at least 10,000 events`.
    pub(super) fn words(self) -> String {
        let at_least = if self.is_all { "" } else { "at least " };
        format!("{at_least}{}", events(self.events))
    }
}

/// `1 event`, `1,200 events`.
pub(super) fn events(number: u64) -> String {
    let name = if number == 1 { "event" } else { "events" };
    format!("{} {name}", thousands(number))
}
