//! What a long log and a deep lane cost the store in a file: ratios within one run, so that they hold on a
//! machine that does other things too. A store that reads all of either takes a hundred times as long.

use std::path::Path;
use std::time::Duration;

use lark_events_inbox::{
    Admin as _, AttemptOutcome, Filter, Page, Settled, Settlement, SqliteStore, State, Store,
};
use rusqlite::Connection;

use crate::app::{SECOND, event};
use crate::files::Folder;
use crate::ratio::{ROUNDS, assert_ratio, times};

/// Runs a script on the file that a store has open.
fn script(path: &Path, sql: &str) {
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch(&format!("PRAGMA synchronous = OFF; BEGIN; {sql}; COMMIT"))
        .unwrap();
}

/// Appends this many finished events.
fn log(path: &Path, events: u32) {
    let document = event(None, 0).to_document();
    let document = String::from_utf8(document.to_vec()).unwrap();
    let sql = format!(
        "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {events})
         INSERT INTO event (dedup_key, event_type, event_id, lane, transport, received_at, keep_until, document)
         SELECT printf('key %08d', n), 'testing.log_v1', printf('%08d', n), n % 100, 'local', n, n, CAST('{document}' AS BLOB)
         FROM number"
    );
    script(path, &sql);
}

/// Puts the first events into the queue, all in one lane.
fn lane(path: &Path, events: u32) {
    let sql = format!(
        "INSERT INTO task (seq, lane, is_head, visible_at)
         SELECT seq, 'lane', seq = 1, 0 FROM event WHERE seq <= {events}"
    );
    script(path, &sql);
}

struct Opened {
    store: SqliteStore,
    path: std::path::PathBuf,
    _folder: Folder,
}

async fn opened(events: u32) -> Opened {
    let folder = Folder::new();
    let path = folder.file("events.db");
    let store = SqliteStore::open(&path).await.unwrap();
    log(&path, events);
    Opened {
        store,
        path,
        _folder: folder,
    }
}

#[tokio::test]
async fn a_deep_lane_costs_no_more_than_a_short_one() {
    let small = opened(1_000).await;
    let large = opened(100_000).await;
    lane(&small.path, 10 + u32::try_from(ROUNDS).unwrap());
    lane(&large.path, 100_000);
    let work = async |store: &SqliteStore| {
        let claimed = Store::claim(store, 1, 60 * SECOND).await.unwrap();
        let fence = claimed[0].fence;
        let settlement = Settlement::new(fence, Settled::Done, AttemptOutcome::Handled);
        assert_eq!(store.settle(vec![settlement]).await.unwrap(), [true]);
    };
    let times = times([&small.store, &large.store], work).await;
    assert_ratio("claim and settle in a lane 100,000 deep", times);
}

#[tokio::test]
async fn a_long_log_costs_operators_no_more_than_a_short_one() {
    let small = opened(1_000).await;
    let large = opened(1_000_000).await;
    // The last ones, so that a list that reads the log finds them late.
    for path in [&small.path, &large.path] {
        let dead =
            "INSERT INTO dead SELECT seq, 10, 'an error', 0 FROM event ORDER BY seq DESC LIMIT 50";
        script(path, dead);
    }
    let stores = [&small.store, &large.store];
    let page = Page::first(50);
    let status = async |store: &SqliteStore| assert_eq!(store.status().await.unwrap().dead, 50);
    assert_ratio("status", times(stores, status).await);

    let mut dead = Filter::default();
    dead.states = vec![State::Dead];
    let mut retried = Filter::default();
    retried.states = vec![State::Dead, State::Waiting];
    let mut error = Filter::default();
    error.error = Some("an error".to_owned());
    let mut time = Filter::default();
    // The first hundred events.
    time.until = Some(std::time::SystemTime::UNIX_EPOCH + Duration::from_micros(101));
    let mut id = Filter::default();
    id.event_id = Some("00000999".to_owned());
    for (what, filter, expected) in [
        ("list", Filter::default(), 50),
        ("list of dead letters", dead, 50),
        ("list of dead letters and waiting events", retried, 50),
        ("list by error", error, 50),
        ("list by time", time, 50),
        ("list by event id", id, 1),
    ] {
        let list = async |store: &SqliteStore| {
            let listed = store.list(&filter, page).await.unwrap();
            assert_eq!(listed.len(), expected, "{what}");
        };
        assert_ratio(what, times(stores, list).await);
    }
}
