//! What operators see and do, on every store: filters, groups, ranges; and the files of stores as tools see
//! them.

use std::time::Duration;

use lark_events_inbox::{
    Admin, AttemptOutcome, Entry, Filter, Group, Grouping, Page, Settled, Settlement, State,
    Store as _, VolatileStore, WorkerId, WorkerState,
};

use crate::app::{SECOND, event};

const ALL: Page = Page {
    after: None,
    limit: 100,
};

/// Appends 30 events: of each three one is finished or dead, one is retried or claimed, and one waits.
async fn fill(store: &impl Admin) {
    let worker = WorkerId::draw();
    store.heartbeat(worker, WorkerState::Running).await.unwrap();
    for id in 0..30_u64 {
        let mut delivery = event(Some("t"), id);
        delivery.header.event_type = format!("testing.thing_{}.happened_v1", id % 2);
        delivery.header.app_id = Some(format!("cli_{}", id % 4));
        let mut entry = Entry::new(delivery);
        entry.lane = (id % 3 == 2).then(|| "lane".to_owned());
        store.append(vec![entry]).await.unwrap();
    }
    for claimed in store.claim(20, 60 * SECOND).await.unwrap() {
        let settled = match claimed.fence.seq() % 5 {
            0 => continue,
            1 => Settled::RetryIn(60 * SECOND),
            2 => Settled::Done,
            _ => Settled::Dead,
        };
        let mut settlement = Settlement::new(claimed.fence, settled, AttemptOutcome::Failed);
        let number = claimed.fence.seq() % 2;
        settlement.error = (claimed.fence.seq() != 4).then(|| format!("error {number}: 50%_"));
        assert_eq!(store.settle(vec![settlement]).await.unwrap(), [true]);
    }
}

fn filters() -> Vec<Filter> {
    let mut filters = vec![Filter::default()];
    for state in State::ALL {
        let mut filter = Filter::default();
        filter.states = vec![state];
        filters.push(filter.clone());
        filter.states = State::ALL.into_iter().filter(|it| *it != state).collect();
        filters.push(filter.clone());
        filter.from_seq = Some(5);
        filter.to_seq = Some(24);
        filters.push(filter.clone());
        filter.app_id = Some("cli_1".to_owned());
        filters.push(filter.clone());
        filter.event_id = Some("7".to_owned());
        filters.push(filter);
    }
    let set: [fn(&mut Filter); 7] = [
        |filter| filter.error = Some("1: 50%".to_owned()),
        |filter| filter.error = Some("_0".to_owned()),
        |filter| filter.lane = Some("lane".to_owned()),
        |filter| filter.tenant_key = Some("other".to_owned()),
        |filter| filter.seq = Some(8),
        |filter| filter.to_seq = Some(u64::MAX),
        |filter| filter.from_seq = Some(u64::MAX),
    ];
    for set in set {
        let mut filter = Filter::default();
        set(&mut filter);
        filters.push(filter.clone());
        filter.states = vec![State::Dead, State::Waiting];
        filters.push(filter);
    }
    filters
}

async fn lists_what_a_filter_matches(store: &impl Admin) {
    fill(store).await;
    let all = store.list(&Filter::default(), ALL).await.unwrap();
    assert!(all.len() >= 26, "{}", all.len());
    for filter in filters() {
        let listed = store.list(&filter, ALL).await.unwrap();
        let listed: Vec<_> = listed.iter().map(|one| (one.seq, one.state)).collect();
        let expected = all.iter().filter(|one| filter.matches(one));
        let expected: Vec<_> = expected.map(|one| (one.seq, one.state)).collect();
        assert_eq!(listed, expected, "{filter:?}");
        let mut paged = Vec::new();
        let mut after = None;
        loop {
            let page = Page { after, limit: 3 };
            let listed = store.list(&filter, page).await.unwrap();
            let Some(last) = listed.last() else {
                break;
            };
            after = Some(last.seq);
            paged.extend(listed.iter().map(|one| (one.seq, one.state)));
        }
        assert_eq!(paged, expected, "{filter:?}");
        for by in [Grouping::EventType, Grouping::Error] {
            let groups = store.groups(&filter, by, 100).await.unwrap();
            let sum: u64 = groups.iter().map(|group| group.count).sum();
            assert_eq!(sum, expected.len() as u64, "{filter:?}");
            assert!(groups.is_sorted_by_key(|group| std::cmp::Reverse(group.count)));
        }
    }
}

async fn groups_dead_letters(store: &impl Admin) {
    fill(store).await;
    let mut dead = Filter::default();
    dead.states = vec![State::Dead];
    let groups = async |by, limit| store.groups(&dead, by, limit).await.unwrap();
    let by_error = groups(Grouping::Error, 10).await;
    let error = |number: u64| Some(format!("error {number}: 50%_"));
    let expected = [(error(1), 4), (error(0), 3), (None, 1)];
    let expected = expected.map(|(value, count)| Group::new(value, count));
    assert_eq!(by_error, expected);
    assert_eq!(groups(Grouping::Error, 1).await, expected[..1]);
    let by_type = groups(Grouping::EventType, 10).await;
    let types: Vec<_> = by_type.iter().map(|group| group.count).collect();
    assert_eq!(types, [4, 4]);
}

#[tokio::test]
async fn a_store_in_memory_lists_and_groups() {
    lists_what_a_filter_matches(&VolatileStore::new()).await;
    groups_dead_letters(&VolatileStore::new()).await;
}

