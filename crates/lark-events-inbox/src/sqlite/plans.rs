//! The query plans of all statements that the store runs: none reads a whole table that grows, except
//! those that are listed here with their reason.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use lark_events::{Delivery, EventHeader, RawJson};
use lark_events_layers::DedupStore;
use lark_events_layers::run::Counter;
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use rusqlite::{Connection, params_from_iter};

use super::connection::{Access, Database};
use super::{SqliteStore, create, schema};
use crate::admin::{Admin, Filter, GroupLimits, Grouping, Order, Page, State};
use crate::store::{AttemptOutcome, Entry, Settled, Settlement, Store, WorkerId, WorkerState};

/// The look for the end of a part of a list.
const FIRST_ROWS: &str = "SELECT seq FROM (SELECT * FROM (SELECT seq FROM ";

/// Whether a statement may read all of a table, or sort.
pub(super) fn may_read(sql: &str, table: &str) -> bool {
    let condition = sql.split_once(" WHERE ").map_or("", |(_, after)| after);
    match table {
        // A row for each worker of the last day.
        "worker" => true,
        "task" | "dead" if sql == format!("SELECT count(*) FROM {table}") => true,
        // The first rows in the order of their numbers.
        "task" | "dead" | "event" => {
            sql.starts_with(FIRST_ROWS)
                || sql.contains(&format!("(SELECT * FROM {table} ORDER BY seq LIMIT "))
        }
        // A list of what is not finished reads its table in order, until the page is full.
        "t" => sql.contains("FROM task t CROSS JOIN"),
        "d" => sql.contains("FROM dead d CROSS JOIN"),
        // A list with finished events reads the log alike.
        "e" => !["d.seq IS NOT NULL", "t.is_head", "t.fence", "instr("]
            .iter()
            .any(|unfinished| condition.contains(unfinished)),
        // A list from both tables sorts a page of each.
        "USE TEMP B-TREE FOR ORDER BY" if sql.starts_with("SELECT * FROM (SELECT") => true,
        // The first rows of each table.
        "USE TEMP B-TREE FOR ORDER BY" if sql.starts_with(FIRST_ROWS) => true,
        // Counting groups.
        sort if sort.starts_with("USE TEMP B-TREE FOR") => sql.contains("GROUP BY value"),
        // The result of a part, whose tables are looked at too.
        part => part.starts_with('('),
    }
}

static STATEMENTS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn record(event: TraceEvent<'_>) {
    if let TraceEvent::Stmt(_, sql) = event {
        STATEMENTS.lock().unwrap().insert(sql.to_owned());
    }
}

