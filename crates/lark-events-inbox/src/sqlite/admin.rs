//! What operators see and do.

use std::time::Duration;

use async_trait::async_trait;
use lark_events::Transport;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::SqliteStore;
use super::failure::Failure;
use super::query::{Query, Source};
use super::rows::{ENTRY, bits, entry, seq, time, until};
use super::steps;
use crate::admin::{
    Admin, AttemptRecord, Filter, Group, Grouping, Listed, Operation, Page, Shown, State,
};
use crate::store::{AttemptOutcome, StoreError};

fn listed(row: &Row<'_>, now: i64) -> Result<Listed, rusqlite::Error> {
    let visible_at: Option<i64> = row.get("visible_at")?;
    let is_head: Option<bool> = row.get("is_head")?;
    let is_claimed: bool = row.get("is_claimed")?;
    let died_at: Option<i64> = row.get("died_at")?;
    let state = match (died_at, visible_at) {
        (Some(_), _) => State::Dead,
        (None, None) => State::Done,
        (None, Some(_)) if is_head == Some(false) => State::Waiting,
        (None, Some(at)) if at <= now => State::Ready,
        _ if is_claimed => State::Leased,
        _ => State::Waiting,
    };
    let transport_name: String = row.get("transport")?;
    let visible_at = visible_at.filter(|_| is_head == Some(true));
    Ok(Listed {
        seq: seq(row.get("seq")?),
        state,
        app_id: row.get("app_id")?,
        event_type: row.get("event_type")?,
        event_id: row.get("event_id")?,
        tenant_key: row.get("tenant_key")?,
        lane: row.get("lane")?,
        transport: Transport::from_name(&transport_name).unwrap_or(Transport::Local),
        received_at: time(row.get("received_at")?),
        attempts: row.get("attempts")?,
        visible_in: visible_at.and_then(|at| until(at, now)),
        last_error: row.get("error")?,
        kept_for: until(row.get("keep_until")?, now),
    })
}

const LISTED: &str = "e.seq, e.app_id, e.event_type, e.event_id, e.tenant_key, e.lane, e.transport,
    e.received_at, e.keep_until, t.visible_at, t.is_head, t.fence IS NOT NULL AS is_claimed, d.died_at,
    coalesce(d.attempts, t.attempt, 0) AS attempts, coalesce(d.error, t.last_error) AS error";

fn list(
    connection: &Connection,
    filter: &Filter,
    page: Page,
    now: i64,
) -> Result<Vec<Listed>, Failure> {
    let mut filter = filter.clone();
    if let Some(after) = page.after {
        let next = after.saturating_add(1);
        filter.from_seq = Some(filter.from_seq.map_or(next, |first| first.max(next)));
    }
    let query = Query::of(&filter, now);
    if query.sources.is_empty() {
        return Ok(Vec::new());
    }
    let limit = i64::try_from(page.limit).unwrap_or(i64::MAX);
    let pages = query.sources.iter();
    let pages = pages
        .map(|Source { seq, rows }| format!("SELECT {LISTED} {rows} ORDER BY {seq} LIMIT {limit}"));
    let pages: Vec<_> = pages.collect();
    let sql = match &pages[..] {
        [page] => page.clone(),
        pages => {
            let pages = pages.join(") UNION ALL SELECT * FROM (");
            format!("SELECT * FROM ({pages}) ORDER BY seq LIMIT {limit}")
        }
    };
    let mut rows = connection.prepare(&sql)?;
    let values = params_from_iter(query.values);
    let rows = rows.query_map(values, |row| listed(row, now))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn groups(
    connection: &Connection,
    filter: &Filter,
    by: Grouping,
    limit: usize,
    now: i64,
) -> Result<Vec<Group>, Failure> {
    let value = match by {
        Grouping::EventType => "e.event_type",
        Grouping::Error => "coalesce(d.error, t.last_error)",
    };
    let query = Query::of(filter, now);
    if query.sources.is_empty() {
        return Ok(Vec::new());
    }
    let selected = query.sources.iter();
    let selected = selected.map(|Source { rows, .. }| format!("SELECT {value} AS value {rows}"));
    let selected: Vec<_> = selected.collect();
    let selected = selected.join(" UNION ALL ");
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let sql = format!(
        "SELECT value, count(*) AS size FROM ({selected}) GROUP BY value
         ORDER BY size DESC, value LIMIT {limit}"
    );
    let mut groups = connection.prepare(&sql)?;
    let groups = groups.query_map(params_from_iter(query.values), |row| {
        Ok(Group::new(row.get(0)?, seq(row.get(1)?)))
    })?;
    Ok(groups.collect::<Result<_, _>>()?)
}

fn show(connection: &Connection, number: u64, now: i64) -> Result<Option<Shown>, Failure> {
    let filter = Filter {
        seq: Some(number),
        ..Filter::default()
    };
    let page = Page {
        after: None,
        limit: 1,
    };
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
    let page = Page { after: None, limit };
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
        self.wake();
        Ok(retried)
    }

    async fn discard(&self, filter: &Filter, limit: usize) -> Result<u64, StoreError> {
        let (filter, now) = (filter.clone(), self.now());
        let discard = move |connection: &_| discard(connection, &filter, limit, now);
        let discarded = self.writer.call(discard).await?;
        self.wake();
        Ok(discarded)
    }

    async fn replay(&self, filter: &Filter, limit: usize) -> Result<u64, StoreError> {
        let (filter, now) = (filter.clone(), self.now());
        let replay = move |connection: &_| replay(connection, &filter, limit, now);
        let replayed = self.writer.call(replay).await?;
        self.wake();
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

    async fn groups(
        &self,
        filter: &Filter,
        by: Grouping,
        limit: usize,
    ) -> Result<Vec<Group>, StoreError> {
        let (filter, now) = (filter.clone(), self.now());
        let groups = move |connection: &_| groups(connection, &filter, by, limit, now);
        self.reader.call(groups).await
    }
}
