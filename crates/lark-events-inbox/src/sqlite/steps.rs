//! The calls of a store as statements. Each runs within the write lock, so no other writer comes between
//! choosing the head of a lane and setting its flag.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::failure::Failure;
use super::rows::{ENTRY, bits, entry, micros, seq, span, until};
use crate::monitor::Monitor;
use crate::store::{
    Appended, Claimed, Entry, Fence, Settled, Settlement, Status, WorkerId, WorkerState,
};

/// The maximum number of events that one call prunes.
const MAX_PRUNED: i64 = 5_000;

pub(super) fn append(
    connection: &Connection,
    batch: &[Entry],
    now: i64,
) -> Result<Vec<Appended>, Failure> {
    let mut event = connection.prepare_cached(
        "INSERT INTO event (dedup_key, app_id, event_type, event_id, tenant_key, lane, transport,
            received_at, keep_until, trace, document)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (dedup_key) DO NOTHING",
    )?;
    // A batch of nothing but duplicates is a commit too: the first may not be on disk yet.
    let mut redelivered = connection
        .prepare_cached("UPDATE event SET redelivered = redelivered + 1 WHERE dedup_key = ?1")?;
    let mut task = connection.prepare_cached(
        "INSERT INTO task (seq, lane, is_head, visible_at)
         VALUES (?1, ?2, ?2 IS NULL OR NOT EXISTS (SELECT 1 FROM task WHERE lane = ?2), ?3)",
    )?;
    let mut appended = Vec::with_capacity(batch.len());
    for entry in batch {
        let header = &entry.delivery.header;
        let inserted = event.execute(params![
            entry.key,
            header.app_id,
            header.event_type,
            header.event_id,
            header.tenant_key,
            entry.lane,
            entry.delivery.transport.as_str(),
            micros(entry.delivery.received_at),
            now.saturating_add(span(entry.kept)),
            entry.trace,
            &*entry.delivery.to_document(),
        ])?;
        appended.push(if inserted == 0 {
            redelivered.execute([&entry.key])?;
            Appended::Duplicate
        } else {
            let seq = connection.last_insert_rowid();
            task.execute(params![seq, entry.lane, now])?;
            Appended::New
        });
    }
    Ok(appended)
}

const READY_HEADS: &str = "SELECT seq, visible_at FROM task
    WHERE is_head = 1 AND lane IS NOT NULL AND visible_at <= ?1 ORDER BY visible_at, seq LIMIT ?2";
const READY_FREE: &str = "SELECT seq, visible_at FROM task
    WHERE lane IS NULL AND visible_at <= ?1 ORDER BY visible_at, seq LIMIT ?2";

