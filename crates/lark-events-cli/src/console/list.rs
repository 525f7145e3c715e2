//! The newest deliveries that a filter selects, and how many it hides. A list is bounded, however many
//! deliveries there are.

use std::collections::BTreeSet;

use serde::Serialize;

use super::filter::Filter;
use super::web::sse::Position;
use crate::serve::history::{Delivery, History};

/// The most rows of a list; older ones are on further pages.
pub(crate) const MAX_ROWS: usize = 200;

/// A list at one moment.
pub(crate) struct Listed {
    /// The numbers of all its rows, newest first.
    pub(crate) numbers: Vec<usize>,
    /// The rows that are asked for, newest first.
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) counts: Counts,
    pub(crate) position: Position,
}

/// How many deliveries a list shows, and why not all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    /// In the list.
    pub(crate) shown: usize,
    /// Selected by the filter, on all pages.
    pub(crate) selected: usize,
    pub(crate) kept: usize,
    /// Kept, and not selected.
    pub(crate) hidden: usize,
    /// How many ended deliveries are no longer kept.
    pub(crate) forgotten: usize,
    /// Whether an older page has more.
    #[serde(skip)]
    pub(crate) has_older: bool,
}

/// All rows of a list.
pub(crate) fn all(history: &History, filter: &Filter) -> Listed {
    list(history, filter, |_| true)
}

/// The rows of a list that have changed after a revision, or are not among those that the reader is known to
/// have. A row enters a list also without a change of its own, when others leave.
pub(crate) fn changed(
    history: &History,
    filter: &Filter,
    revision: u64,
    known: &BTreeSet<usize>,
) -> Listed {
    list(history, filter, |delivery| {
        delivery.revision > revision || !known.contains(&delivery.number)
    })
}

fn list(history: &History, filter: &Filter, wants: impl Fn(&Delivery) -> bool) -> Listed {
    history.read(|kept| {
        let (mut numbers, mut deliveries) = (Vec::new(), Vec::new());
        let (mut selected, mut has_older) = (0, false);
        for (number, delivery) in kept.deliveries.iter().rev() {
            if !filter.selects(delivery) {
                continue;
            }
            selected += 1;
            if filter.before.is_some_and(|before| *number >= before) {
                continue;
            }
            if numbers.len() == MAX_ROWS {
                has_older = true;
                continue;
            }
            numbers.push(*number);
            if wants(delivery) {
                deliveries.push(delivery.clone());
            }
        }
        let counts = Counts {
            shown: numbers.len(),
            selected,
            kept: kept.deliveries.len(),
            hidden: kept.deliveries.len() - selected,
            forgotten: kept.forgotten,
            has_older,
        };
        let position = Position {
            run: history.run(),
            revision: kept.revision,
        };
        Listed {
            numbers,
            deliveries,
            counts,
            position,
        }
    })
}
