//! Lists and counts of events. Each can end after a number of rows, so that it costs no more than those.

use lark_events::Transport;
use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter};

use super::failure::Failure;
use super::query::{Query, Source};
use super::rows::{seq, time, until};
use crate::admin::{
    Count, Filter, Group, GroupLimits, Grouping, Groups, Listed, Looked, Order, Page, State,
};

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

pub(super) fn list(
    connection: &Connection,
    filter: &Filter,
    page: Page,
    now: i64,
) -> Result<Vec<Listed>, Failure> {
    let query = Query::of(&filter.on_page(page), now);
    if query.sources.is_empty() {
        return Ok(Vec::new());
    }
    let (limit, direction) = (limit(page.limit), direction(page.order));
    let pages = query.sources.iter();
    let pages = pages.map(|Source { seq, rows, .. }| {
        format!("SELECT {LISTED} {rows} ORDER BY {seq} {direction} LIMIT {limit}")
    });
    let pages: Vec<_> = pages.collect();
    let sql = match &pages[..] {
        [page] => page.clone(),
        pages => {
            let pages = pages.join(") UNION ALL SELECT * FROM (");
            format!("SELECT * FROM ({pages}) ORDER BY seq {direction} LIMIT {limit}")
        }
    };
    let mut rows = connection.prepare(&sql)?;
    let values = params_from_iter(query.values);
    let rows = rows.query_map(values, |row| listed(row, now))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn direction(order: Order) -> &'static str {
    match order {
        Order::OldestFirst => "ASC",
        Order::NewestFirst => "DESC",
    }
}

/// Leaves a filter the first rows of its tables, at most so many. Returns the number of the last of them, if there
/// are more.
fn shorten(
    connection: &Connection,
    filter: &mut Filter,
    order: Order,
    at_most: u64,
    now: i64,
) -> Result<Option<u64>, Failure> {
    let query = Query::of(filter, now);
    let (Ok(at_most), false) = (i64::try_from(at_most), query.sources.is_empty()) else {
        return Ok(None);
    };
    let direction = direction(order);
    let page = at_most.saturating_add(1);
    let tables = query.sources.iter().filter_map(|source| source.table);
    let tables = tables.map(|table| {
        let range = [(">=", filter.from_seq), ("<=", filter.to_seq)];
        let range = range.map(|(operator, end)| match end {
            Some(end) => format!("seq {operator} {}", i64::try_from(end).unwrap_or(i64::MAX)),
            None => "1".to_owned(),
        });
        let range = range.join(" AND ");
        format!("SELECT seq FROM {table} WHERE {range} ORDER BY seq {direction} LIMIT {page}")
    });
    let tables: Vec<_> = tables.collect();
    if tables.is_empty() {
        return Ok(None);
    }
    let tables = tables.join(") UNION ALL SELECT * FROM (");
    let sql = format!(
        "SELECT seq FROM (SELECT * FROM ({tables})) ORDER BY seq {direction} LIMIT 1 OFFSET {at_most}"
    );
    let mut next = connection.prepare(&sql)?;
    let next: Option<i64> = next.query_row((), |row| row.get(0)).optional()?;
    Ok(next.map(|next| {
        let next = seq(next);
        match order {
            Order::OldestFirst => {
                let last = next.saturating_sub(1);
                filter.to_seq = Some(last);
                last
            }
            Order::NewestFirst => {
                let last = next.saturating_add(1);
                filter.from_seq = Some(last);
                last
            }
        }
    }))
}

pub(super) fn look_through(
    connection: &Connection,
    filter: &Filter,
    page: Page,
    at_most: u64,
    now: i64,
) -> Result<Looked, Failure> {
    let mut filter = filter.on_page(page);
    let last = shorten(connection, &mut filter, page.order, at_most, now)?;
    let more = Page {
        after: None,
        limit: page.limit.saturating_add(1),
        order: page.order,
    };
    let listed = list(connection, &filter, more, now)?;
    let mut looked = Looked::of(listed, page.limit);
    looked.next = looked.next.or(last);
    Ok(looked)
}

pub(super) fn count(
    connection: &Connection,
    filter: &Filter,
    at_most: u64,
    now: i64,
) -> Result<Count, Failure> {
    let mut filter = filter.clone();
    let last = shorten(connection, &mut filter, Order::NewestFirst, at_most, now)?;
    let query = Query::of(&filter, now);
    let mut counted: u64 = 0;
    for Source { rows, .. } in &query.sources {
        let mut count = connection.prepare(&format!("SELECT count(*) {rows}"))?;
        let count: i64 = count.query_row(params_from_iter(&query.values), |row| row.get(0))?;
        counted = counted.saturating_add(seq(count));
    }
    Ok(Count {
        events: counted,
        is_all: last.is_none(),
    })
}

pub(super) fn groups(
    connection: &Connection,
    filter: &Filter,
    by: Grouping,
    limits: GroupLimits,
    now: i64,
) -> Result<Groups, Failure> {
    let value = match by {
        Grouping::EventType => "e.event_type",
        Grouping::Error => "coalesce(d.error, t.last_error)",
        Grouping::Lane => "e.lane",
    };
    let mut filter = filter.clone();
    let order = Order::NewestFirst;
    let last = shorten(connection, &mut filter, order, limits.events, now)?;
    let query = Query::of(&filter, now);
    let mut count = Count {
        events: 0,
        is_all: last.is_none(),
    };
    if query.sources.is_empty() {
        return Ok(Groups::new(Vec::new(), count));
    }
    let selected = query.sources.iter();
    let selected = selected.map(|Source { rows, .. }| format!("SELECT {value} AS value {rows}"));
    let selected: Vec<_> = selected.collect();
    let selected = selected.join(" UNION ALL ");
    let limit = limit(limits.groups);
    let sql = format!(
        "SELECT value, size, sum(size) OVER () FROM (
             SELECT value, count(*) AS size FROM ({selected}) GROUP BY value
         ) ORDER BY size DESC, value LIMIT {limit}"
    );
    let mut groups = connection.prepare(&sql)?;
    let groups = groups.query_map(params_from_iter(query.values), |row| {
        count.events = seq(row.get(2)?);
        Ok(Group::new(row.get(0)?, seq(row.get(1)?)))
    })?;
    let groups = groups.collect::<Result<_, _>>()?;
    Ok(Groups::new(groups, count))
}
