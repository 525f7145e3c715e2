//! Values of the tables.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use lark_events_inbox::{Entry, StoreError};
use sha2::{Digest as _, Sha256};
use tokio_postgres::Row;

/// A time span in microseconds. A longer one than a thousand years is as long as that: an `interval` and a
/// sum of times must fit.
pub(crate) fn span(time: Duration) -> i64 {
    const MAX: i64 = 1_000 * 365 * 24 * 3_600 * 1_000_000;
    i64::try_from(time.as_micros()).map_or(MAX, |micros| micros.min(MAX))
}

pub(crate) fn duration(micros: i64) -> Duration {
    Duration::from_micros(micros.max(0).unsigned_abs())
}

/// PostgreSQL has no unsigned numbers; the bits stay the same.
pub(crate) fn bits(number: u64) -> i64 {
    number.cast_signed()
}

pub(crate) fn number(bits: i64) -> u64 {
    bits.cast_unsigned()
}

/// The longest text in a column with an index, in bytes. An entry of a B-tree has at most 2,704.
const MAX_INDEXED: usize = 1_024;
/// What is kept of a longer one besides its hash, in bytes.
const KEPT: usize = 256;

/// A text as a column keeps it. PostgreSQL stores no NUL, and rejects a batch for it.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{2400}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// A text as a column with an index keeps it: the end of a very long one is its SHA-256.
pub(crate) fn indexed(given: &str) -> Cow<'_, str> {
    if given.len() <= MAX_INDEXED {
        return text(given);
    }
    let mut short = text(
        given
            .get(..given.floor_char_boundary(KEPT))
            .unwrap_or_default(),
    )
    .into_owned();
    short.push('…');
    for byte in Sha256::digest(given) {
        // Writing to a string does not fail.
        let _ = write!(short, "{byte:02x}");
    }
    Cow::Owned(short)
}

/// Reads an entry from the columns `document`, `transport`, `received_at`, `dedup_key`, `lane` and `trace`.
pub(crate) fn entry(row: &Row) -> Result<Entry, StoreError> {
    let document: Vec<u8> = get(row, "document")?;
    let received_at: SystemTime = get(row, "received_at")?;
    let mut entry = Entry::from_document(document, get(row, "transport")?, received_at)?;
    entry.key = get(row, "dedup_key")?;
    entry.lane = get(row, "lane")?;
    entry.trace = get(row, "trace")?;
    Ok(entry)
}

/// Reads a column.
pub(crate) fn get<'a, T: tokio_postgres::types::FromSql<'a>>(
    row: &'a Row,
    column: &str,
) -> Result<T, crate::failure::Failure> {
    Ok(row.try_get(column)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_fits_its_column() {
        assert_eq!(indexed("oc_1"), "oc_1");
        assert_eq!(text("a\0b"), "a\u{2400}b");
        let long = "会".repeat(1_000);
        let longer = "会".repeat(1_001);
        assert!(indexed(&long).len() < MAX_INDEXED);
        assert_ne!(indexed(&long), indexed(&longer));
        assert!(!indexed(&format!("\0{long}")).contains('\0'));
    }

    #[test]
    fn a_long_time_fits_an_interval() {
        assert_eq!(span(Duration::from_millis(1)), 1_000);
        assert_eq!(
            span(Duration::MAX),
            span(Duration::from_hours(1_000 * 365 * 24))
        );
    }
}
