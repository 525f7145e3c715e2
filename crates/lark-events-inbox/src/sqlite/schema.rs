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

/// Creates the tables, or brings them to the version of this crate. Several processes may do so at once.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), Failure> {
    let behavior = TransactionBehavior::Immediate;
    let transaction = connection.transaction_with_behavior(behavior)?;
    let version: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let id: i32 = transaction.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables = "SELECT count(*) FROM sqlite_schema";
    let tables: u32 = transaction.query_row(tables, (), |row| row.get(0))?;
    if id != APPLICATION_ID && tables > 0 {
        return Err(Failure::Foreign);
    }
    let begin = usize::try_from(version).unwrap_or(usize::MAX);
    let Some(steps) = MIGRATIONS.get(begin..) else {
        return Err(Failure::Newer(version));
    };
    if !steps.is_empty() {
        for step in steps {
            transaction.execute_batch(step)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        let version = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
        transaction.pragma_update(None, "user_version", version)?;
    }
    transaction.commit()?;
    Ok(())
}
