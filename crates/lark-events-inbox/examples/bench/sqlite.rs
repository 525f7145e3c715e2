//! The store in a file.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use lark_events::BoxError;
use lark_events_inbox::SqliteStore;
use rusqlite::{Connection, params};

use super::sizes;
use super::stores::{Engine, Row};

/// Files in a folder that is removed at the end.
pub(crate) struct Files(PathBuf);

impl Files {
    pub(crate) fn new() -> std::io::Result<Self> {
        // Beside the program: the temporary folder may be in memory.
        let program = std::env::current_exe()?;
        let path = program.with_file_name(format!("bench-inbox-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// The bytes of events, without free pages, which later events take.
    pub(crate) async fn sizes(&self) -> Result<(), BoxError> {
        let file = self.place();
        let store = Arc::new(self.open(&file).await?);
        sizes::run(store, async || {
            let connection = Connection::open(&file)?;
            let number =
                |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
            let pages = number("page_count")? - number("freelist_count")?;
            Ok(u64::try_from(pages * number("page_size")?)?)
        })
        .await
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Engine for Files {
    type Store = SqliteStore;
    type Place = PathBuf;

    fn place(&self) -> PathBuf {
        self.0.join(format!("{}.db", fastrand::u64(..)))
    }

    async fn open(&self, file: &PathBuf) -> Result<SqliteStore, BoxError> {
        Ok(SqliteStore::open(file).await?)
    }

    async fn insert(&self, rows: Vec<Row>, batch: usize) -> Result<f64, BoxError> {
        let path = self.place();
        drop(self.open(&path).await?);
        let insert = move || {
            let connection = Connection::open(path)?;
            for (name, value) in [("synchronous", "FULL"), ("foreign_keys", "ON")] {
                connection.pragma_update(None, name, value)?;
            }
            let mut event = connection.prepare(
                "INSERT INTO event (dedup_key, app_id, event_type, event_id, tenant_key, lane, transport,
                    received_at, keep_until, document)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'local', ?7, ?7, ?8)",
            )?;
            let mut task = connection.prepare(
                "INSERT INTO task (seq, lane, is_head, visible_at) VALUES (?1, ?2, ?3, ?4)",
            )?;
            let began = Instant::now();
            for (number, rows) in rows.chunks(batch).enumerate() {
                connection.execute_batch("BEGIN IMMEDIATE")?;
                for row in rows {
                    let header = &row.delivery.header;
                    let (app, kind, id) = (&header.app_id, &header.event_type, &header.event_id);
                    let now = i64::try_from(number)?;
                    event.execute(params![
                        row.key,
                        app,
                        kind,
                        id,
                        header.tenant_key,
                        row.lane,
                        now,
                        &*row.document
                    ])?;
                    let seq = connection.last_insert_rowid();
                    task.execute(params![seq, row.lane, row.is_head, now])?;
                }
                connection.execute_batch("COMMIT")?;
            }
            Ok(rows.len() as f64 / began.elapsed().as_secs_f64())
        };
        tokio::task::spawn_blocking(insert).await?
    }
}