/// Whether an event could be claimed.
pub(super) fn is_waiting(connection: &Connection, now: i64) -> Result<bool, Failure> {
    for ready in [READY_HEADS, READY_FREE] {
        if connection.prepare_cached(ready)?.exists(params![now, 1])? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How many events a claim takes, and whether it begins with a lane.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    pub(super) max: usize,
    pub(super) lane_is_first: bool,
}

pub(super) fn claim(
    connection: &Connection,
    turn: Turn,
    lease: Duration,
    now: i64,
) -> Result<Vec<Claimed>, Failure> {
    let ready = |sql| {
        let mut ready = connection.prepare_cached(sql)?;
        let limit = i64::try_from(turn.max).unwrap_or(i64::MAX);
        let rows = ready.query_map(params![now, limit], |row| row.get(0))?;
        rows.collect::<Result<Vec<i64>, _>>()
    };
    let (heads, free) = (ready(READY_HEADS)?, ready(READY_FREE)?);
    let (first, second) = if turn.lane_is_first {
        (heads, free)
    } else {
        (free, heads)
    };
    let mut taken = connection.prepare_cached(
        "UPDATE task SET visible_at = ?2, attempt = attempt + 1, fence = ?3 WHERE seq = ?1
         RETURNING attempt",
    )?;
    let sql = format!("SELECT {ENTRY} FROM event e WHERE e.seq = ?1");
    let mut event = connection.prepare_cached(&sql)?;
    let mut claimed = Vec::new();
    for number in in_turns(first, second).take(turn.max) {
        let fence = Fence::draw(seq(number));
        let visible_at = now.saturating_add(span(lease));
        let values = params![number, visible_at, bits(fence.nonce())];
        let attempt = taken.query_row(values, |row| row.get(0))?;
        let read = event.query_row([number], |row| Ok(entry(row, 0)))?;
        match read {
            Ok(entry) => claimed.push(Claimed::new(fence, attempt, entry)),
            // Nobody can handle it: an operator looks at it.
            Err(failure @ Failure::Row(_)) => {
                bury(connection, number, attempt, Some(&failure.to_string()), now)?;
                remove(connection, number, now)?;
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(claimed)
}

/// The numbers of both lists in turns, and then the rest of the longer one.
fn in_turns(first: Vec<i64>, second: Vec<i64>) -> impl Iterator<Item = i64> {
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut first_is_next = false;
    std::iter::from_fn(move || {
        first_is_next = !first_is_next;
        if first_is_next {
            first.next().or_else(|| second.next())
        } else {
            second.next().or_else(|| first.next())
        }
    })
}

pub(super) fn extend(
    connection: &Connection,
    fences: &[Fence],
    lease: Duration,
    now: i64,
) -> Result<Vec<bool>, Failure> {
    let sql = "UPDATE task SET visible_at = ?3 WHERE seq = ?1 AND fence = ?2";
    let mut extended = connection.prepare_cached(sql)?;
    let visible_at = now.saturating_add(span(lease));
    let results = fences.iter().map(|fence| {
        let values = params![bits(fence.seq()), bits(fence.nonce()), visible_at];
        Ok(extended.execute(values)? == 1)
    });
    results.collect()
}

pub(super) fn settle(
    connection: &Connection,
    settlements: &[Settlement],
    now: i64,
) -> Result<Vec<bool>, Failure> {
    let results = settlements.iter();
    results
        .map(|settlement| settle_one(connection, settlement, now))
        .collect()
}

fn settle_one(connection: &Connection, settlement: &Settlement, now: i64) -> Result<bool, Failure> {
    let (number, nonce) = (bits(settlement.fence.seq()), bits(settlement.fence.nonce()));
    let mut held =
        connection.prepare_cached("SELECT attempt FROM task WHERE seq = ?1 AND fence = ?2")?;
    let held = held
        .query_row([number, nonce], |row| row.get(0))
        .optional()?;
    let Some(attempt) = held else {
        return Ok(false);
    };
    record(connection, settlement, attempt, now)?;
    let error = settlement.error.as_deref();
    match settlement.settled {
        Settled::Done => {
            remove(connection, number, now)?;
        }
        Settled::Dead => {
            bury(connection, number, attempt, error, now)?;
            remove(connection, number, now)?;
        }
        Settled::RetryIn(delay) => show_at(connection, number, delay, attempt, error, now)?,
        Settled::Release(delay) => {
            let attempt = attempt.saturating_sub(1);
            show_at(connection, number, delay, attempt, error, now)?;
        }
        Settled::SetAside(delay) => {
            let attempt = attempt.saturating_sub(1);
            let lane = "SELECT lane FROM task WHERE seq = ?1";
            let mut lane = connection.prepare_cached(lane)?;
            let lane: Option<String> = lane.query_row([number], |row| row.get(0))?;
            let aside = "UPDATE task SET lane = NULL, is_head = 1 WHERE seq = ?1";
            connection.prepare_cached(aside)?.execute([number])?;
            show_at(connection, number, delay, attempt, error, now)?;
            promote(connection, lane.as_deref(), now)?;
        }
    }
    Ok(true)
}

fn record(
    connection: &Connection,
    settlement: &Settlement,
    attempt: u32,
    now: i64,
) -> Result<(), Failure> {
    let sql = "INSERT OR REPLACE INTO attempt (seq, number, ended_at, took, outcome, error)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    connection.prepare_cached(sql)?.execute(params![
        bits(settlement.fence.seq()),
        attempt,
        now,
        span(settlement.took),
        settlement.outcome.as_str(),
        settlement.error,
    ])?;
    Ok(())
}

/// Lets a task become visible again after `delay`.
fn show_at(
    connection: &Connection,
    number: i64,
    delay: Duration,
    attempt: u32,
    error: Option<&str>,
    now: i64,
) -> Result<(), Failure> {
    let sql = "UPDATE task SET visible_at = ?2, attempt = ?3, last_error = ?4, fence = NULL
        WHERE seq = ?1";
    let visible_at = now.saturating_add(span(delay));
    let values = params![number, visible_at, attempt, error];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

fn bury(
    connection: &Connection,
    number: i64,
    attempts: u32,
    error: Option<&str>,
    now: i64,
) -> Result<(), Failure> {
    let sql = "INSERT OR REPLACE INTO dead (seq, attempts, error, died_at) VALUES (?1, ?2, ?3, ?4)";
    let values = params![number, attempts, error, now];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// Removes a task, and promotes the next of its lane.
pub(super) fn remove(connection: &Connection, number: i64, now: i64) -> Result<(), Failure> {
    let sql = "DELETE FROM task WHERE seq = ?1 RETURNING lane";
    let mut removed = connection.prepare_cached(sql)?;
    let lane: Option<Option<String>> = removed.query_row([number], |row| row.get(0)).optional()?;
    promote(connection, lane.flatten().as_deref(), now)
}

/// Makes the first task of a lane its head, visible now: behind the heads that wait already. The head
/// that is there stays.
fn promote(connection: &Connection, lane: Option<&str>, now: i64) -> Result<(), Failure> {
    let Some(lane) = lane else {
        return Ok(());
    };
    let sql = "UPDATE task SET is_head = 1, visible_at = ?2
        WHERE seq = (SELECT min(seq) FROM task WHERE lane = ?1)
            AND NOT EXISTS (SELECT 1 FROM task WHERE lane = ?1 AND is_head = 1)";
    connection
        .prepare_cached(sql)?
        .execute(params![lane, now])?;
    Ok(())
}

/// Puts an event into the queue that is not there.
pub(super) fn enqueue(connection: &Connection, number: i64, now: i64) -> Result<(), Failure> {
    let sql = "INSERT INTO task (seq, lane, is_head, visible_at)
        SELECT seq, lane, lane IS NULL OR NOT EXISTS (SELECT 1 FROM task t WHERE t.lane = e.lane), ?2
        FROM event e WHERE seq = ?1";
    connection
        .prepare_cached(sql)?
        .execute(params![number, now])?;
    Ok(())
}

/// When the next event becomes visible, or became visible.
fn first_visible(connection: &Connection) -> Result<Option<i64>, Failure> {
    let mut next: Option<i64> = None;
    for kind in ["is_head = 1 AND lane IS NOT NULL", "lane IS NULL"] {
        let sql = format!("SELECT min(visible_at) FROM task WHERE {kind}");
        let mut first = connection.prepare_cached(&sql)?;
        let first: Option<i64> = first.query_row((), |row| row.get(0))?;
        next = next.into_iter().chain(first).min();
    }
    Ok(next)
}

/// The time until the next event becomes visible.
pub(super) fn next_visible(connection: &Connection, now: i64) -> Result<Option<Duration>, Failure> {
    let next = first_visible(connection)?;
    Ok(next.map(|next| until(next, now).unwrap_or_default()))
}

pub(super) fn data_version(connection: &Connection) -> Result<i64, Failure> {
    let mut version = connection.prepare_cached("PRAGMA data_version")?;
    Ok(version.query_row((), |row| row.get(0))?)
}

pub(super) fn status(connection: &Connection, now: i64) -> Result<Status, Failure> {
    let count = |sql: &str| -> Result<u64, Failure> {
        let mut counted = connection.prepare_cached(sql)?;
        let counted = if sql.contains("?1") {
            counted.query_row([now], |row| row.get(0))?
        } else {
            counted.query_row((), |row| row.get(0))?
        };
        Ok(seq(counted))
    };
    let all = count("SELECT count(*) FROM task")?;
    let heads = "FROM task WHERE is_head = 1 AND lane IS NOT NULL AND visible_at";
    let free = "FROM task WHERE lane IS NULL AND visible_at";
    let ready_heads = count(&format!("SELECT count(*) {heads} <= ?1"))?;
    let ready_free = count(&format!("SELECT count(*) {free} <= ?1"))?;
    let blocked = count(&format!("SELECT count(*) {heads} > ?1 AND fence IS NULL"))?;
    let leased_heads = count(&format!(
        "SELECT count(*) {heads} > ?1 AND fence IS NOT NULL"
    ))?;
    let leased_free = count(&format!(
        "SELECT count(*) {free} > ?1 AND fence IS NOT NULL"
    ))?;
    let ready = ready_heads.saturating_add(ready_free);
    let leased = leased_heads.saturating_add(leased_free);
    Ok(Status {
        ready,
        leased,
        waiting: all.saturating_sub(ready).saturating_sub(leased),
        dead: count("SELECT count(*) FROM dead")?,
        blocked_lanes: blocked,
        ..facts(connection, now)?
    })
}

/// The facts of a status that are not counts of events.
pub(super) fn facts(connection: &Connection, now: i64) -> Result<Status, Failure> {
    let oldest = "SELECT received_at FROM event WHERE seq = (SELECT min(seq) FROM task)";
    let mut oldest = connection.prepare_cached(oldest)?;
    let oldest: Option<i64> = oldest.query_row((), |row| row.get(0)).optional()?;
    let lag = first_visible(connection)?.filter(|at| *at <= now);
    let since = now.saturating_sub(span(Monitor::MAX_ALONE));
    let mut running = connection
        .prepare_cached("SELECT count(*) FROM worker WHERE is_running = 1 AND seen_at >= ?1")?;
    let running: i64 = running.query_row([since], |row| row.get(0))?;
    let mut seen = connection.prepare_cached("SELECT max(seen_at) FROM worker")?;
    let seen: Option<i64> = seen.query_row((), |row| row.get(0))?;
    let age = |then| until(now, then).unwrap_or_default();
    Ok(Status {
        oldest: oldest.map(age),
        lag: lag.map(age),
        workers: seq(running),
        worker_seen: seen.map(age),
        ..Status::default()
    })
}

pub(super) fn heartbeat(
    connection: &Connection,
    worker: WorkerId,
    state: WorkerState,
    now: i64,
) -> Result<(), Failure> {
    let id = bits(worker.get());
    if state == WorkerState::Stopped {
        connection
            .prepare_cached("DELETE FROM worker WHERE id = ?1")?
            .execute([id])?;
        return Ok(());
    }
    let sql = "INSERT OR REPLACE INTO worker (id, is_running, seen_at) VALUES (?1, ?2, ?3)";
    let is_running = state == WorkerState::Running;
    connection
        .prepare_cached(sql)?
        .execute(params![id, is_running, now])?;
    // Those of processes that died long ago.
    let forgotten = now.saturating_sub(span(Duration::from_hours(24)));
    let sql = "DELETE FROM worker WHERE seen_at < ?1";
    connection.prepare_cached(sql)?.execute([forgotten])?;
    Ok(())
}

/// Removes finished events, and the claims of other handlers, that are older than `age`.
pub(super) fn prune(connection: &Connection, age: Duration, now: i64) -> Result<u64, Failure> {
    let before = now.saturating_sub(span(age));
    let sql = "SELECT seq FROM event e WHERE received_at < ?1 AND keep_until < ?3
            AND NOT EXISTS (SELECT 1 FROM task WHERE seq = e.seq)
            AND NOT EXISTS (SELECT 1 FROM dead WHERE seq = e.seq)
        ORDER BY received_at LIMIT ?2";
    let mut old = connection.prepare_cached(sql)?;
    let old = old.query_map([before, MAX_PRUNED, now], |row| row.get(0))?;
    let old: Vec<i64> = old.collect::<Result<_, _>>()?;
    let mut attempts = connection.prepare_cached("DELETE FROM attempt WHERE seq = ?1")?;
    let mut event = connection.prepare_cached("DELETE FROM event WHERE seq = ?1")?;
    for number in &old {
        attempts.execute([number])?;
        event.execute([number])?;
    }
    connection
        .prepare_cached("DELETE FROM claim WHERE until < ?1")?
        .execute([now])?;
    Ok(old.len() as u64)
}
