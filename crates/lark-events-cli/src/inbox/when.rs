//! Times on the command line: points in time, and ages.

use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::utc::rfc_3339;

/// A point in time: an RFC 3339 time, or an age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct When(pub(super) SystemTime);

/// A length of time: a whole number with a unit, `s`, `m`, `h`, `d` or `w`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Age(pub(super) Duration);

impl FromStr for Age {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str =
            "expected an age: a whole number with s, m, h, d or w, such as 30m, 2h or 3d";
        let unit_at = text.find(|char: char| !char.is_ascii_digit());
        let (number, unit) = text.split_at(unit_at.ok_or(EXPECTED)?);
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            "w" => 7 * 86_400,
            _ => return Err(EXPECTED),
        };
        let number: u32 = number.parse().map_err(|_| EXPECTED)?;
        Ok(Self(Duration::from_secs(u64::from(number) * seconds)))
    }
}

impl FromStr for When {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(Age(age)) = text.parse() {
            let time = SystemTime::now().checked_sub(age);
            return Ok(Self(time.map_or(UNIX_EPOCH, |time| time.max(UNIX_EPOCH))));
        }
        let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| {
            "expected a time such as 2026-05-31T09:00:00+08:00, or an age such as 30m, 2h or 3d"
        })?;
        Ok(Self(time.into()))
    }
}

/// A time in UTC, to the millisecond: `2026-05-31T01:00:00.120Z`.
pub(super) fn utc(time: SystemTime) -> String {
    rfc_3339(time).unwrap_or_else(|| {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        format!("{} s since 1970", since.as_secs())
    })
}

/// A length of time in one unit, rounded down: `45s`, `12m`, `3h`, `5d`.
pub(super) fn short(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// The time since then; zero if it is in the future.
pub(super) fn since(then: SystemTime) -> Duration {
    SystemTime::now().duration_since(then).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_a_whole_number_with_a_unit() {
        for (text, seconds) in [
            ("0s", 0),
            ("90s", 90),
            ("5m", 300),
            ("2h", 7_200),
            ("3d", 259_200),
            ("1w", 604_800),
        ] {
            assert_eq!(text.parse(), Ok(Age(Duration::from_secs(seconds))));
        }
        for text in [
            "",
            "3",
            "h",
            "-1h",
            "1.5h",
            "1h30m",
            "1 h",
            "1H",
            "99999999999d",
        ] {
            assert!(text.parse::<Age>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_is_rfc_3339_or_an_age() {
        let When(time) = "2026-05-31T09:00:00.12+08:00".parse().unwrap();
        assert_eq!(utc(time), "2026-05-31T01:00:00.120Z");
        let When(ago) = "2h".parse().unwrap();
        let age = since(ago);
        assert!(age >= Duration::from_hours(2), "{age:?}");
        assert_eq!("4000000000d".parse(), Ok(When(UNIX_EPOCH)));
        for text in [
            "",
            "now",
            "2026-05-31",
            "2026-05-31T09:00:00",
            "2026-13-31T09:00:00Z",
        ] {
            assert!(text.parse::<When>().is_err(), "{text}");
        }
    }

    #[test]
    fn any_time_has_a_text() {
        let far = UNIX_EPOCH + Duration::from_secs(1 << 40);
        assert_eq!(utc(far), "1099511627776 s since 1970");
        for (seconds, text) in [(0, "0s"), (119, "119s"), (120, "2m"), (7_199, "119m")] {
            assert_eq!(short(Duration::from_secs(seconds)), text);
        }
        assert_eq!(short(Duration::from_hours(47)), "47h");
        assert_eq!(short(Duration::from_hours(48)), "2d");
    }
}
