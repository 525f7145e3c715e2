//! The store of handlers that are called at once, and share what they have handled.

use std::time::Duration;

use async_trait::async_trait;
use lark_events::{BoxError, Outcome};
use lark_events_layers::{Claim, DedupStore};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::SqliteStore;
use super::failure::Failure;
use super::rows::{bits, span};

type Row = (Option<i64>, Option<String>);

fn claimed(connection: &Connection, key: &str, now: i64) -> Result<Option<Row>, Failure> {
    let sql = "SELECT owner, outcome FROM claim WHERE key = ?1 AND until > ?2";
    let mut row = connection.prepare_cached(sql)?;
    let row = row.query_row(params![key, now], |row| Ok((row.get(0)?, row.get(1)?)));
    Ok(row.optional()?)
}

fn outcome(name: &str) -> Outcome {
    match name {
        "unhandled" => Outcome::Unhandled,
        _ => Outcome::Handled,
    }
}

#[async_trait]
impl DedupStore for SqliteStore {
    async fn claim(&self, key: &str, owner: u64, lease: Duration) -> Result<Claim, BoxError> {
        let (key, owner, now) = (key.to_owned(), bits(owner), self.now());
        let claim = move |connection: &Connection| {
            match claimed(connection, &key, now)? {
                Some((_, Some(name))) => return Ok(Claim::Done(outcome(&name))),
                Some((Some(holder), None)) if holder != owner => return Ok(Claim::Held),
                _ => {}
            }
            let sql = "INSERT OR REPLACE INTO claim (key, owner, outcome, until)
                VALUES (?1, ?2, NULL, ?3)";
            let until = now.saturating_add(span(lease));
            connection
                .prepare_cached(sql)?
                .execute(params![key, owner, until])?;
            Ok(Claim::Granted)
        };
        Ok(self.writer.call(claim).await?)
    }

    async fn done(&self, key: &str, outcome: Outcome, kept: Duration) -> Result<(), BoxError> {
        let (key, now) = (key.to_owned(), self.now());
        let done = move |connection: &Connection| {
            let sql = "INSERT INTO claim (key, owner, outcome, until) VALUES (?1, NULL, ?2, ?3)
                ON CONFLICT (key) DO UPDATE SET owner = NULL, outcome = excluded.outcome,
                until = CASE WHEN claim.outcome IS NULL THEN excluded.until
                    ELSE max(claim.until, excluded.until) END";
            let until = now.saturating_add(span(kept));
            let values = params![key, outcome.as_str(), until];
            connection.prepare_cached(sql)?.execute(values)?;
            Ok(())
        };
        Ok(self.writer.call(done).await?)
    }

    async fn release(&self, key: &str, owner: u64) -> Result<(), BoxError> {
        let (key, owner) = (key.to_owned(), bits(owner));
        let release = move |connection: &Connection| {
            let sql = "DELETE FROM claim WHERE key = ?1 AND owner = ?2";
            connection
                .prepare_cached(sql)?
                .execute(params![key, owner])?;
            Ok(())
        };
        Ok(self.writer.call(release).await?)
    }
}
