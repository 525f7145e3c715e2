//! What operators see and do.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use lark_events_inbox::{
    Admin, AttemptOutcome, AttemptRecord, Count, Filter, Glance, GroupLimits, Grouping, Groups,
    Listed, Looked, Operation, Page, Shown, State, StoreError,
};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::failure::Failure;
use crate::rows::{bits, duration, entry, get, number};
use crate::store::PostgresStore;

fn record(row: &Row) -> Result<AttemptRecord, Failure> {
    let attempt: i32 = get(row, "number")?;
    let ended: SystemTime = get(row, "ended_at")?;
    Ok(AttemptRecord::new(
        attempt.unsigned_abs(),
        ended,
        duration(get::<Option<i64>>(row, "took")?.unwrap_or(0)),
        AttemptOutcome::from_name(get(row, "outcome")?),
        get(row, "error")?,
    ))
}

fn numbers(listed: &[Listed]) -> Vec<i64> {
    listed.iter().map(|listed| bits(listed.seq)).collect()
}

fn letters_and_queued(listed: Vec<Listed>) -> [Vec<i64>; 2] {
    let is_dead = |listed: &Listed| listed.state == State::Dead;
    let (letters, queued): (Vec<_>, Vec<_>) = listed.into_iter().partition(is_dead);
    [numbers(&letters), numbers(&queued)]
}

impl PostgresStore {
    /// The first events in one of these states that match.
    async fn matching(
        &self,
        filter: &Filter,
        states: &[State],
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let mut filter = filter.clone();
        if filter.states.is_empty() {
            filter.states = states.to_vec();
        }
        filter.states.retain(|state| states.contains(state));
        if filter.states.is_empty() {
            return Ok(Vec::new());
        }
        self.list(&filter, Page::first(limit)).await
    }

    /// Calls a function of the schema for these numbers. It looks again what state the events are in.
    async fn change(&self, sql: &str, seqs: &[Vec<i64>]) -> Result<u64, StoreError> {
        if seqs.iter().all(Vec::is_empty) {
            return Ok(0);
        }
        let values = seqs.iter().map(|seqs| (seqs as _, Type::INT8_ARRAY));
        let values: Vec<_> = values.collect();
        let row = self.settles.query_one(sql, &values).await?;
        self.wake();
        Ok(number(get(&row, "changed")?))
    }
}

#[async_trait]
impl Admin for PostgresStore {
    fn supports(&self, _: Operation) -> bool {
        true
    }

    async fn last(&self) -> Result<Option<u64>, StoreError> {
        let sql = format!("SELECT max(seq) FROM {}.event", self.schema());
        let last: Option<i64> = self.reads.query_one(&sql, &[]).await?.get(0);
        Ok(last.map(number))
    }

    async fn list(&self, filter: &Filter, page: Page) -> Result<Vec<Listed>, StoreError> {
        self.list_rows(filter, page).await
    }

    async fn show(&self, seq: u64) -> Result<Option<Shown>, StoreError> {
        let mut filter = Filter::default();
        filter.seq = Some(seq);
        let page = Page::first(1);
        let Some(listed) = self.list(&filter, page).await?.pop() else {
            return Ok(None);
        };
        let values = [(&bits(seq) as _, Type::INT8)];
        let Some(row) = self.reads.query(&self.sql.event, &values).await?.pop() else {
            return Ok(None);
        };
        let entry = entry(&row)?;
        let history = self.reads.query(&self.sql.history, &values).await?;
        let history = history.iter().map(record).collect::<Result<_, _>>()?;
        Ok(Some(Shown::new(
            listed,
            entry.delivery,
            entry.trace,
            history,
        )))
    }

    async fn retry(&self, filter: &Filter, limit: usize) -> Result<u64, StoreError> {
        let states = [State::Dead, State::Waiting];
        let matching = self.matching(filter, &states, limit).await?;
        self.change(&self.sql.retry, &letters_and_queued(matching))
            .await
    }

    async fn discard(&self, filter: &Filter, limit: usize) -> Result<u64, StoreError> {
        let states = [State::Dead, State::Waiting, State::Ready];
        let matching = self.matching(filter, &states, limit).await?;
        self.change(&self.sql.discard, &letters_and_queued(matching))
            .await
    }

    async fn replay(&self, filter: &Filter, limit: usize) -> Result<u64, StoreError> {
        let done = self.matching(filter, &[State::Done], limit).await?;
        self.change(&self.sql.replay, &[numbers(&done)]).await
    }

    async fn prune(&self, age: Duration) -> Result<u64, StoreError> {
        self.prune_all(age.max(Self::MIN_RETENTION)).await
    }

    async fn look_through(
        &self,
        filter: &Filter,
        page: Page,
        at_most: u64,
    ) -> Result<Looked, StoreError> {
        self.look_through_rows(filter, page, at_most).await
    }

    async fn count(&self, filter: &Filter, at_most: u64) -> Result<Count, StoreError> {
        self.count_rows(filter, at_most).await
    }

    async fn groups(
        &self,
        filter: &Filter,
        by: Grouping,
        limits: GroupLimits,
    ) -> Result<Groups, StoreError> {
        self.group_rows(filter, by, limits).await
    }

    async fn glance(&self, at_most: u64) -> Result<Glance, StoreError> {
        self.glance_at_rows(at_most).await
    }
}
