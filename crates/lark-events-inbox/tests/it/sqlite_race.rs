//! The head of a lane is chosen within the write lock. A variant that looks before it has the lock leaves
//! a lane that nobody ever claims from; the check that finds this passes for the store under load.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lark_events_inbox::{
    Admin as _, AttemptOutcome, Claimed, Entry, Filter, Page, Settled, Settlement, SqliteStore,
    State, Store,
};
use rusqlite::{Connection, params};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::app::{SECOND, event};
use crate::files::Folder;

/// The lanes with tasks that do not have exactly one head.
fn broken_lanes(file: &Connection) -> Vec<(String, u32)> {
    let sql = "SELECT lane, sum(is_head) FROM task WHERE lane IS NOT NULL
        GROUP BY lane HAVING sum(is_head) <> 1";
    let mut broken = file.prepare_cached(sql).unwrap();
    let broken = broken.query_map((), |row| Ok((row.get(0)?, row.get(1)?)));
    broken.unwrap().map(Result::unwrap).collect()
}

/// Looks at a lane before it takes the write lock.
struct Racy(Connection);

impl Racy {
    fn open(path: &Path) -> Self {
        Self(Connection::open(path).unwrap())
    }

    /// The first half of an append: whether the lane is empty, so that the event becomes its head.
    fn is_empty(&self, lane: &str) -> bool {
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM task WHERE lane = ?1)";
        self.0.query_row(sql, [lane], |row| row.get(0)).unwrap()
    }

    /// The second half.
    fn append(&self, lane: &str, is_head: bool) {
        self.0.execute_batch("BEGIN IMMEDIATE").unwrap();
        let event =
            "INSERT INTO event (event_type, lane, transport, received_at, keep_until, document)
            VALUES ('testing.racy_v1', ?1, 'local', 0, 0, '{}')";
        let event = event.replace("'{}'", "x'7b7d'");
        self.0.execute(&event, [lane]).unwrap();
        let task = "INSERT INTO task (seq, lane, is_head, visible_at) VALUES (?1, ?2, ?3, 0)";
        let seq = self.0.last_insert_rowid();
        self.0.execute(task, params![seq, lane, is_head]).unwrap();
        self.0.execute_batch("COMMIT").unwrap();
    }

    /// The first half of a settlement: the event behind the head.
    fn next(&self, lane: &str) -> Option<i64> {
        let sql = "SELECT min(seq) FROM task WHERE lane = ?1 AND is_head = 0";
        self.0.query_row(sql, [lane], |row| row.get(0)).unwrap()
    }

    /// The second half.
    fn settle(&self, lane: &str, next: Option<i64>) {
        self.0.execute_batch("BEGIN IMMEDIATE").unwrap();
        let done = "DELETE FROM task WHERE lane = ?1 AND is_head = 1";
        self.0.execute(done, [lane]).unwrap();
        let promote = "UPDATE task SET is_head = 1 WHERE seq = ?1";
        self.0.execute(promote, [next]).unwrap();
        self.0.execute_batch("COMMIT").unwrap();
    }
}

#[tokio::test]
async fn a_head_that_is_chosen_before_the_write_lock_leaves_a_lane_without_one() {
    let folder = Folder::new();
    let path = folder.file("events.db");
    drop(SqliteStore::open(&path).await.unwrap());
    let (appends, settles) = (Racy::open(&path), Racy::open(&path));

    // One after the other, both keep the lanes in order.
    for _ in 0..2 {
        let is_empty = appends.is_empty("lane");
        appends.append("lane", is_empty);
    }
    let next = settles.next("lane");
    settles.settle("lane", next);
    assert_eq!(broken_lanes(&appends.0), []);

    // The lane becomes empty after the append has looked.
    let is_empty = appends.is_empty("lane");
    let next = settles.next("lane");
    settles.settle("lane", next);
    appends.append("lane", is_empty);
    assert_eq!(broken_lanes(&appends.0), [("lane".to_owned(), 0)]);

    // An event is appended after the settlement has looked.
    let is_empty = appends.is_empty("other");
    appends.append("other", is_empty);
    let next = settles.next("other");
    let is_empty = appends.is_empty("other");
    appends.append("other", is_empty);
    settles.settle("other", next);
    assert_eq!(broken_lanes(&appends.0).len(), 2);

    // Nobody ever claims them.
    let store = SqliteStore::open(&path).await.unwrap();
    let claimed = Store::claim(&store, 10, 60 * SECOND).await.unwrap();
    assert!(claimed.is_empty(), "{claimed:?}");
    assert_eq!(store.status().await.unwrap().waiting, 2);
}