#[tokio::test(start_paused = true)]
async fn the_lag_is_how_long_the_next_event_has_been_ready() {
    let store = VolatileStore::new();
    let lag = async || store.status().await.unwrap().lag;
    assert_eq!(lag().await, None);
    let worker = WorkerId::draw();
    store.heartbeat(worker, WorkerState::Running).await.unwrap();
    store
        .append(vec![Entry::new(event(None, 1))])
        .await
        .unwrap();
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(store.status().await.unwrap().lag, Some(5 * SECOND));
    let claimed = store.claim(1, 60 * SECOND).await.unwrap();
    assert_eq!(store.status().await.unwrap().lag, None);
    let later = Settled::RetryIn(5 * SECOND);
    let settlement = Settlement::new(claimed[0].fence, later, AttemptOutcome::Failed);
    store.settle(vec![settlement]).await.unwrap();
    tokio::time::sleep(4 * SECOND).await;
    assert_eq!(store.status().await.unwrap().lag, None);
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(store.status().await.unwrap().lag, Some(SECOND));
}

#[cfg(feature = "sqlite")]
mod in_a_file {
    use lark_events_inbox::{SqliteFile, SqliteStore, StoreErrorKind};
    use rusqlite::Connection;

    use super::*;
    use crate::files::Folder;

    async fn open(folder: &Folder) -> SqliteStore {
        SqliteStore::open(folder.file("events.db")).await.unwrap()
    }

    #[tokio::test]
    async fn a_store_in_a_file_lists_and_groups() {
        let folder = Folder::new();
        lists_what_a_filter_matches(&open(&folder).await).await;
        let folder = Folder::new();
        groups_dead_letters(&open(&folder).await).await;
    }

    #[tokio::test]
    async fn the_lag_of_a_store_in_a_file_counts_only_ready_events() {
        let folder = Folder::new();
        let store = open(&folder).await;
        let lag = async || store.status().await.unwrap().lag;
        assert_eq!(lag().await, None);
        store
            .append(vec![Entry::new(event(None, 1))])
            .await
            .unwrap();
        assert!(lag().await.is_some());
        store.claim(1, 60 * SECOND).await.unwrap();
        assert_eq!(lag().await, None);
    }

    #[tokio::test]
    async fn the_steps_of_a_migration_create_the_tables_of_a_store() {
        let folder = Folder::new();
        drop(open(&folder).await);
        let by_hand = folder.file("by-hand.db");
        std::fs::write(&by_hand, "").unwrap();
        let file = SqliteFile::new(&by_hand);
        assert_eq!(file.version().await.unwrap(), 0);
        let steps = SqliteFile::migration(0);
        assert_eq!(steps.len(), SqliteFile::VERSION as usize);
        for step in steps {
            let connection = Connection::open(&by_hand).unwrap();
            connection.execute_batch(&step).unwrap();
        }
        assert_eq!(file.version().await.unwrap(), SqliteFile::VERSION);
        assert_eq!(SqliteFile::migration(SqliteFile::VERSION), [""; 0]);
        let tables = |name: &str| {
            let connection = Connection::open(folder.file(name)).unwrap();
            let sql = "SELECT coalesce(sql, name) FROM sqlite_schema ORDER BY name";
            let mut tables = connection.prepare(sql).unwrap();
            let tables = tables.query_map((), |row| row.get(0)).unwrap();
            tables.map(Result::unwrap).collect::<Vec<String>>()
        };
        assert_eq!(tables("by-hand.db"), tables("events.db"));
        let opened = SqliteStore::builder(by_hand).without_migration().open();
        opened.await.unwrap();
    }

    #[tokio::test]
    async fn tools_change_no_file_of_another_version_and_none_of_another_program() {
        let folder = Folder::new();
        for (name, sql, kind) in [
            (
                "empty.db",
                "PRAGMA user_version = 0",
                StoreErrorKind::Version,
            ),
            (
                "other.db",
                "CREATE TABLE users (name)",
                StoreErrorKind::Corrupt,
            ),
            (
                "newer.db",
                "PRAGMA application_id = 1282099566; PRAGMA user_version = 99",
                StoreErrorKind::Version,
            ),
        ] {
            let path = folder.file(name);
            let connection = Connection::open(&path).unwrap();
            connection.execute_batch(sql).unwrap();
            drop(connection);
            let before = std::fs::read(&path).unwrap();
            let tool = SqliteStore::builder(&path).existing().without_migration();
            assert_eq!(tool.open().await.unwrap_err().kind(), kind, "{name}");
            let _ = SqliteFile::new(&path).version().await;
            let _ = SqliteFile::new(&path).quick_check().await;
            assert!(std::fs::read(&path).unwrap() == before, "{name}");
        }
        let path = folder.file("other.db");
        let before = std::fs::read(&path).unwrap();
        SqliteStore::open(&path).await.unwrap_err();
        assert!(
            std::fs::read(&path).unwrap() == before,
            "not even its journal"
        );
        let missing = SqliteFile::new(folder.file("missing.db"));
        let error = missing.version().await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        assert!(!folder.file("missing.db").exists());
    }

    #[tokio::test]
    async fn a_damaged_file_is_found() {
        let folder = Folder::new();
        let store = open(&folder).await;
        for batch in 0..20 {
            let entries = (0..100).map(|id| Entry::new(event(None, batch * 100 + id)));
            store.append(entries.collect()).await.unwrap();
        }
        let file = SqliteFile::new(folder.file("events.db"));
        assert_eq!(file.quick_check().await.unwrap(), [""; 0]);
        drop(store);
        // The write-ahead log ends with the last connection, in a thread of its own.
        while folder.file("events.db-wal").exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut bytes = std::fs::read(folder.file("events.db")).unwrap();
        let middle = bytes.len() / 2 / 4096 * 4096;
        bytes[middle..middle + 4096].fill(0xa5);
        std::fs::write(folder.file("events.db"), bytes).unwrap();
        let problems = file.quick_check().await;
        assert!(problems.is_err() || !problems.unwrap().is_empty());
    }
}
