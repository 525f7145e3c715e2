//! The store of handlers that are called at once, and share what they have handled.

use std::time::Duration;

use async_trait::async_trait;
use lark_events::{BoxError, Outcome};
use lark_events_inbox::StoreError;
use lark_events_layers::{Claim, DedupStore};
use tokio_postgres::types::Type;

use crate::rows::{bits, get, indexed, span};
use crate::store::PostgresStore;

/// How often a claim is repeated that came between two claims of others.
const REPEATS: usize = 3;

#[async_trait]
impl DedupStore for PostgresStore {
    async fn claim(&self, key: &str, owner: u64, lease: Duration) -> Result<Claim, BoxError> {
        let key = indexed(key);
        let values = [
            (&&*key as _, Type::TEXT),
            (&bits(owner) as _, Type::INT8),
            (&span(lease) as _, Type::INT8),
        ];
        for _ in 0..REPEATS {
            let granted = self.appends.query(&self.sql.claim_key, &values).await;
            if !granted.map_err(StoreError::from)?.is_empty() {
                return Ok(Claim::Granted);
            }
            let held = self.appends.query(&self.sql.key, &values[..1]).await;
            // It has just been released, or has just expired.
            let Some(row) = held.map_err(StoreError::from)?.pop() else {
                continue;
            };
            let outcome: Option<String> = get(&row, "outcome").map_err(StoreError::from)?;
            return Ok(match outcome.as_deref() {
                Some("unhandled") => Claim::Done(Outcome::Unhandled),
                Some(_) => Claim::Done(Outcome::Handled),
                None => Claim::Held,
            });
        }
        Ok(Claim::Held)
    }

    async fn done(&self, key: &str, outcome: Outcome, kept: Duration) -> Result<(), BoxError> {
        let key = indexed(key);
        let values = [
            (&&*key as _, Type::TEXT),
            (&outcome.as_str() as _, Type::TEXT),
            (&span(kept) as _, Type::INT8),
        ];
        let done = self.appends.query(&self.sql.key_done, &values).await;
        done.map_err(StoreError::from)?;
        Ok(())
    }

    async fn release(&self, key: &str, owner: u64) -> Result<(), BoxError> {
        let key = indexed(key);
        let values = [(&&*key as _, Type::TEXT), (&bits(owner) as _, Type::INT8)];
        let released = self.appends.query(&self.sql.release_key, &values).await;
        released.map_err(StoreError::from)?;
        Ok(())
    }
}
