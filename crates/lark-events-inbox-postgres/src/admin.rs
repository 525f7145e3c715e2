//! What operators see and do.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use lark_events::{Delivery, EventHeader, RawJson, Transport};
use lark_events_inbox::{
    Admin, AttemptOutcome, AttemptRecord, Filter, Group, Grouping, Listed, Operation, Page, Shown,
    State, StoreError,
};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::failure::Failure;
use crate::query::{Query, Source};
use crate::rows::{bits, duration, entry, get, number};
use crate::store::PostgresStore;

const LISTED: &str = "e.seq, e.app_id, e.event_type, e.event_id, e.tenant_key, e.lane, e.transport,
    e.received_at, coalesce(d.attempts, t.attempt, 0) AS attempts, coalesce(d.error, t.last_error) AS error,
    CASE WHEN d.seq IS NOT NULL THEN 'dead' WHEN t.seq IS NULL THEN 'done' WHEN NOT t.is_head THEN 'waiting'
        WHEN t.visible_at <= now() THEN 'ready' WHEN t.fence IS NULL THEN 'waiting' ELSE 'leased' END AS state,
    CASE WHEN t.is_head AND t.visible_at > now()
        THEN (extract(epoch FROM t.visible_at - now()) * 1000000)::bigint END AS visible_in,
    CASE WHEN e.keep_until > now()
        THEN (extract(epoch FROM e.keep_until - now()) * 1000000)::bigint END AS kept_for";

fn listed(row: &Row) -> Result<Listed, Failure> {
    let state: &str = get(row, "state")?;
    let mut states = State::ALL.into_iter();
    let state = states
        .find(|known| known.as_str() == state)
        .unwrap_or(State::Done);
    let mut header = EventHeader::new(get::<String>(row, "event_type")?);
    header.app_id = get(row, "app_id")?;
    header.event_id = get(row, "event_id")?;
    header.tenant_key = get(row, "tenant_key")?;
    let mut delivery = Delivery::new(header, RawJson::default());
    delivery.transport = Transport::from_name(get(row, "transport")?).unwrap_or(Transport::Local);
    delivery.received_at = get(row, "received_at")?;
    let mut listed = Listed::new(number(get(row, "seq")?), state, &delivery);
    let attempts: i32 = get(row, "attempts")?;
    let span = |column| get::<Option<i64>>(row, column).map(|span| span.map(duration));
    listed.lane = get(row, "lane")?;
    listed.attempts = attempts.unsigned_abs();
    listed.visible_in = span("visible_in")?;
    listed.last_error = get(row, "error")?;
    listed.kept_for = span("kept_for")?;
    Ok(listed)
}

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

impl PostgresStore {
    /// The numbers of the first events in one of these states that match.
    async fn matching(
        &self,
        filter: &Filter,
        states: &[State],
        limit: usize,
    ) -> Result<Vec<i64>, StoreError> {
        let mut filter = filter.clone();
        if filter.states.is_empty() {
            filter.states = states.to_vec();
        }
        filter.states.retain(|state| states.contains(state));
        if filter.states.is_empty() {
            return Ok(Vec::new());
        }
        let page = Page { after: None, limit };
        let matching = self.list(&filter, page).await?;
        Ok(matching.iter().map(|listed| bits(listed.seq)).collect())
    }

    /// Calls a function of the schema for these events. It looks again what state they are in.
    async fn change(&self, sql: &str, seqs: Vec<i64>) -> Result<u64, StoreError> {
        if seqs.is_empty() {
            return Ok(0);
        }
        let row = self
            .settles
            .query_one(sql, &[(&seqs, Type::INT8_ARRAY)])
            .await?;
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
        let last: Option<i64> = self.settles.query_one(&sql, &[]).await?.get(0);
        Ok(last.map(number))
    }

    async fn list(&self, filter: &Filter, page: Page) -> Result<Vec<Listed>, StoreError> {
        let mut filter = filter.clone();
        if let Some(after) = page.after {
            let next = after.saturating_add(1);
            filter.from_seq = Some(filter.from_seq.map_or(next, |first| first.max(next)));
        }
        let query = Query::of(&filter, self.schema());
        if query.sources.is_empty() {
            return Ok(Vec::new());
        }
        let limit = i64::try_from(page.limit).unwrap_or(i64::MAX);
        let pages = query.sources.iter();
        let pages = pages.map(|Source { seq, rows }| {
            format!("(SELECT {LISTED} {rows} ORDER BY {seq} LIMIT {limit})")
        });
        let pages: Vec<_> = pages.collect();
        let sql = match &pages[..] {
            [page] => page.clone(),
            pages => format!("{} ORDER BY seq LIMIT {limit}", pages.join(" UNION ALL ")),
        };
        let rows = self.settles.query(&sql, &query.values()).await?;
        Ok(rows.iter().map(listed).collect::<Result<_, _>>()?)
    }

    async fn show(&self, seq: u64) -> Result<Option<Shown>, StoreError> {
        let mut filter = Filter::default();
        filter.seq = Some(seq);
        let page = Page {
            after: None,
            limit: 1,
        };
        let Some(listed) = self.list(&filter, page).await?.pop() else {
            return Ok(None);
        };
        let values = [(&bits(seq) as _, Type::INT8)];
        let Some(row) = self.settles.query(&self.sql.event, &values).await?.pop() else {
            return Ok(None);
        };
        let entry = entry(&row)?;
        let history = self.settles.query(&self.sql.history, &values).await?;
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
        let seqs = self.matching(filter, &states, limit).await?;
        self.change(&self.sql.retry, seqs).await
    }

    async fn discard(&self, filter: &Filter, limit: usize) -> Result<u64, StoreError> {
        let states = [State::Dead, State::Waiting, State::Ready];
        let seqs = self.matching(filter, &states, limit).await?;
        self.change(&self.sql.discard, seqs).await
    }

    async fn replay(&self, filter: &Filter, limit: usize) -> Result<u64, StoreError> {
        let seqs = self.matching(filter, &[State::Done], limit).await?;
        self.change(&self.sql.replay, seqs).await
    }

    async fn prune(&self, age: Duration) -> Result<u64, StoreError> {
        self.prune_all(age.max(Self::MIN_RETENTION)).await
    }

    async fn groups(
        &self,
        filter: &Filter,
        by: Grouping,
        limit: usize,
    ) -> Result<Vec<Group>, StoreError> {
        let value = match by {
            Grouping::Error => "coalesce(d.error, t.last_error)",
            _ => "e.event_type",
        };
        let query = Query::of(filter, self.schema());
        if query.sources.is_empty() {
            return Ok(Vec::new());
        }
        let selected = query.sources.iter();
        let selected =
            selected.map(|Source { rows, .. }| format!("SELECT {value} AS value {rows}"));
        let selected: Vec<_> = selected.collect();
        let selected = selected.join(" UNION ALL ");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql = format!(
            "SELECT value, count(*) AS size FROM ({selected}) AS matching GROUP BY value
             ORDER BY size DESC, value COLLATE \"C\" LIMIT {limit}"
        );
        let groups = self.settles.query(&sql, &query.values()).await?;
        let groups = groups.iter().map(|row| {
            let size = number(get(row, "size")?);
            Ok(Group::new(get(row, "value")?, size))
        });
        Ok(groups.collect::<Result<_, Failure>>()?)
    }
}
