//! Failures of SQLite, as those of a store.

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
    Row(String),
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
            Self::Row(error) => write!(f, "a row is not an event: {error}"),
            Self::Ended => f.write_str("an earlier call ended the transaction"),
            Self::Gone => f.write_str("the thread of the database has ended"),
        }
    }
}
