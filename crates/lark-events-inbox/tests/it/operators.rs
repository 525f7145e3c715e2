//! What operators see and do, on every store; and the files of stores as tools see them.

use std::time::Duration;

use lark_events_inbox::{
    AttemptOutcome, Entry, Settled, Settlement, Store as _, VolatileStore, WorkerId, WorkerState,
};

use crate::app::{SECOND, event};
use crate::listing::{groups_dead_letters, lists_what_a_filter_matches};

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
        // The connections of the store end in threads of their own. The last one leaves the write-ahead log if it
        // only reads.
        let file_itself = rusqlite::Connection::open(folder.file("events.db")).unwrap();
        let is_empty = || {
            let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
            file_itself.query_row(sql, (), |row| row.get::<_, i64>(0)) == Ok(0)
        };
        let emptied = async {
            while !is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), emptied)
            .await
            .unwrap();
        drop(file_itself);
        let mut bytes = std::fs::read(folder.file("events.db")).unwrap();
        let middle = bytes.len() / 2 / 4096 * 4096;
        bytes[middle..middle + 4096].fill(0xa5);
        std::fs::write(folder.file("events.db"), bytes).unwrap();
        let problems = file.quick_check().await;
        assert!(problems.is_err() || !problems.unwrap().is_empty());
    }
}
