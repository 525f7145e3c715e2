//! Points in time as RFC 3339.

use std::time::{SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A time in UTC, always with three digits of the second: `2026-05-31T01:00:00.120Z`. Times before 1970 count as
/// 1970. `None` after the year 9999.
pub(crate) fn rfc_3339(time: SystemTime) -> Option<String> {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).ok()?;
    let time = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
    // The format of `time` leaves out zeros at the end of the fraction.
    let text = time.format(&Rfc3339).ok()?;
    let whole = text.strip_suffix('Z')?;
    Some(format!("{whole}.{:03}Z", since.subsec_millis()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_time_always_has_milliseconds() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (910_000, "1970-01-01T00:00:00.910Z"),
            (1_780_189_200_000_000, "2026-05-31T01:00:00.000Z"),
            (1_780_189_200_120_000, "2026-05-31T01:00:00.120Z"),
            (1_780_189_200_125_900, "2026-05-31T01:00:00.125Z"),
            (253_402_300_799_999_999, "9999-12-31T23:59:59.999Z"),
        ] {
            let time = UNIX_EPOCH + Duration::from_micros(micros);
            assert_eq!(rfc_3339(time).as_deref(), Some(text));
        }
        let year_10_000 = UNIX_EPOCH + Duration::from_secs(253_402_300_800);
        assert_eq!(rfc_3339(year_10_000), None);
    }
}
