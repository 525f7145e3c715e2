//! What the first pages of an operator ask a store, and the time that this takes on two stores. Shared by the tests
//! that compare a million events with a thousand.

use std::time::{Duration, Instant};

use crate::admin::{Admin, Filter, GroupLimits, Grouping, Order, Page, State};

/// The times of all asks together, of which the middle one counts. That of one alone is as much what else the machine
/// does.
const ROUNDS: usize = 15;
/// What one call may look through.
const AT_MOST: u64 = 500;

/// What a page asks the store.
#[derive(Debug)]
pub enum Ask {
    /// The queue at a glance.
    Glance,
    /// The highest number.
    Last,
    /// One event.
    Show(u64),
    /// The first page of a list.
    Look(Filter, Order),
    /// The number of events.
    Count(Filter),
    /// The largest groups.
    Groups(Filter, Grouping),
}

impl Ask {
    /// Asks.
    ///
    /// # Panics
    ///
    /// When the store fails, or has no such event.
    pub async fn of(&self, store: &impl Admin) {
        match self {
            Self::Glance => {
                let glance = store.glance(AT_MOST).await.unwrap();
                assert!(glance.ready.events > 0 && glance.waiting.events > 0);
            }
            Self::Last => assert!(store.last().await.unwrap().is_some()),
            Self::Show(seq) => assert!(store.show(*seq).await.unwrap().is_some()),
            Self::Look(filter, order) => {
                let page = Page {
                    order: *order,
                    ..Page::first(50)
                };
                store.look_through(filter, page, AT_MOST).await.unwrap();
            }
            Self::Count(filter) => {
                store.count(filter, AT_MOST).await.unwrap();
            }
            Self::Groups(filter, by) => {
                let limits = GroupLimits {
                    groups: 20,
                    events: AT_MOST,
                };
                store.groups(filter, *by, limits).await.unwrap();
            }
        }
    }
}

fn filters(id: &str) -> Vec<(&'static str, Filter)> {
    let of = |set: fn(&mut Filter)| {
        let mut filter = Filter::default();
        set(&mut filter);
        filter
    };
    let by_id = Filter {
        event_id: Some(id.to_owned()),
        ..Filter::default()
    };
    let states = State::ALL.map(|state| {
        let filter = Filter {
            states: vec![state],
            ..Filter::default()
        };
        (state.as_str(), filter)
    });
    let others = [
        ("all", Filter::default()),
        ("by id", by_id),
        (
            "no type",
            of(|filter| filter.event_type = Some("text".to_owned())),
        ),
        (
            "no lane",
            of(|filter| filter.lane = Some("text".to_owned())),
        ),
        (
            "no error",
            of(|filter| filter.error_is = Some("text".to_owned())),
        ),
        (
            "no part of an error",
            of(|filter| filter.error = Some("text".to_owned())),
        ),
        (
            "dead by error",
            of(|filter| {
                filter.states = vec![State::Dead];
                filter.error_is = Some("error 4".to_owned());
            }),
        ),
    ];
    states.into_iter().chain(others).collect()
}

/// All asks, of stores in which event 999 has this id.
#[must_use]
pub fn asks(id: &str) -> Vec<(String, Ask)> {
    let mut asks = vec![
        ("glance".to_owned(), Ask::Glance),
        ("last".to_owned(), Ask::Last),
        ("show".to_owned(), Ask::Show(999)),
    ];
    for (name, filter) in filters(id) {
        for order in [Order::OldestFirst, Order::NewestFirst] {
            asks.push((
                format!("{name}, {order:?}"),
                Ask::Look(filter.clone(), order),
            ));
        }
        for by in [Grouping::EventType, Grouping::Error, Grouping::Lane] {
            asks.push((
                format!("{name}, by {by:?}"),
                Ask::Groups(filter.clone(), by),
            ));
        }
        asks.push((format!("{name}, counted"), Ask::Count(filter)));
    }
    asks
}

/// The times of asks on two stores, added up.
#[derive(Debug, Default)]
pub struct Totals([[Duration; ROUNDS]; 2]);

impl Totals {
    /// Asks both stores in turns.
    pub async fn add(&mut self, stores: [&impl Admin; 2], ask: &Ask) {
        for round in 0..ROUNDS {
            for (store, totals) in stores.into_iter().zip(&mut self.0) {
                let began = Instant::now();
                ask.of(store).await;
                totals[round] += began.elapsed();
            }
        }
    }

    /// The middle one of each store's times.
    #[must_use]
    pub fn middle(mut self) -> [Duration; 2] {
        self.0.each_mut().map(|times| {
            times.sort_unstable();
            times[ROUNDS / 2]
        })
    }
}
