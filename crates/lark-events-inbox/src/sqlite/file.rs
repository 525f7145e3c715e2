//! A look into the file of a store that changes nothing, for tools.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::connection::open;
use super::failure::Failure;
use super::schema;
use crate::store::StoreError;

/// Reads the file of a [`SqliteStore`](crate::SqliteStore) without changing it, for tools.
///
/// ```no_run
/// # async fn check() -> Result<(), lark_events_inbox::StoreError> {
/// use lark_events_inbox::SqliteFile;
///
/// let file = SqliteFile::new("events.db");
/// let version = file.version().await?;
/// for step in SqliteFile::migration(version) {
///     println!("{step}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct SqliteFile {
    path: PathBuf,
}

impl SqliteFile {
    /// The version of the tables that this crate reads and writes.
    pub const VERSION: u32 = schema::VERSION;

    /// The maximum number of problems that a check returns.
    const MAX_PROBLEMS: u32 = 20;

    /// Refers to the file at this path, without opening it.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The version of the tables; 0 for an empty file.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::StoreErrorKind::Corrupt) when the file is not an inbox, and
    /// [`Unavailable`](crate::StoreErrorKind::Unavailable) when it cannot be read.
    pub async fn version(&self) -> Result<u32, StoreError> {
        self.call(schema::version).await
    }

    /// Fails if the tables have another version than [`VERSION`](Self::VERSION).
    pub(super) async fn expect_current(&self) -> Result<(), StoreError> {
        self.call(schema::expect_current).await
    }

    /// Checks the structure of the file with `PRAGMA quick_check`. Returns at most 20 problems. The check reads the
    /// whole file, which takes long for a large one. Workers may run meanwhile.
    ///
    /// # Errors
    ///
    /// As [`version`](Self::version).
    pub async fn quick_check(&self) -> Result<Vec<String>, StoreError> {
        self.call(|connection| {
            let sql = format!("PRAGMA quick_check({})", Self::MAX_PROBLEMS);
            let mut problems = connection.prepare(&sql)?;
            let problems = problems.query_map((), |row| row.get(0))?;
            let mut problems: Vec<String> = problems.collect::<Result<_, _>>()?;
            problems.retain(|problem| problem != "ok");
            Ok(problems)
        })
        .await
    }

    /// The SQL that migrates tables from this version to [`VERSION`](Self::VERSION), a step each, for programs that
    /// may not change tables themselves. [`SqliteStore::open`](crate::SqliteStore::open) runs the same SQL.
    #[must_use]
    pub fn migration(from: u32) -> Vec<String> {
        let transaction = |(step, version)| {
            let mark = schema::mark(version);
            format!("BEGIN IMMEDIATE;\n{step}{mark}COMMIT;\n")
        };
        schema::steps(from).map(transaction).collect()
    }

    async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let path = self.path.clone();
        let called = tokio::task::spawn_blocking(move || call(&look(&path)?));
        let called = called.await.unwrap_or(Err(Failure::Gone));
        Ok(called?)
    }
}

/// Opens a file that exists, to read. SQLite may still end the write-ahead log of a process that died.
fn look(path: &Path) -> Result<Connection, Failure> {
    let connection = open(path)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}
