//! Failures of PostgreSQL, as those of a store.

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;

use lark_events_inbox::{StoreError, StoreErrorKind};
use tokio_postgres::error::SqlState;

/// Why a call failed, without any value of it: details of the server quote keys.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    kind: StoreErrorKind,
    code: Option<SqlState>,
    text: Arc<str>,
}

impl Failure {
    pub(crate) fn new(kind: StoreErrorKind, text: impl Into<Arc<str>>) -> Self {
        Self {
            kind,
            code: None,
            text: text.into(),
        }
    }

    /// Whether the transaction was rolled back and may succeed if it is repeated.
    pub(crate) fn is_transient(&self) -> bool {
        let transient = [
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::T_R_SERIALIZATION_FAILURE,
        ];
        self.has(&transient)
    }

    /// Whether another server may be the one that takes writes now.
    pub(crate) fn is_of_another_server(&self) -> bool {
        self.has(&[SqlState::READ_ONLY_SQL_TRANSACTION])
    }

    /// Whether another transaction held a lock for too long.
    pub(crate) fn is_locked(&self) -> bool {
        self.has(&[SqlState::LOCK_NOT_AVAILABLE])
    }

    fn has(&self, codes: &[SqlState]) -> bool {
        self.code.as_ref().is_some_and(|code| codes.contains(code))
    }

    /// The failure of a statement that may lack rights, for `migrate`.
    pub(crate) fn is_forbidden(&self) -> bool {
        self.has(&[SqlState::INSUFFICIENT_PRIVILEGE])
    }
}

fn kind(code: &SqlState) -> StoreErrorKind {
    let missing = [
        SqlState::UNDEFINED_TABLE,
        SqlState::UNDEFINED_FUNCTION,
        SqlState::UNDEFINED_COLUMN,
        SqlState::INVALID_SCHEMA_NAME,
    ];
    if missing.contains(code) {
        StoreErrorKind::Version
    } else if *code == SqlState::DISK_FULL {
        StoreErrorKind::Full
    } else if [SqlState::DATA_CORRUPTED, SqlState::INDEX_CORRUPTED].contains(code) {
        StoreErrorKind::Corrupt
    } else {
        StoreErrorKind::Unavailable
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        if let Some(answer) = error.as_db_error() {
            let code = answer.code().clone();
            let text = format!("{} (SQLSTATE {})", answer.message(), code.code());
            return Self {
                kind: kind(&code),
                text: text.into(),
                code: Some(code),
            };
        }
        let text = match error.source() {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        };
        Self::new(StoreErrorKind::Unavailable, text)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        Self::with_source(failure.kind, failure.text.to_string())
    }
}
