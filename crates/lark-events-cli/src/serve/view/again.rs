//! The delay before a delivery's next attempt, from the schedule. It stays true while it is on the screen, which the
//! time that is left does not; a clock time would need the machine's time zone.

use std::time::Duration;

/// The delay, counted from the end of the attempt before.
pub(super) fn again(delay: Duration) -> String {
    // The attempt took the time to note it, so that the delay may be short of some microseconds.
    let millis = (delay.as_micros() + 500) / 1000;
    let tenths = (millis + 50) / 100;
    let seconds = (millis + 500) / 1000;
    let delay = match (millis, tenths % 10) {
        (..950, _) => format!("{millis} ms"),
        (..59_500, 0) => format!("{} s", tenths / 10),
        (..10_000, tenth) => format!("{}.{tenth} s", tenths / 10),
        (..59_500, _) => format!("{seconds} s"),
        _ => {
            let units = [
                (seconds / 3600, "h"),
                (seconds / 60 % 60, "min"),
                (seconds % 60, "s"),
            ];
            let units = units.iter().filter(|(number, _)| *number > 0);
            let units = units.map(|(number, unit)| format!("{number} {unit}"));
            units.collect::<Vec<_>>().join(" ")
        }
    };
    format!("again after {delay}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_of_a_schedule_is_the_one_that_was_given() {
        let missing = Duration::from_micros(20);
        for (millis, text) in [
            (1, "again after 1 ms"),
            (300, "again after 300 ms"),
            (999, "again after 1 s"),
            (1_002, "again after 1 s"),
            (1_500, "again after 1.5 s"),
            (15_003, "again after 15 s"),
            (15_600, "again after 16 s"),
            (60_000, "again after 1 min"),
            (90_002, "again after 1 min 30 s"),
            (300_000, "again after 5 min"),
            (3_600_000, "again after 1 h"),
            (3_660_000, "again after 1 h 1 min"),
            (21_600_000, "again after 6 h"),
        ] {
            let delay = Duration::from_millis(millis);
            assert_eq!(again(delay), text);
            assert_eq!(again(delay - missing), text);
        }
    }
}
