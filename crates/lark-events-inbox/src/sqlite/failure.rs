//! Failures of SQLite, as those of a store.

use std::error::Error as _;
use std::fmt;
use std::io;

use rusqlite::ErrorCode;

use super::schema::VERSION;
use crate::store::{StoreError, StoreErrorKind};

/// What can go wrong in a thread of the store.
#[derive(Debug)]
pub(super) enum Failure {
    Sqlite(rusqlite::Error),
    Io(io::Error),
    /// The file is of a newer version of this crate.
    Newer(u32),
    /// The file is of an older version of this crate, and is not to be changed.
    Older(u32),
    /// The file is a database of something else.
    Foreign,
    /// The file can only be read.
    ReadOnly,
    /// A row cannot be read as an event.
    Row(StoreError),
    /// The transaction ended before the call.
    Ended,
    /// The thread has ended.
    Gone,
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Failure {
    fn kind(&self) -> StoreErrorKind {
        match self {
            Self::Newer(_) | Self::Older(_) => StoreErrorKind::Version,
            Self::Foreign | Self::Row(_) => StoreErrorKind::Corrupt,
            Self::Sqlite(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => StoreErrorKind::Full,
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                    StoreErrorKind::Corrupt
                }
                _ => StoreErrorKind::Unavailable,
            },
            Self::Io(_) | Self::ReadOnly | Self::Ended | Self::Gone => StoreErrorKind::Unavailable,
        }
    }
}

/// The same failure for each call of a transaction. Errors of SQLite name statements, never values.
impl From<&Failure> for StoreError {
    fn from(failure: &Failure) -> Self {
        Self::with_source(failure.kind(), failure.to_string())
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        Self::from(&failure)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
            Self::Newer(version) => write!(
                f,
                "the file has version {version} of the tables, which is newer than this program: update it"
            ),
            Self::Older(version) => write!(
                f,
                "the file has version {version} of the tables, expected version {VERSION}: migrate it"
            ),
            Self::Foreign => f.write_str("the file is a database, but not one of an inbox"),
            Self::ReadOnly => f.write_str("the file cannot be written: check its owner and mode"),
            Self::Row(error) => match error.source() {
                Some(cause) => write!(f, "{cause}"),
                None => error.fmt(f),
            },
            Self::Ended => f.write_str("an earlier call ended the transaction"),
            Self::Gone => f.write_str("the thread of the database has ended"),
        }
    }
}

#[cfg(test)]
mod tests {
    use lark_events::{Delivery, EventHeader, RawJson};
    use rusqlite::Connection;

    use super::super::SqliteStore;
    use super::super::plans::{new_path, remove};
    use super::*;
    use crate::store::{Appended, Entry, Store as _};

    fn large() -> Entry {
        let body = format!(r#"{{"text":"{}"}}"#, "x".repeat(100_000));
        let body = RawJson::parse(body).unwrap();
        Entry::new(Delivery::new(EventHeader::new("testing.large_v1"), body))
    }

    /// Lets the file grow by this many pages from now on.
    async fn limit(store: &SqliteStore, more: u32) {
        let limit = move |connection: &Connection| {
            let count = |sql: &str| connection.query_row(sql, (), |row| row.get::<_, u32>(0));
            let pages = count("PRAGMA page_count")?;
            count(&format!("PRAGMA max_page_count = {}", pages + more))?;
            Ok(())
        };
        store.writer.call(limit).await.unwrap();
    }

    #[tokio::test]
    async fn a_file_that_cannot_grow_is_full_until_it_can() {
        let path = new_path("full");
        let store = SqliteStore::open(&path).await.unwrap();
        limit(&store, 5).await;
        for _ in 0..2 {
            let full = store.append(vec![large()]).await.unwrap_err();
            assert_eq!(full.kind(), StoreErrorKind::Full);
            assert_eq!(store.status().await.unwrap().ready, 0);
        }
        limit(&store, 1_000).await;
        let appended = store.append(vec![large()]).await.unwrap();
        assert_eq!(appended, [Appended::New]);
        assert_eq!(store.status().await.unwrap().ready, 1);
        remove(&path);
    }
}