const LANES: usize = 6;
/// Of each lane.
const EVENTS: usize = 500;
/// The number of events in an append.
const BATCH: usize = 5;

/// Two stores on one file, as in two processes.
struct Load {
    path: PathBuf,
    /// The lanes and numbers of finished events, in order.
    finished: Mutex<Vec<(String, u64)>>,
}

impl Load {
    async fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.path).await.unwrap()
    }

    /// Appends all events of some lanes, in order.
    async fn append(self: Arc<Self>, lanes: impl Iterator<Item = usize>) {
        let store = self.open().await;
        let lanes: Vec<_> = lanes.collect();
        for first in (0..EVENTS).step_by(BATCH) {
            for lane in &lanes {
                let batch = (first..first + BATCH).map(|number| {
                    let mut entry = Entry::new(event(None, number));
                    entry.lane = Some(lane.to_string());
                    entry
                });
                store.append(batch.collect()).await.unwrap();
            }
        }
    }

    fn is_over(&self) -> bool {
        self.finished.lock().unwrap().len() == LANES * EVENTS
    }

    /// Claims and settles, in several ways, until all events are finished. Returns how many it has
    /// finished.
    async fn work(self: Arc<Self>, first: usize) -> usize {
        let store = self.open().await;
        let (mut round, mut finished) = (first, 0);
        while !self.is_over() {
            let claimed = Store::claim(&store, 4, 60 * SECOND).await.unwrap();
            let mut settlements = Vec::new();
            for claimed in claimed {
                round += 1;
                let settled = match round % 7 {
                    0 => Settled::RetryIn(Duration::ZERO),
                    1 => Settled::Release(Duration::ZERO),
                    2 => Settled::Dead,
                    _ => Settled::Done,
                };
                if matches!(settled, Settled::Dead | Settled::Done) {
                    // Before the next of its lane can be claimed.
                    let named = lane_and_number(&claimed);
                    self.finished.lock().unwrap().push(named);
                    finished += 1;
                }
                let outcome = AttemptOutcome::Handled;
                settlements.push(Settlement::new(claimed.fence, settled, outcome));
            }
            let held = store.settle(settlements).await.unwrap();
            assert!(held.iter().all(|held| *held), "no claim was lost");
        }
        finished
    }
}

fn lane_and_number(claimed: &Claimed) -> (String, u64) {
    let lane = claimed.entry.lane.clone();
    (lane.unwrap(), claimed.fence.seq())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_lane_has_one_head_while_two_stores_write() {
    let folder = Folder::new();
    let load = Arc::new(Load {
        path: folder.file("events.db"),
        finished: Mutex::default(),
    });
    let store = load.open().await;
    let file = Connection::open(&load.path).unwrap();
    let mut appending = JoinSet::new();
    let mut working = JoinSet::new();
    for first in [0, 1] {
        appending.spawn(Arc::clone(&load).append((first..LANES).step_by(2)));
        working.spawn(Arc::clone(&load).work(first));
    }
    let mut looks = 0;
    let all = async {
        while !load.is_over() {
            assert_eq!(broken_lanes(&file), []);
            looks += 1;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        appending.join_all().await;
        working.join_all().await
    };
    let all = timeout(120 * SECOND, all).await;
    let finished = all.expect("no event is stuck in its lane");
    assert!(looks > 10, "{looks}");
    assert_eq!(broken_lanes(&file), []);
    assert!(finished.iter().all(|finished| *finished > 10), "both work");
    let finished = load.finished.lock().unwrap().clone();
    for lane in 0..LANES {
        let lane = lane.to_string();
        let of_lane = finished.iter().filter(|(name, _)| *name == lane);
        assert!(of_lane.is_sorted(), "in the order of the appends");
    }
    let status = store.status().await.unwrap();
    assert_eq!((status.ready, status.waiting, status.leased), (0, 0, 0));
    let mut dead = Filter::default();
    dead.states = vec![State::Dead];
    let page = Page::first(LANES * EVENTS);
    let dead = store.list(&dead, page).await.unwrap();
    assert_eq!(dead.len() as u64, status.dead);
}
