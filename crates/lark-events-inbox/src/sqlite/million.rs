//! What the first pages of an operator cost with a million events: the plans, the steps that SQLite takes, and the
//! times, against those with a thousand events.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rusqlite::trace::TraceEvent;
use rusqlite::{Connection, StatementStatus};

use super::plans::{entry, may_read, new_path, open, reads, remove};
use super::{SqliteStore, schema};
use crate::testing::first_pages::{Ask, Totals, asks};

/// The maximum of each ratio.
const MAX_RATIO: i64 = 3;
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
    let path = new_path(&events.to_string());
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
    for (name, ask) in asks("00000999") {
        let (small_steps, _) = steps(&small, &ask).await;
        let (large_steps, ran) = steps(&large, &ask).await;
        statements.extend(ran);
        totals.add([&small, &large], &ask).await;
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
