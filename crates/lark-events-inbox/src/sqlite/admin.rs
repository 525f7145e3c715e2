//! What operators see and do.

use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, params};

use super::failure::Failure;
use super::list::list;
use super::rows::{ENTRY, bits, entry, seq, time};
use super::{SqliteStore, glance, list as lists, steps};
use crate::admin::{
    Admin, AttemptRecord, Count, Filter, Glance, GroupLimits, Grouping, Groups, Listed, Looked,
    Operation, Page, Shown, State,
};
use crate::store::{AttemptOutcome, StoreError};

fn show(connection: &Connection, number: u64, now: i64) -> Result<Option<Shown>, Failure> {
    let filter = Filter {
        seq: Some(number),
        ..Filter::default()
    };
    let page = Page::first(1);
    let Some(listed) = list(connection, &filter, page, now)?.pop() else {
        return Ok(None);
    };
    let sql = format!("SELECT {ENTRY} FROM event e WHERE e.seq = ?1");
    let entry = connection.query_row(&sql, [bits(number)], |row| Ok(entry(row, 0)))??;
    let sql = "SELECT number, ended_at, took, outcome, error FROM attempt
        WHERE seq = ?1 ORDER BY ended_at, number";
    let mut history = connection.prepare_cached(sql)?;
    let history = history.query_map([bits(number)], |row| {
        let took: i64 = row.get(2)?;
        let name: String = row.get(3)?;
        Ok(AttemptRecord::new(
            row.get(0)?,
            time(row.get(1)?),
            Duration::from_micros(took.unsigned_abs()),
            AttemptOutcome::from_name(&name),
            row.get(4)?,
        ))
    })?;
    let history = history.collect::<Result<_, _>>()?;
    Ok(Some(Shown::new(
        listed,
        entry.delivery,
        entry.trace,
        history,
    )))
}

/// The numbers of the first events in one of these states that match.
fn matching(
    connection: &Connection,
    filter: &Filter,
    states: &[State],
    limit: usize,
    now: i64,
) -> Result<Vec<Listed>, Failure> {
    let mut filter = filter.clone();
    if filter.states.is_empty() {
        filter.states = states.to_vec();
    }
    filter.states.retain(|state| states.contains(state));
    if filter.states.is_empty() {
        return Ok(Vec::new());
    }
    let page = Page::first(limit);
    list(connection, &filter, page, now)
}

fn retry(connection: &Connection, filter: &Filter, limit: usize, now: i64) -> Result<u64, Failure> {
    let mut retried: u64 = 0;
    let mut visible = connection.prepare_cached(
        "UPDATE task SET visible_at = ?2 WHERE seq = ?1 AND is_head = 1 AND visible_at > ?2",
    )?;
    for listed in matching(
        connection,
        filter,
        &[State::Dead, State::Waiting],
        limit,
        now,
    )? {
        let number = bits(listed.seq);
        if listed.state == State::Dead {
            connection.execute("DELETE FROM dead WHERE seq = ?1", [number])?;
            steps::enqueue(connection, number, now)?;
            retried = retried.saturating_add(1);
        } else {
            let changed = visible.execute(params![number, now])? as u64;
            retried = retried.saturating_add(changed);
        }
    }
    Ok(retried)
}

fn discard(
    connection: &Connection,
    filter: &Filter,
    limit: usize,
    now: i64,
) -> Result<u64, Failure> {
    let states = [State::Dead, State::Waiting, State::Ready];
    let discarded = matching(connection, filter, &states, limit, now)?;
    for listed in &discarded {
        let number = bits(listed.seq);
        if listed.state == State::Dead {
            connection.execute("DELETE FROM dead WHERE seq = ?1", [number])?;
        } else {
            steps::remove(connection, number, now)?;
        }
    }
    Ok(discarded.len() as u64)
}

fn replay(
    connection: &Connection,
    filter: &Filter,
    limit: usize,
    now: i64,
) -> Result<u64, Failure> {
    let replayed = matching(connection, filter, &[State::Done], limit, now)?;
    for listed in &replayed {
        steps::enqueue(connection, bits(listed.seq), now)?;
    }
    Ok(replayed.len() as u64)
}

#[async_trait]
impl Admin for SqliteStore {
    fn supports(&self, _: Operation) -> bool {
        true
    }

    async fn last(&self) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT max(seq) FROM event";
        let last = |connection: &Connection| {
            let last: Option<i64> = connection.query_row(sql, [], |row| row.get(0))?;
            Ok(last.map(seq))
        };
        self.reader.call(last).await
    }

    async fn list(&self, filter: &Filter, page: Page) -> Result<Vec<Listed>, StoreError> {
        let (filter, now) = (filter.clone(), self.now());
        let list = move |connection: &_| list(connection, &filter, page, now);
        self.reader.call(list).await
    }

    async fn show(&self, seq: u64) -> Result<Option<Shown>, StoreError> {
        let now = self.now();
        self.reader
            .call(move |connection| show(connection, seq, now))
            .await
    }

    async fn retry(&self, filter: &Filter, limit: usize) -> Result<u64, StoreError> {
        let (filter, now) = (filter.clone(), self.now());
        let retry = move |connection: &_| retry(connection, &filter, limit, now);
        let retried = self.writer.call(retry).await?;
        self.signal.visible(now);
        Ok(retried)
    }

    async fn discard(&self, filter: &Filter, limit: usize) -> Result<u64, StoreError> {
        let (filter, now) = (filter.clone(), self.now());
        let discard = move |connection: &_| discard(connection, &filter, limit, now);
        let discarded = self.writer.call(discard).await?;
        self.signal.visible(now);
        Ok(discarded)
    }

    async fn replay(&self, filter: &Filter, limit: usize) -> Result<u64, StoreError> {
        let (filter, now) = (filter.clone(), self.now());
        let replay = move |connection: &_| replay(connection, &filter, limit, now);
        let replayed = self.writer.call(replay).await?;
        self.signal.visible(now);
        Ok(replayed)
    }

    async fn prune(&self, age: Duration) -> Result<u64, StoreError> {
        let age = age.max(Self::MIN_RETENTION);
        let mut pruned: u64 = 0;
        loop {
            let some = self.prune_batch(age).await?;
            pruned = pruned.saturating_add(some);
            if some == 0 {
                return Ok(pruned);
            }
        }
    }

    async fn look_through(
        &self,
        filter: &Filter,
        page: Page,
        at_most: u64,
    ) -> Result<Looked, StoreError> {
        let (filter, now) = (filter.clone(), self.now());
        let look =
            move |connection: &_| lists::look_through(connection, &filter, page, at_most, now);
        self.reader.call(look).await
    }

    async fn count(&self, filter: &Filter, at_most: u64) -> Result<Count, StoreError> {
        let (filter, now) = (filter.clone(), self.now());
        let count = move |connection: &_| lists::count(connection, &filter, at_most, now);
        self.reader.call(count).await
    }

    async fn groups(
        &self,
        filter: &Filter,
        by: Grouping,
        limits: GroupLimits,
    ) -> Result<Groups, StoreError> {
        let (filter, now) = (filter.clone(), self.now());
        let groups = move |connection: &_| lists::groups(connection, &filter, by, limits, now);
        self.reader.call(groups).await
    }

    async fn glance(&self, at_most: u64) -> Result<Glance, StoreError> {
        let now = self.now();
        let glance = move |connection: &_| glance::glance(connection, at_most, now);
        self.reader.call(glance).await
    }
}
