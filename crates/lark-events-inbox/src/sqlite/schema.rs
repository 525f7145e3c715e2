//! The tables, and the steps from one version of them to the next.

use rusqlite::{Connection, TransactionBehavior};

use super::failure::Failure;

/// Marks a file as an inbox: `LkIn`.
const APPLICATION_ID: i32 = 0x4c6b_496e;

/// Each step leads from the version of its index to the next.
const MIGRATIONS: [&str; 1] = [FIRST];

/// `event` is the log and the memory of keys, and only grows until it is pruned; `task` is what is left to
/// do, narrow and short-lived.
///
/// A head flag, and not "no earlier row of this lane", chooses what can be claimed: with the latter a
/// claim reads all events of a busy lane. Only a statement within the write lock sets the flag.
const FIRST: &str = "
CREATE TABLE event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    dedup_key TEXT UNIQUE,
    app_id TEXT,
    event_type TEXT NOT NULL,
    event_id TEXT,
    tenant_key TEXT,
    lane TEXT,
    transport TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    keep_until INTEGER NOT NULL,
    trace TEXT,
    document BLOB NOT NULL,
    redelivered INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX event_by_id ON event (event_id);
CREATE INDEX event_by_time ON event (received_at);
CREATE TABLE task (
    seq INTEGER PRIMARY KEY REFERENCES event,
    lane TEXT,
    is_head INTEGER NOT NULL,
    visible_at INTEGER NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0,
    fence INTEGER,
    last_error TEXT
) STRICT;
CREATE INDEX task_heads ON task (visible_at, seq) WHERE is_head = 1 AND lane IS NOT NULL;
CREATE INDEX task_free ON task (visible_at, seq) WHERE lane IS NULL;
CREATE INDEX task_lane ON task (lane, seq) WHERE lane IS NOT NULL;
CREATE UNIQUE INDEX task_head ON task (lane) WHERE is_head = 1 AND lane IS NOT NULL;
CREATE TABLE dead (
    seq INTEGER PRIMARY KEY REFERENCES event,
    attempts INTEGER NOT NULL,
    error TEXT,
    died_at INTEGER NOT NULL
) STRICT;
CREATE TABLE attempt (
    seq INTEGER NOT NULL REFERENCES event,
    number INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    took INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    error TEXT,
    PRIMARY KEY (seq, ended_at, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE worker (id INTEGER PRIMARY KEY, is_running INTEGER NOT NULL, seen_at INTEGER NOT NULL) STRICT;
CREATE TABLE claim (
    key TEXT PRIMARY KEY,
    owner INTEGER,
    outcome TEXT,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX claim_by_time ON claim (until);
";

/// The version of the tables of this crate.
pub(super) const VERSION: u32 = 1;
const _: () = assert!(
    MIGRATIONS.len() == VERSION as usize,
    "a step for each version"
);

/// The steps from a version, each with the version to which it leads.
pub(super) fn steps(from: u32) -> impl Iterator<Item = (&'static str, u32)> {
    let all = MIGRATIONS.into_iter().zip(1..);
    all.filter(move |&(_, version)| version > from)
}

/// The statements that mark a file as an inbox of a version.
pub(super) fn mark(version: u32) -> String {
    format!("PRAGMA application_id = {APPLICATION_ID};\nPRAGMA user_version = {version};\n")
}

/// The version of a file; 0 if it has no tables.
pub(super) fn version(connection: &Connection) -> Result<u32, Failure> {
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables = "SELECT count(*) FROM sqlite_schema";
    let tables: u32 = connection.query_row(tables, (), |row| row.get(0))?;
    if id != APPLICATION_ID && tables > 0 {
        return Err(Failure::Foreign);
    }
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Creates the tables, or brings them to the version of this crate. Several processes may do so at once.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), Failure> {
    let behavior = TransactionBehavior::Immediate;
    let transaction = connection.transaction_with_behavior(behavior)?;
    let version = version(&transaction)?;
    if version > VERSION {
        return Err(Failure::Newer(version));
    }
    for (step, version) in steps(version) {
        transaction.execute_batch(step)?;
        transaction.execute_batch(&mark(version))?;
    }
    transaction.commit()?;
    Ok(())
}

/// Fails if the tables have another version than those of this crate.
pub(super) fn expect_current(connection: &Connection) -> Result<(), Failure> {
    match version(connection)? {
        VERSION => Ok(()),
        version if version > VERSION => Err(Failure::Newer(version)),
        version => Err(Failure::Older(version)),
    }
}
