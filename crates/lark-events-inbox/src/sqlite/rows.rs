//! Values of the tables.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use lark_events::{Delivery, Transport};
use rusqlite::Row;

use super::failure::Failure;
use crate::store::{AttemptOutcome, Entry};

/// A time in microseconds since 1970.
pub(super) fn micros(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    span(since.unwrap_or_default())
}

/// A time span in microseconds; the longest that fits for longer ones.
pub(super) fn span(time: Duration) -> i64 {
    // Half of the range, so that a sum of two fits.
    i64::try_from(time.as_micros())
        .unwrap_or(i64::MAX)
        .min(i64::MAX / 2)
}

pub(super) fn time(micros: i64) -> SystemTime {
    let since = Duration::from_micros(micros.unsigned_abs());
    let time = SystemTime::UNIX_EPOCH.checked_add(since);
    time.unwrap_or(SystemTime::UNIX_EPOCH)
}

/// The time from `now` until `then`; `None` if it has passed.
pub(super) fn until(then: i64, now: i64) -> Option<Duration> {
    let left = then.saturating_sub(now);
    (left > 0).then(|| Duration::from_micros(left.unsigned_abs()))
}

/// SQLite has no unsigned numbers of 64 bits; the bits stay the same.
pub(super) fn bits(number: u64) -> i64 {
    number.cast_signed()
}

pub(super) fn seq(number: i64) -> u64 {
    number.unsigned_abs()
}

pub(super) fn transport(name: &str) -> Transport {
    match name {
        "webhook" => Transport::Webhook,
        "long_connection" => Transport::LongConnection,
        _ => Transport::Local,
    }
}

pub(super) fn outcome(name: &str) -> AttemptOutcome {
    let known = AttemptOutcome::ALL.into_iter();
    let mut known = known.filter(|outcome| outcome.as_str() == name);
    known.next().unwrap_or(AttemptOutcome::Failed)
}

/// The columns that make an entry, for [`entry`].
pub(super) const ENTRY: &str =
    "e.document, e.transport, e.received_at, e.dedup_key, e.lane, e.trace";

/// Reads an entry from the columns of [`ENTRY`], which begin at `at`.
pub(super) fn entry(row: &Row<'_>, at: usize) -> Result<Entry, Failure> {
    let column = |offset: usize| at.saturating_add(offset);
    let document: Vec<u8> = row.get(column(0))?;
    let transport_name: String = row.get(column(1))?;
    let received_at: i64 = row.get(column(2))?;
    let delivery = Delivery::parse_unauthenticated(
        Bytes::from(document),
        transport(&transport_name),
        time(received_at),
    );
    let mut entry = Entry::new(delivery.map_err(|error| Failure::Row(error.to_string()))?);
    entry.key = row.get(column(3))?;
    entry.lane = row.get(column(4))?;
    entry.trace = row.get(column(5))?;
    Ok(entry)
}
