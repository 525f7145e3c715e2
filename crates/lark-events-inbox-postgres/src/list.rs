//! Lists and counts of events. Each can end after a number of rows, so that it costs no more than those.

use lark_events::{Delivery, EventHeader, RawJson, Transport};
use lark_events_inbox::{
    Count, Filter, Glance, Group, GroupLimits, Grouping, Groups, Listed, Looked, Order, Page,
    State, StoreError,
};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::failure::Failure;
use crate::query::{Query, Source};
use crate::rows::{duration, get, number};
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

fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn direction(order: Order) -> &'static str {
    match order {
        Order::NewestFirst => "DESC",
        _ => "ASC",
    }
}

impl PostgresStore {
    pub(crate) async fn list_rows(
        &self,
        filter: &Filter,
        page: Page,
    ) -> Result<Vec<Listed>, StoreError> {
        let query = Query::of(&filter.on_page(page), self.schema());
        if query.sources.is_empty() {
            return Ok(Vec::new());
        }
        let (limit, direction) = (limit(page.limit), direction(page.order));
        let pages = query.sources.iter();
        let pages = pages.map(|Source { seq, rows, .. }| {
            format!("(SELECT {LISTED} {rows} ORDER BY {seq} {direction} LIMIT {limit})")
        });
        let pages: Vec<_> = pages.collect();
        let sql = match &pages[..] {
            [page] => page.clone(),
            pages => {
                let pages = pages.join(" UNION ALL ");
                format!("{pages} ORDER BY seq {direction} LIMIT {limit}")
            }
        };
        let rows = self.reads.query(&sql, &query.values()).await?;
        Ok(rows.iter().map(listed).collect::<Result<_, _>>()?)
    }

    /// Leaves a filter the first rows of its tables, at most so many. Returns the number of the last of them, if
    /// there are more.
    async fn shorten(
        &self,
        filter: &mut Filter,
        order: Order,
        at_most: u64,
    ) -> Result<Option<u64>, StoreError> {
        let query = Query::of(filter, self.schema());
        let Ok(at_most) = i64::try_from(at_most) else {
            return Ok(None);
        };
        let (schema, direction) = (self.schema(), direction(order));
        let page = at_most.saturating_add(1);
        let tables = query.sources.iter().filter_map(|source| source.table);
        let tables = tables.map(|table| {
            let range = [(">=", filter.from_seq), ("<=", filter.to_seq)];
            let range = range.map(|(operator, end)| match end {
                Some(end) => format!("seq {operator} {}", i64::try_from(end).unwrap_or(i64::MAX)),
                None => "true".to_owned(),
            });
            let range = range.join(" AND ");
            format!("(SELECT seq FROM {schema}.{table} WHERE {range} ORDER BY seq {direction} LIMIT {page})")
        });
        let tables: Vec<_> = tables.collect();
        if tables.is_empty() {
            return Ok(None);
        }
        let tables = tables.join(" UNION ALL ");
        let sql = format!(
            "SELECT seq FROM ({tables}) AS first ORDER BY seq {direction} LIMIT 1 OFFSET {at_most}"
        );
        let rows = self.reads.query(&sql, &[]).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let next = number(get(row, "seq")?);
        let last = match order {
            Order::NewestFirst => *filter.from_seq.insert(next.saturating_add(1)),
            _ => *filter.to_seq.insert(next.saturating_sub(1)),
        };
        Ok(Some(last))
    }

    pub(crate) async fn look_through_rows(
        &self,
        filter: &Filter,
        page: Page,
        at_most: u64,
    ) -> Result<Looked, StoreError> {
        let mut filter = filter.on_page(page);
        let last = self.shorten(&mut filter, page.order, at_most).await?;
        let more = Page {
            after: None,
            limit: page.limit.saturating_add(1),
            order: page.order,
        };
        let mut looked = Looked::of(self.list_rows(&filter, more).await?, page.limit);
        looked.next = looked.next.or(last);
        Ok(looked)
    }

