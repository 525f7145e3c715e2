//! What the first pages of an operator cost with a million events: the plans, the steps that SQLite takes, and the
//! times, against those with a thousand events.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rusqlite::trace::TraceEvent;
use rusqlite::{Connection, StatementStatus};

use super::plans::{entry, may_read, open, reads, remove};
use super::{SqliteStore, schema};
use crate::admin::{Admin, Filter, GroupLimits, Grouping, Order, Page, State};

/// The maximum of each ratio.
const MAX_RATIO: i64 = 3;
/// The times of all asks together, of which the middle one counts. That of one alone is as much what else the machine
/// does.
const ROUNDS: usize = 15;
/// What one call may look through.
const AT_MOST: u64 = 500;

/// What ran since the last look.
struct Ran {
    steps: i64,
    statements: BTreeSet<String>,
}

static RAN: Mutex<Ran> = Mutex::new(Ran {
    steps: 0,
    statements: BTreeSet::new(),
});

fn record(event: TraceEvent<'_>) {
    let mut ran = RAN.lock().unwrap();
    match event {
        TraceEvent::Stmt(_, sql) => {
            ran.statements.insert(sql.to_owned());
        }
        TraceEvent::Profile(statement, _) => {
            ran.steps += i64::from(statement.get_status(StatementStatus::VmStep));
        }
        _ => {}
    }
}

/// A store with this many events: of each four, one is dead, one is in a lane, one has no lane and is ready or waits
/// for a retry, and one is finished.
async fn filled(events: u32) -> (SqliteStore, PathBuf) {
    let name = format!("lark-events-{events}-{}.db", std::process::id());
    let path = std::env::temp_dir().join(name);
    let mut connection = Connection::open(&path).unwrap();
    let fast = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;";
    connection.execute_batch(fast).unwrap();
    schema::migrate(&mut connection).unwrap();
    let document = entry(0, None).delivery.to_document();
    let document = String::from_utf8(document.to_vec()).unwrap();
    let sql = format!(
        "BEGIN;
         WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {events})
         INSERT INTO event (dedup_key, event_type, event_id, lane, transport, received_at, keep_until, document)
         SELECT printf('key %08d', n), 'testing.type_' || (n % 7) || '_v1', printf('%08d', n),
             CASE n % 4 WHEN 1 THEN 'lane ' || (n % 1000) END, 'local', n, n, CAST('{document}' AS BLOB)
         FROM number;
         INSERT INTO task (seq, lane, is_head, visible_at, last_error)
         SELECT seq, lane, lane IS NULL OR seq <= 1000, CASE seq % 8 WHEN 6 THEN 1 << 60 ELSE 0 END, 'an error'
         FROM event WHERE seq % 4 IN (1, 2);
         INSERT INTO dead (seq, attempts, error, died_at)
         SELECT seq, 10, 'error ' || (seq % 16), 0 FROM event WHERE seq % 4 = 0;
         COMMIT"
    );
    connection.execute_batch(&sql).unwrap();
    drop(connection);
    (open(&path, record).await, path)
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
    /// Asks, and returns how many events the answer is about.
    async fn of(&self, store: &SqliteStore) -> usize {
        match self {
            Self::Glance => {
                let glance = store.glance(AT_MOST).await.unwrap();
                assert!(glance.ready.events > 0 && glance.waiting.events > 0);
                1
            }
            Self::Last => usize::from(store.last().await.unwrap().is_some()),
            Self::Show(seq) => usize::from(store.show(*seq).await.unwrap().is_some()),
            Self::Look(filter, order) => {
                let page = Page {
                    order: *order,
                    ..Page::first(50)
                };
                let looked = store.look_through(filter, page, AT_MOST).await;
                looked.unwrap().listed.len()
            }
            Self::Count(filter) => {
                let count = store.count(filter, AT_MOST).await.unwrap();
                usize::try_from(count.events).unwrap()
            }
            Self::Groups(filter, by) => {
                let limits = GroupLimits {
                    groups: 20,
                    events: AT_MOST,
                };
                let groups = store.groups(filter, *by, limits).await.unwrap();
                usize::try_from(groups.count.events).unwrap()
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
        let filter = Filter {
            states: vec![state],
            ..Filter::default()
        };
        (state.as_str(), filter)
    });
    let others = [
        ("all", Filter::default()),
        (
            "by id",
            of(|filter| filter.event_id = Some("00000999".to_owned())),
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

/// The steps of an ask, and its statements.
async fn steps(store: &SqliteStore, ask: &Ask) -> (i64, BTreeSet<String>) {
    let taken = || {
        let mut ran = RAN.lock().unwrap();
        (
            std::mem::take(&mut ran.steps),
            std::mem::take(&mut ran.statements),
        )
    };
    taken();
    ask.of(store).await;
    taken()
}

/// The times of an ask on two stores, in turns.
async fn times(stores: [&SqliteStore; 2], ask: &Ask) -> [[Duration; ROUNDS]; 2] {
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

/// The statements that look through a part of a table read it in its order, and sort no more than that part.
fn whole_tables(path: &Path, statements: &BTreeSet<String>) -> Vec<(String, String)> {
    let connection = Connection::open(path).unwrap();
    let selects = statements.iter().filter(|sql| sql.starts_with("SELECT"));
    let read = selects.flat_map(|sql| {
        let tables = reads(&connection, sql).into_iter();
        tables.map(move |table| (table, sql.clone()))
    });
    read.filter(|(table, sql)| !may_read(sql, table)).collect()
}

#[tokio::test]
async fn a_million_events_cost_a_page_no_more_than_a_thousand() {
    let (small, small_path) = filled(1_000).await;
    let (large, large_path) = filled(1_000_000).await;
    let mut slow = Vec::new();
    let mut statements = BTreeSet::new();
    let mut totals = Totals::default();
    for (name, ask) in asks() {
        let (small_steps, _) = steps(&small, &ask).await;
        let (large_steps, ran) = steps(&large, &ask).await;
        statements.extend(ran);
        totals.add(times([&small, &large], &ask).await);
        let measured = format!("{name}: {small_steps}, {large_steps} steps");
        println!("{measured}");
        if large_steps > MAX_RATIO * small_steps {
            slow.push(measured);
        }
    }
    let [small_time, large_time] = totals.middle();
    println!("together: {small_time:?}, {large_time:?}");
    let whole = whole_tables(&large_path, &statements);
    for (store, path) in [(small, small_path), (large, large_path)] {
        drop(store);
        remove(&path);
    }
    assert!(slow.is_empty(), "{slow:#?}");
    assert!(whole.is_empty(), "{whole:#?}");
    let most = small_time * u32::try_from(MAX_RATIO).unwrap();
    assert!(large_time <= most, "{small_time:?}, {large_time:?}");
}
