//! The server of the tests, which one process starts once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use lark_events_inbox::StoreError;
use lark_events_inbox_postgres::PostgresStore;
use lark_events_test_servers::Postgres;

use crate::webhook::App;

/// The server; `None` where there is none, which is an error in CI.
pub(crate) fn server(what: &str) -> Option<&'static Postgres> {
    static SERVER: OnceLock<Option<Postgres>> = OnceLock::new();
    SERVER
        .get_or_init(|| Postgres::start_or_skip(what))
        .as_ref()
}

/// A new database.
pub(crate) fn database(server: &Postgres) -> String {
    static DATABASES: AtomicUsize = AtomicUsize::new(0);
    let number = DATABASES.fetch_add(1, Ordering::Relaxed);
    server.create_database(&format!("test_{number}"))
}

/// A store with tables of its own.
pub(crate) async fn open(server: &Postgres) -> Arc<PostgresStore> {
    static SCHEMAS: AtomicUsize = AtomicUsize::new(0);
    let schema = format!("inbox_{}", SCHEMAS.fetch_add(1, Ordering::Relaxed));
    let store = PostgresStore::builder(server.url()).schema(schema);
    Arc::new(store.connect().await.unwrap())
}

impl App<PostgresStore> {
    pub(crate) async fn on(url: impl Into<String>) -> Self {
        Self::with(PostgresStore::connect(url).await.unwrap()).await
    }
}

/// What a failure says besides its kind.
pub(crate) fn cause(error: &StoreError) -> String {
    std::error::Error::source(error).unwrap().to_string()
}