    pub(crate) async fn count_rows(
        &self,
        filter: &Filter,
        at_most: u64,
    ) -> Result<Count, StoreError> {
        let mut filter = filter.clone();
        let last = self
            .shorten(&mut filter, Order::NewestFirst, at_most)
            .await?;
        let query = Query::of(&filter, self.schema());
        let counts = query.sources.iter();
        let counts = counts.map(|Source { rows, .. }| format!("(SELECT count(*) {rows})"));
        let counts: Vec<_> = counts.chain(["0::bigint".to_owned()]).collect();
        let sql = format!("SELECT {} AS counted", counts.join(" + "));
        let row = self.reads.query_one(&sql, &query.values()).await?;
        Ok(Count {
            events: number(get(&row, "counted")?),
            is_all: last.is_none(),
        })
    }

    pub(crate) async fn group_rows(
        &self,
        filter: &Filter,
        by: Grouping,
        limits: GroupLimits,
    ) -> Result<Groups, StoreError> {
        let value = match by {
            Grouping::Error => "coalesce(d.error, t.last_error)",
            Grouping::Lane => "e.lane",
            _ => "e.event_type",
        };
        let mut filter = filter.clone();
        let last = self
            .shorten(&mut filter, Order::NewestFirst, limits.events)
            .await?;
        let query = Query::of(&filter, self.schema());
        let mut count = Count {
            events: 0,
            is_all: last.is_none(),
        };
        if query.sources.is_empty() {
            return Ok(Groups::new(Vec::new(), count));
        }
        let selected = query.sources.iter();
        let selected =
            selected.map(|Source { rows, .. }| format!("SELECT {value} AS value {rows}"));
        let selected: Vec<_> = selected.collect();
        let selected = selected.join(" UNION ALL ");
        let limit = limit(limits.groups);
        let sql = format!(
            "SELECT value, count(*) AS size, (sum(count(*)) OVER ())::bigint AS counted
             FROM ({selected}) AS matching GROUP BY value
             ORDER BY size DESC, value COLLATE \"C\" NULLS FIRST LIMIT {limit}"
        );
        let rows = self.reads.query(&sql, &query.values()).await?;
        if let Some(row) = rows.first() {
            count.events = number(get(row, "counted")?);
        }
        let groups = rows.iter().map(|row| {
            let size = number(get(row, "size")?);
            Ok(Group::new(get(row, "value")?, size))
        });
        let groups = groups.collect::<Result<_, Failure>>()?;
        Ok(Groups::new(groups, count))
    }

    pub(crate) async fn glance_at_rows(&self, at_most: u64) -> Result<Glance, StoreError> {
        let limit = i64::try_from(at_most).unwrap_or(i64::MAX);
        let limit = limit.saturating_add(1);
        let values = [(&limit as _, Type::INT8)];
        let row = self.reads.query_one(&self.sql.glance, &values).await?;
        let rows = |column| get::<i64>(&row, column).map(number);
        let age = |column| get::<Option<i64>>(&row, column).map(|age| age.map(duration));
        let count = |events, read: &[u64]| Count {
            events,
            is_all: read.iter().all(|read| *read <= at_most),
        };
        let (ready_heads, ready_free) = (rows("ready_heads")?, rows("ready_free")?);
        let (later_heads, later_free) = (rows("later_heads")?, rows("later_free")?);
        let (retried_heads, retried_free) = (rows("retried_heads")?, rows("retried_free")?);
        let (lanes, behind) = (rows("lanes")?, rows("behind")?);
        let ready = ready_heads.saturating_add(ready_free);
        let later = later_heads.saturating_add(later_free);
        let retried = retried_heads.saturating_add(retried_free);
        let mut glance = Glance::default();
        glance.ready = count(ready, &[ready_heads, ready_free]);
        glance.waiting = count(
            retried.saturating_add(behind),
            &[later_heads, later_free, lanes],
        );
        glance.leased = count(later.saturating_sub(retried), &[later_heads, later_free]);
        glance.dead = Count::up_to(at_most, rows("dead")?);
        glance.blocked_lanes = count(retried_heads, &[later_heads]);
        glance.oldest = age("oldest")?;
        glance.lag = age("lag")?;
        glance.workers = rows("workers")?;
        glance.worker_seen = age("worker_seen")?;
        Ok(glance)
    }
}
