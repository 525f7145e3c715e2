//! Times for readers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use maud::{Markup, html};

const SECONDS_OF_A_DAY: u64 = 24 * 60 * 60;

/// A time in UTC.
pub(super) fn moment(time: SystemTime) -> Markup {
    let (date, clock) = utc(time);
    html! { time datetime={ (date) "T" (clock) "Z" } { (date) " " (clock) " UTC" } }
}

fn utc(time: SystemTime) -> (String, String) {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, rest) = (
        seconds.as_secs() / SECONDS_OF_A_DAY,
        seconds.as_secs() % SECONDS_OF_A_DAY,
    );
    let (year, month, day) = date(days);
    (
        format!("{year:04}-{month:02}-{day:02}"),
        format!("{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60),
    )
}

/// Year, month and day of a number of days since 1970, in years that begin in March, so that a leap day is the
/// last.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "days of a u64 of seconds are far from the limits"
)]
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

/// A duration: `340 ms`, `12.5 s`, `3 min 20 s`, `5 h 12 min`, `2 d 3 h`.
pub(super) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format!("{} ms", time.as_millis()),
        1..60 => format!("{:.1} s", time.as_secs_f64()),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..SECONDS_OF_A_DAY => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / SECONDS_OF_A_DAY, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_in_utc() {
        for (seconds, shown) in [
            (0, "1970-01-01T00:00:00"),
            (951_782_399, "2000-02-28T23:59:59"),
            (951_782_400, "2000-02-29T00:00:00"),
            (1_764_501_645, "2025-11-30T11:20:45"),
            (4_107_542_400, "2100-03-01T00:00:00"),
        ] {
            let (date, clock) = utc(UNIX_EPOCH + Duration::from_secs(seconds));
            assert_eq!(format!("{date}T{clock}"), shown);
        }
    }

    #[test]
    fn a_duration_has_two_units() {
        for (millis, shown) in [
            (340, "340 ms"),
            (12_500, "12.5 s"),
            (200_000, "3 min 20 s"),
            (18_720_000, "5 h 12 min"),
            (183_600_000, "2 d 3 h"),
        ] {
            assert_eq!(duration(Duration::from_millis(millis)), shown);
        }
    }
}
