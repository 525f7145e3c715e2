//! Figures for people: times with three digits, and counts with their nouns.

use std::time::Duration;

/// `312 µs`, `8.41 ms`, `340 ms`, `2.50 s`.
pub(crate) fn time(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    let (figure, unit) = match micros {
        ..999.5 => (micros, "µs"),
        ..999.5e3 => (micros / 1e3, "ms"),
        _ => (micros / 1e6, "s"),
    };
    let decimals = match figure {
        _ if unit == "µs" => 0,
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    format!("{figure:.decimals$} {unit}")
}

/// `1 attempt`, `2 attempts`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{s}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_neither_rounded_up_to_another_nor_down_to_none() {
        for (micros, text) in [
            (0, "0 µs"),
            (312, "312 µs"),
            (999, "999 µs"),
            (1_000, "1.00 ms"),
            (8_405, "8.40 ms"),
            (9_996, "10.0 ms"),
            (99_960, "100 ms"),
            (340_200, "340 ms"),
            (999_400, "999 ms"),
            (999_600, "1.00 s"),
            (2_500_000, "2.50 s"),
            (3_000_000, "3.00 s"),
            (61_000_000, "61.0 s"),
            (600_000_000, "600 s"),
        ] {
            assert_eq!(time(Duration::from_micros(micros)), text);
        }
        assert_eq!(time(Duration::from_nanos(999_600)), "1.00 ms");
    }

    #[test]
    fn one_is_singular() {
        let counts = [0, 1, 2].map(|number| count(number, "attempt"));
        assert_eq!(counts, ["0 attempts", "1 attempt", "2 attempts"]);
    }
}