fn traced(connection: &mut Connection, record: fn(TraceEvent<'_>)) {
    let begun_and_ended =
        TraceEventCodes::SQLITE_TRACE_STMT | TraceEventCodes::SQLITE_TRACE_PROFILE;
    connection.trace_v2(begun_and_ended, Some(record)).unwrap();
}

/// A store that records its statements.
pub(super) async fn open(path: &Path, record: fn(TraceEvent<'_>)) -> SqliteStore {
    let path: Arc<Path> = path.into();
    create(&path).unwrap();
    let migrate = move |connection: &mut Connection| {
        schema::migrate(connection)?;
        traced(connection, record);
        Ok(())
    };
    let writer = Database::open(Arc::clone(&path), Access::Write, migrate).await;
    let trace = move |connection: &mut Connection| {
        traced(connection, record);
        Ok(())
    };
    let reader = Database::open(Arc::clone(&path), Access::Read, trace).await;
    SqliteStore {
        path,
        retention: SqliteStore::DEFAULT_RETENTION,
        writer: writer.unwrap(),
        reader: reader.unwrap(),
        signal: Arc::default(),
        last: AtomicI64::new(0),
        claims: Counter::default(),
    }
}

pub(super) fn entry(id: u32, lane: Option<&str>) -> Entry {
    let mut header = EventHeader::new("testing.plan_v1");
    header.event_id = Some(id.to_string());
    let mut entry = Entry::new(Delivery::new(header, RawJson::default()));
    entry.key = Some(id.to_string());
    entry.lane = lane.map(ToOwned::to_owned);
    entry
}

const MINUTE: Duration = Duration::from_mins(1);
const ALL: Page = Page::first(100);

/// Calls everything that the store can do, and every end of a claim.
async fn call_all(store: &SqliteStore) {
    let entries = [None, Some("a"), Some("a"), Some("b"), None];
    let entries = (0..).zip(entries).map(|(id, lane)| entry(id, lane));
    store.append(entries.collect()).await.unwrap();
    store.append(vec![entry(0, None)]).await.unwrap();
    for settled in [
        Settled::Done,
        Settled::Dead,
        Settled::RetryIn(Duration::ZERO),
        Settled::Release(Duration::ZERO),
        Settled::SetAside(Duration::ZERO),
    ] {
        let claimed = Store::claim(store, 1, MINUTE).await.unwrap();
        let fence = claimed[0].fence;
        assert_eq!(store.extend(&[fence], MINUTE).await.unwrap(), [true]);
        let settlement = Settlement::new(fence, settled, AttemptOutcome::Failed);
        assert_eq!(store.settle(vec![settlement]).await.unwrap(), [true]);
    }
    store.woken().await;
    let _ = store.status().await.unwrap();
    let worker = WorkerId::draw();
    for state in [WorkerState::Running, WorkerState::Stopped] {
        store.heartbeat(worker, state).await.unwrap();
    }
    operate(store).await;
    for owner in [1, 2] {
        DedupStore::claim(store, "key", owner, MINUTE)
            .await
            .unwrap();
        store.release("key", owner).await.unwrap();
    }
    let outcome = lark_events::Outcome::Handled;
    store.done("key", outcome, MINUTE).await.unwrap();
}

/// Every operation of an operator, and every filter with every state.
async fn operate(store: &SqliteStore) {
    let text = || Some("text".to_owned());
    let mut filters = vec![Filter::default(); 10];
    filters[1].seq = Some(1);
    filters[2].app_id = text();
    filters[3].event_type = text();
    filters[4].event_id = text();
    filters[5].tenant_key = text();
    filters[6].lane = text();
    filters[7].error = text();
    filters[8].since = Some(SystemTime::UNIX_EPOCH);
    filters[8].until = Some(SystemTime::UNIX_EPOCH);
    filters[9].error_is = text();
    let states = [
        vec![],
        vec![State::Ready],
        vec![State::Waiting],
        vec![State::Leased],
        vec![State::Dead],
        vec![State::Done],
        vec![State::Ready, State::Waiting, State::Leased],
        vec![State::Dead, State::Waiting],
    ];
    let next = Page {
        after: Some(1),
        ..ALL
    };
    let _ = store.glance(10).await.unwrap();
    for filter in &filters {
        for states in &states {
            let mut filter = filter.clone();
            filter.states.clone_from(states);
            for page in [ALL, next] {
                for order in [Order::OldestFirst, Order::NewestFirst] {
                    let page = Page { order, ..page };
                    store.list(&filter, page).await.unwrap();
                    store.look_through(&filter, page, 10).await.unwrap();
                }
            }
            store.count(&filter, 10).await.unwrap();
            if !states.is_empty() && !states.contains(&State::Done) {
                for by in [Grouping::EventType, Grouping::Error, Grouping::Lane] {
                    let limits = GroupLimits::all(10);
                    store.groups(&filter, by, limits).await.unwrap();
                }
            }
        }
        store.retry(filter, 1).await.unwrap();
        store.discard(filter, 1).await.unwrap();
        store.replay(filter, 1).await.unwrap();
    }
    store.show(1).await.unwrap();
    store.prune(MINUTE).await.unwrap();
}

/// The tables that a statement reads, rather than looking up rows in them.
pub(super) fn reads(connection: &Connection, sql: &str) -> Vec<String> {
    let plan = format!("EXPLAIN QUERY PLAN {sql}");
    let mut plan = connection.prepare(&plan).unwrap();
    // A plan does not depend on the values.
    let values = vec![1; plan.parameter_count()];
    let steps = plan.query_map(params_from_iter(values), |row| row.get("detail"));
    let steps: Vec<String> = steps.unwrap().map(Result::unwrap).collect();
    let reads = steps.iter().filter_map(|step| {
        let mut words = step.split(' ');
        let (verb, table) = (words.next()?, words.next()?);
        // A sort reads all rows that match before it returns the first.
        let sorts = step.contains("TEMP B-TREE");
        // A part of the log after a row of it is as long as the log.
        let is_tail = verb == "SEARCH" && step.ends_with("PRIMARY KEY (rowid>?)");
        (verb == "SCAN" || sorts || is_tail).then(|| if sorts { step } else { table })
    });
    reads.map(ToOwned::to_owned).collect()
}

/// A file of this process for a store.
pub(super) fn new_path(name: &str) -> PathBuf {
    let name = format!("lark-events-{name}-{}.db", std::process::id());
    std::env::temp_dir().join(name)
}

/// Removes the files of a store.
pub(super) fn remove(path: &Path) {
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", path.display()));
    }
}

/// The setting of the transactions that begin now.
static SYNCHRONOUS: Mutex<&str> = Mutex::new("FULL");

fn record_synchronous(event: TraceEvent<'_>) {
    if let TraceEvent::Stmt(_, sql) = event
        && sql.contains("synchronous")
    {
        let levels = ["NORMAL", "FULL"];
        let level = levels.into_iter().find(|level| sql.contains(level));
        *SYNCHRONOUS.lock().unwrap() = level.unwrap_or("other");
    }
}

#[tokio::test]
async fn a_call_that_may_not_be_lost_is_synced() {
    let path = new_path("synchronous");
    let store = open(&path, record_synchronous).await;
    let mut levels = Vec::new();
    macro_rules! level {
        ($($call:ident($($argument:expr),*)),*) => {$(
            let _ = store.$call($($argument),*).await.unwrap();
            levels.push((stringify!($call), *SYNCHRONOUS.lock().unwrap()));
        )*};
    }
    // Each after a claim, which is not synced.
    let mut claimed = Vec::new();
    macro_rules! after_claim {
        ($($call:ident($($argument:expr),*)),*) => {$(
            level!(append(vec![entry(claimed.len().try_into().unwrap(), None)]));
            claimed.push(Store::claim(&store, 1, MINUTE).await.unwrap()[0].fence);
            assert_eq!(*SYNCHRONOUS.lock().unwrap(), "NORMAL");
            level!($call($($argument),*));
        )*};
    }
    let done = |fence| Settlement::new(fence, Settled::Done, AttemptOutcome::Handled);
    after_claim!(
        extend(&claimed, MINUTE),
        settle(vec![done(claimed[1])]),
        heartbeat(WorkerId::draw(), WorkerState::Running),
        retry(&Filter::default(), 1),
        discard(&Filter::default(), 1),
        replay(&Filter::default(), 1),
        prune(MINUTE),
        prune_some(),
        release("key", 1)
    );
    let outcome = lark_events::Outcome::Handled;
    after_claim!(done("key", outcome, MINUTE));
    let mut unsynced: Vec<_> = levels
        .iter()
        .filter(|(_, level)| *level != "FULL")
        .collect();
    assert_eq!(unsynced.pop(), Some(&("extend", "NORMAL")));
    assert_eq!(unsynced, Vec::<&(&str, &str)>::new());
    remove(&path);
}

#[tokio::test]
async fn no_statement_reads_a_whole_table_that_grows() {
    let path = new_path("plans");
    let store = open(&path, record).await;
    call_all(&store).await;
    let statements = STATEMENTS.lock().unwrap().clone();
    let connection = Connection::open(&path).unwrap();
    let mut unexpected = Vec::new();
    let explained = ["SELECT", "INSERT", "UPDATE", "DELETE"];
    let explained = statements
        .iter()
        .filter(|sql| explained.iter().any(|verb| sql.starts_with(verb)));
    for sql in explained.clone() {
        for table in reads(&connection, sql) {
            if !may_read(sql, &table) {
                unexpected.push((table, sql));
            }
        }
    }
    remove(&path);
    assert!(explained.count() > 100, "{statements:#?}");
    assert!(unexpected.is_empty(), "{unexpected:#?}");
}
