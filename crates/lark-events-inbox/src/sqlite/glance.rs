//! The status with counts up to a limit: each reads so many rows of an index, and no more.

use rusqlite::{Connection, params};

use super::failure::Failure;
use super::rows::seq;
use super::steps;
use crate::admin::{Count, Glance};
use crate::store::Status;

const HEADS: &str = "FROM task WHERE is_head = 1 AND lane IS NOT NULL AND visible_at";
const FREE: &str = "FROM task WHERE lane IS NULL AND visible_at";

/// The rows that were read, and how many of them have a property.
struct Rows {
    all: u64,
    some: u64,
    is_end: bool,
}

pub(super) fn glance(connection: &Connection, at_most: u64, now: i64) -> Result<Glance, Failure> {
    let limit = i64::try_from(at_most).unwrap_or(i64::MAX).saturating_add(1);
    let rows = |some: &str, from: &str, order: &str| -> Result<Rows, Failure> {
        // `?1` is the time, also where it is not asked for.
        let sql = format!(
            "SELECT count(*), coalesce(sum({some}), 0)
             FROM (SELECT * {from} ORDER BY {order} LIMIT ?2) WHERE ?1 = ?1"
        );
        let mut rows = connection.prepare(&sql)?;
        let (all, some) =
            rows.query_row(params![now, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (all, some) = (seq(all), seq(some));
        Ok(Rows {
            all,
            some,
            is_end: all <= at_most,
        })
    };
    let by_time = "visible_at, seq";
    let ready_heads = rows("0", &format!("{HEADS} <= ?1"), by_time)?;
    let ready_free = rows("0", &format!("{FREE} <= ?1"), by_time)?;
    let later_heads = rows("fence IS NULL", &format!("{HEADS} > ?1"), by_time)?;
    let later_free = rows("fence IS NULL", &format!("{FREE} > ?1"), by_time)?;
    let lanes = rows(
        "is_head = 0",
        "FROM task WHERE lane IS NOT NULL",
        "lane, seq",
    )?;
    let dead = rows("0", "FROM dead", "seq")?;
    let Status {
        oldest,
        lag,
        workers,
        worker_seen,
        ..
    } = steps::facts(connection, now)?;
    let count = |parts: &[(u64, bool)]| Count {
        events: parts.iter().map(|(events, _)| events).sum(),
        is_all: parts.iter().all(|(_, is_end)| *is_end),
    };
    let retried = |later: &Rows| (later.some, later.is_end);
    let leased = |later: &Rows| (later.all.saturating_sub(later.some), later.is_end);
    Ok(Glance {
        ready: count(&[
            (ready_heads.all, ready_heads.is_end),
            (ready_free.all, ready_free.is_end),
        ]),
        waiting: count(&[
            retried(&later_heads),
            retried(&later_free),
            (lanes.some, lanes.is_end),
        ]),
        leased: count(&[leased(&later_heads), leased(&later_free)]),
        dead: Count::up_to(at_most, dead.all),
        blocked_lanes: count(&[retried(&later_heads)]),
        oldest,
        lag,
        workers,
        worker_seen,
    })
}
