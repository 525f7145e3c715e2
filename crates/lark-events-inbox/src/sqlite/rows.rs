//! Values of the tables.

use std::time::{Duration, SystemTime};

use rusqlite::Row;

use super::failure::Failure;
use crate::store::Entry;

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

/// The columns that make an entry, for [`entry`].
pub(super) const ENTRY: &str =
    "e.document, e.transport, e.received_at, e.dedup_key, e.lane, e.trace";

/// Reads an entry from the columns of [`ENTRY`], which begin at `at`.
pub(super) fn entry(row: &Row<'_>, at: usize) -> Result<Entry, Failure> {
    let column = |offset: usize| at.saturating_add(offset);
    let document: Vec<u8> = row.get(column(0))?;
    let transport_name: String = row.get(column(1))?;
    let received_at: i64 = row.get(column(2))?;
    let entry = Entry::from_document(document, &transport_name, time(received_at));
    let mut entry = entry.map_err(Failure::Row)?;
    entry.key = row.get(column(3))?;
    entry.lane = row.get(column(4))?;
    entry.trace = row.get(column(5))?;
    Ok(entry)
}
