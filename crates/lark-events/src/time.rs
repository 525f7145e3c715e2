//! The platform's timestamps, strings in four formats, and those of RFC 3339.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Reads a platform timestamp. Its magnitude decides the unit: seconds below 10¹¹, milliseconds below
/// 10¹⁴, microseconds below 10¹⁷. Seconds may have a fraction.
pub(crate) fn parse_time(text: &str) -> Option<SystemTime> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let since_epoch = match whole {
        0..100_000_000_000 => {
            Duration::from_secs(whole).saturating_add(fraction_of_second(fraction))
        }
        100_000_000_000..100_000_000_000_000 => Duration::from_millis(whole),
        100_000_000_000_000..100_000_000_000_000_000 => Duration::from_micros(whole),
        _ => return None,
    };
    UNIX_EPOCH.checked_add(since_epoch)
}

/// The digits after a decimal point, of which the first nine count.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "nine digits, and nothing but digits, are less than a second"
)]
fn fraction_of_second(digits: &str) -> Duration {
    let nanos = digits
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(9)
        .fold(0, |nanos, digit| nanos * 10 + u64::from(digit - b'0'));
    Duration::from_nanos(nanos)
}

const DAY: u64 = 86_400;

/// From the beginning of the year 1 to the Unix epoch.
const EPOCH: Duration = Duration::from_secs(719_162 * DAY);

/// From the beginning of the year 1 to the end of the year 9999, the last with four digits.
const END: Duration = Duration::from_secs(3_652_059 * DAY);

/// Writes a time in RFC 3339 and UTC, with as many digits of the second as it needs: none, three, six or
/// nine. `None` outside the years 1 to 9999.
pub(crate) fn rfc_3339(time: SystemTime) -> Option<String> {
    let since_year_1 = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => EPOCH.checked_add(after)?,
        Err(before) => EPOCH.checked_sub(before.duration())?,
    };
    if since_year_1 >= END {
        return None;
    }
    let seconds = since_year_1.as_secs();
    let (year, month, day) = date(seconds / DAY);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let nanos = since_year_1.subsec_nanos();
    let fraction = match nanos {
        0 => String::new(),
        _ if nanos % 1_000_000 == 0 => format!(".{:03}", nanos / 1_000_000),
        _ if nanos % 1_000 == 0 => format!(".{:06}", nanos / 1_000),
        _ => format!(".{nanos:09}"),
    };
    Some(format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z"
    ))
}

/// Year, month and day of the Gregorian calendar, from the days since the beginning of the year 1.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "the years 1 to 9999 have less than four million days"
)]
fn date(days: u64) -> (u64, u64, u64) {
    // Every period begins with the year after a leap year, so that only its last day is irregular.
    let (centuries_4, days) = (days / 146_097, days % 146_097);
    let centuries = (days / 36_524).min(3);
    let days = days - centuries * 36_524;
    let (years_4, days) = (days / 1_461, days % 1_461);
    let years = (days / 365).min(3);
    let mut days = days - years * 365;

    let year = 1 + 400 * centuries_4 + 100 * centuries + 4 * years_4 + years;
    let is_leap = years == 3 && (years_4 != 24 || centuries == 3);
    let february = if is_leap { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos(text: &str) -> Option<u128> {
        let time = parse_time(text)?.duration_since(UNIX_EPOCH).unwrap();
        Some(time.as_nanos())
    }

    #[test]
    fn the_unit_is_told_by_magnitude() {
        for (text, expected) in [
            ("0", 0),
            ("1502199207.7171419", 1_502_199_207_717_141_900),
            ("1502199207.1234567899", 1_502_199_207_123_456_789),
            ("99999999999", 99_999_999_999_000_000_000),
            ("100000000000", 100_000_000_000_000_000),
            ("1608725989123", 1_608_725_989_123_000_000),
            ("99999999999999", 99_999_999_999_999_000_000),
            ("100000000000000", 100_000_000_000_000_000),
            ("1603977298000001", 1_603_977_298_000_001_000),
            ("99999999999999999", 99_999_999_999_999_999_000),
        ] {
            assert_eq!(nanos(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_timestamp_is_none() {
        for odd in [
            "",
            ".5",
            "-1",
            "+1",
            "1e9",
            "12 ",
            "1.x",
            "１",
            "100000000000000000",
            "18446744073709551616",
        ] {
            assert_eq!(parse_time(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn every_day_of_four_digit_years_has_its_date() {
        let mut days = 0;
        for year in 1..=9999 {
            let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            for month in 1..=12 {
                let length = match month {
                    2 if is_leap => 29,
                    2 => 28,
                    4 | 6 | 9 | 11 => 30,
                    _ => 31,
                };
                for day in 1..=length {
                    assert_eq!(date(days), (year, month, day));
                    days += 1;
                }
            }
        }
        assert_eq!(days * DAY, END.as_secs());
    }

    #[test]
    fn times_are_written_in_rfc_3339() {
        let after = |seconds, nanos| UNIX_EPOCH + Duration::new(seconds, nanos);
        let before = |seconds, nanos| UNIX_EPOCH - Duration::new(seconds, nanos);
        for (time, expected) in [
            (UNIX_EPOCH, "1970-01-01T00:00:00Z"),
            (after(1_608_725_989, 0), "2020-12-23T12:19:49Z"),
            (
                after(1_608_725_989, 120_000_000),
                "2020-12-23T12:19:49.120Z",
            ),
            (
                after(1_502_199_207, 717_141_000),
                "2017-08-08T13:33:27.717141Z",
            ),
            (
                after(1_502_199_207, 717_141_900),
                "2017-08-08T13:33:27.717141900Z",
            ),
            (after(951_827_696, 1), "2000-02-29T12:34:56.000000001Z"),
            (before(0, 1), "1969-12-31T23:59:59.999999999Z"),
            (before(62_135_596_800, 0), "0001-01-01T00:00:00Z"),
            (after(253_402_300_799, 0), "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc_3339(time).as_deref(), Some(expected));
        }
        assert_eq!(rfc_3339(before(62_135_596_801, 0)), None);
        assert_eq!(rfc_3339(after(253_402_300_800, 0)), None);
    }
}
