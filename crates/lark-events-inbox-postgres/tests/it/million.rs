//! What the first pages of an operator cost with a million events: the plans, the rows that the server reads, and the
//! times, against those with a thousand events.

use std::time::{Duration, Instant};

use lark_events_inbox::{Admin as _, Filter, GroupLimits, Grouping, Order, Page, State};
use lark_events_inbox_postgres::PostgresStore;
use lark_events_test_servers::Postgres;

use crate::ratios::{Opened, explained, opened, plans, server};

/// The maximum of each ratio.
const MAX_RATIO: u32 = 3;
/// The times of all asks together, of which the middle one counts. That of one alone is as much what else the machine
/// does.
const ROUNDS: usize = 15;
/// What one call may look through.
const AT_MOST: u64 = 500;
/// The maximum of the rows that the steps of a plan return or leave out. All of a table are 250,000 or more.
const MAX_ROWS: f64 = 15_000.0;

/// A store with this many events: of each four, one is dead, one is in a lane, one has no lane and is ready or waits
/// for a retry, and one is finished.
async fn filled(server: &Postgres, events: u32) -> Opened {
    let opened = opened(server, events).await;
    let sql = "TRUNCATE lark_inbox.dead;
        INSERT INTO lark_inbox.task (seq, lane, is_head, visible_at, last_error)
        SELECT n, CASE n % 4 WHEN 1 THEN 'lane ' || n % 1000 END, n % 4 = 2 OR n <= 1000,
            now() + CASE n % 8 WHEN 6 THEN interval '1 day' ELSE interval '0' END, 'an error'
        FROM (SELECT seq AS n FROM lark_inbox.event) AS event WHERE n % 4 IN (1, 2);
        INSERT INTO lark_inbox.dead (seq, attempts, error, died_at)
        SELECT seq, 10, 'error ' || seq % 16, now() FROM lark_inbox.event WHERE seq % 4 = 0;
        VACUUM ANALYZE";
    server.psql_at(&opened.url, sql);
    opened
}

/// What a page asks the store.
enum Ask {
    Glance,
    Last,
    Show(u64),
    Look(Filter, Order),
    Count(Filter),
    Groups(Filter, Grouping),
}

impl Ask {
    async fn of(&self, store: &PostgresStore) {
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

fn filters() -> Vec<(&'static str, Filter)> {
    let of = |set: fn(&mut Filter)| {
        let mut filter = Filter::default();
        set(&mut filter);
        filter
    };
    let states = State::ALL.map(|state| {
        let mut filter = Filter::default();
        filter.states = vec![state];
        (state.as_str(), filter)
    });
    let others = [
        ("all", Filter::default()),
        (
            "by id",
            of(|filter| filter.event_id = Some("e999".to_owned())),
        ),
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

fn asks() -> Vec<(String, Ask)> {
    let mut asks = vec![
        ("glance".to_owned(), Ask::Glance),
        ("last".to_owned(), Ask::Last),
        ("show".to_owned(), Ask::Show(999)),
    ];
    for (name, filter) in filters() {
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

/// The times of an ask on two stores, in turns.
async fn times(stores: [&PostgresStore; 2], ask: &Ask) -> [[Duration; ROUNDS]; 2] {
    let mut times = [[Duration::ZERO; ROUNDS]; 2];
    for round in 0..ROUNDS {
        for (store, times) in stores.into_iter().zip(&mut times) {
            let began = Instant::now();
            ask.of(store).await;
            times[round] = began.elapsed();
        }
    }
    times
}

/// The times of all asks together, of which the middle one counts.
#[derive(Default)]
struct Totals([[Duration; ROUNDS]; 2]);

impl Totals {
    fn add(&mut self, times: [[Duration; ROUNDS]; 2]) {
        let totals = self.0.iter_mut().flatten();
        totals
            .zip(times.into_iter().flatten())
            .for_each(|(total, time)| *total += time);
    }

    fn middle(mut self) -> [Duration; 2] {
        self.0.each_mut().map(|times| {
            times.sort_unstable();
            times[ROUNDS / 2]
        })
    }
}

/// The rows that all steps of the plans return or leave out.
fn rows(plans: &str) -> f64 {
    let number = |text: &str, name: &str| -> Option<f64> {
        let (_, after) = text.split_once(name)?;
        let end = |at: char| !at.is_ascii_digit() && at != '.';
        after.split(end).next()?.parse().ok()
    };
    let lines = plans.lines().map(|line| {
        let actual = line.split_once("(actual ").map_or("", |(_, actual)| actual);
        let loops = number(actual, "loops=").unwrap_or_default();
        let removed = number(line, "Rows Removed by Filter: ").unwrap_or_default();
        number(actual, "rows=").unwrap_or_default() * loops + removed
    });
    lines.sum()
}

#[tokio::test]
async fn a_million_events_cost_a_page_no_more_than_a_thousand() {
    let Some(server) = server("a million events on PostgreSQL") else {
        return;
    };
    let small = filled(server, 1_000).await;
    let large = filled(server, 1_000_000).await;
    let explained = explained(server, &large).await;
    let mut slow = Vec::new();
    let mut totals = Totals::default();
    for (name, ask) in asks() {
        totals.add(times([&small.store, &large.store], &ask).await);
        if let Some(store) = &explained {
            let plans = plans(server, ask.of(store)).await;
            let rows = rows(&plans);
            assert!(rows >= 1.0, "plans with the rows: {plans}");
            println!("{name}: {rows} rows");
            let whole = ["task", "event", "dead"].map(|table| format!("Seq Scan on {table}"));
            if rows > MAX_ROWS || whole.iter().any(|scan| plans.contains(scan)) {
                slow.push(format!("{name}: {rows} rows: {plans}"));
            }
        }
    }
    let [small, large] = totals.middle();
    println!("together: {small:?}, {large:?}");
    assert!(slow.is_empty(), "{}", slow.join("\n"));
    assert!(large <= small * MAX_RATIO, "{small:?}, {large:?}");
}
