//! Programs and tables of different versions.

use std::sync::Arc;

use lark_events_inbox::{AttemptOutcome, Entry, Settled, Settlement, Store, StoreErrorKind};
use lark_events_inbox_postgres::PostgresStore;

use crate::app::{SECOND, event};
use crate::server::{cause, database, server};

/// Appends an event, claims it and settles it.
async fn works(store: &PostgresStore, number: usize) {
    let entry = Entry::new(event(None, number));
    store.append(vec![entry]).await.unwrap();
    let claimed = Store::claim(store, 9, 60 * SECOND).await.unwrap();
    assert_eq!(claimed.len(), 1);
    let done = Settlement::new(claimed[0].fence, Settled::Done, AttemptOutcome::Handled);
    assert_eq!(store.settle(vec![done]).await.unwrap(), [true]);
}

#[tokio::test]
async fn programs_of_two_versions_work_beside_each_other() {
    let Some(server) = server("tables of a newer version on PostgreSQL") else {
        return;
    };
    let url = database(server);
    let connected = PostgresStore::connect(url.as_str()).await.unwrap();
    works(&connected, 1).await;
    // What a later version may do.
    let migration = "BEGIN;
        ALTER TABLE lark_inbox.event ADD COLUMN later integer NOT NULL DEFAULT 1;
        ALTER TABLE lark_inbox.task ADD COLUMN later text;
        UPDATE lark_inbox.version SET number = 2, usable_from = 1;
        COMMIT";
    server.psql_at(&url, migration);
    works(&connected, 2).await;
    let new = PostgresStore::connect(url.as_str()).await.unwrap();
    works(&new, 3).await;
    works(&connected, 4).await;
    let facts = PostgresStore::builder(url.as_str()).facts().await.unwrap();
    assert_eq!(
        (facts.version, facts.usable_from),
        (2, 1),
        "not migrated back"
    );
}

#[tokio::test]
async fn tables_of_another_version_are_an_error_that_says_what_to_do() {
    let Some(server) = server("tables of another version on PostgreSQL") else {
        return;
    };
    let url = database(server);
    let rejected = async |migrates: bool| {
        let builder = PostgresStore::builder(url.as_str());
        let builder = if migrates {
            builder
        } else {
            builder.without_migration()
        };
        let error = builder.connect().await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Version);
        cause(&error)
    };
    assert_eq!(
        rejected(false).await,
        "the schema lark_inbox has no tables of an inbox: run `lark-events inbox migrate`"
    );

    let connected = PostgresStore::connect(url.as_str()).await.unwrap();
    works(&connected, 1).await;
    server.psql_at(
        &url,
        "UPDATE lark_inbox.version SET number = 2, usable_from = 2",
    );
    for migrates in [false, true] {
        let expected = "the schema lark_inbox has version 2 of the tables, which is newer than this program: update it";
        assert_eq!(rejected(migrates).await, expected);
    }
    // One that is connected goes on until it connects again.
    works(&connected, 2).await;
    server.psql_at(
        &url,
        "UPDATE lark_inbox.version SET number = 0, usable_from = 0",
    );
    let expected = "the tables of the schema lark_inbox have version 0, expected version 1: run `lark-events inbox migrate`";
    assert_eq!(rejected(false).await, expected);
    server.psql_at(&url, "DROP TABLE lark_inbox.event CASCADE");
    let entry = vec![Entry::new(event(None, 1))];
    let error = connected.append(entry).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Version);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_that_start_at_once_create_the_tables_once() {
    let Some(server) = server("migrations at once on PostgreSQL") else {
        return;
    };
    let url = Arc::new(database(server));
    let mut starting = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let url = Arc::clone(&url);
        starting.spawn(async move { PostgresStore::connect(url.as_str()).await.map(drop) });
    }
    for started in starting.join_all().await {
        started.unwrap();
    }
    assert_eq!(
        server.psql_at(&url, "SELECT count(*) FROM lark_inbox.version"),
        "1"
    );
}

#[tokio::test]
async fn the_script_of_a_migration_creates_the_tables_of_a_store() {
    let Some(server) = server("the script of a migration on PostgreSQL") else {
        return;
    };
    let url = database(server);
    let builder = PostgresStore::builder(url.as_str()).schema("by_hand");
    let steps = builder.migration(0).unwrap();
    assert_eq!(steps.len(), PostgresStore::VERSION as usize);
    for step in steps {
        server.psql_at(&url, &step);
    }
    assert!(
        builder
            .migration(PostgresStore::VERSION)
            .unwrap()
            .is_empty()
    );
    works(
        &builder.clone().without_migration().connect().await.unwrap(),
        1,
    )
    .await;
    let columns = |schema: &str| {
        let columns = format!(
            "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
             WHERE table_schema = '{schema}' ORDER BY 1, 2"
        );
        server.psql_at(&url, &columns)
    };
    drop(PostgresStore::connect(url.as_str()).await.unwrap());
    assert_eq!(columns("by_hand"), columns("lark_inbox"));
}
