//! The time until a delivery's next attempt. It is relative: a clock time would need the machine's time zone.

use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);
const SECOND: Duration = Duration::from_secs(1);

/// The time that is left as text, rounded up, and for how long this text is right; `None` for good.
pub(super) fn again(left: Duration) -> (String, Option<Duration>) {
    if left.is_zero() {
        return ("again now".to_owned(), None);
    }
    if left <= MINUTE {
        let seconds = rounded_up(left, SECOND);
        let text = format!("again in {seconds} s");
        return (text, Some(left - SECOND * (seconds - 1)));
    }
    let minutes = rounded_up(left, MINUTE);
    let stays = left - MINUTE * (minutes - 1);
    let text = match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("again in {minutes} min"),
        (hours, 0) => format!("again in {hours} h"),
        (hours, minutes) => format!("again in {hours} h {minutes} min"),
    };
    (text, Some(stays))
}

/// How many units a time has at most. A wait is at most a year.
fn rounded_up(time: Duration, unit: Duration) -> u32 {
    u32::try_from(time.as_nanos().div_ceil(unit.as_nanos())).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_rounded_up_and_changes_when_its_text_is_over() {
        for (millis, text, stays) in [
            (1, "again in 1 s", 1),
            (1000, "again in 1 s", 1000),
            (14_300, "again in 15 s", 300),
            (60_000, "again in 60 s", 1000),
            (60_001, "again in 2 min", 1),
            (120_000, "again in 2 min", 60_000),
            (300_000, "again in 5 min", 60_000),
            (3_600_000, "again in 1 h", 60_000),
            (3_601_000, "again in 1 h 1 min", 1000),
            (21_600_000, "again in 6 h", 60_000),
        ] {
            let stays = Some(Duration::from_millis(stays));
            let (said, stayed) = again(Duration::from_millis(millis));
            assert_eq!((said.as_str(), stayed), (text, stays));
        }
        assert_eq!(again(Duration::ZERO), ("again now".to_owned(), None));
    }
}
