//! The times of all cases: as a table, and against the targets.

use std::collections::BTreeMap;
use std::fmt;

use super::median;
use super::times::Times;

const SIZES: [&str; 3] = ["1KB", "64KB", "1MB"];

/// The cases, and what each is beside.
const CASES: [(&str, &str, &str); 10] = [
    (
        "floor",
        "floor",
        "the least: hash, base64, AES, one strict decode",
    ),
    (
        "encrypted",
        "floor",
        "opening and dispatching an encrypted, signed event",
    ),
    ("of_250", "encrypted", "the same with 250 handlers"),
    ("unrouted", "floor", "the same without a handler"),
    (
        "plain",
        "floor",
        "opening and dispatching without an Encrypt Key",
    ),
    (
        "long_connection",
        "floor",
        "a frame, and the frame that answers it",
    ),
    ("hash", "hash", "the hash alone"),
    ("forged", "hash", "rejecting a forged signature"),
    ("strict", "strict", "decoding a body as serde derives it"),
    ("lenient", "strict", "decoding a body leniently"),
];

/// What 250 handlers may seem to cost by chance.
const NO_DIFFERENCE: f64 = 1.03;

pub(super) struct Report<'a> {
    rounds: &'a [Times],
    allocations: BTreeMap<String, u64>,
}

/// A target, and whether it is reached.
struct Target {
    reached: bool,
    text: String,
}

impl<'a> Report<'a> {
    pub(super) fn new(rounds: &'a [Times], allocations: Vec<(String, u64)>) -> Self {
        Self {
            rounds,
            allocations: allocations.into_iter().collect(),
        }
    }

    /// The median of what all rounds have for a size.
    fn of(&self, size: &str, figure: impl Fn(&dyn Fn(&str) -> f64) -> f64) -> f64 {
        median(self.rounds.iter().map(|round| {
            let time = |case: &str| round.get(&format!("{case}/{size}")).copied();
            figure(&|case| time(case).unwrap_or(f64::NAN))
        }))
    }

    fn ratio(&self, case: &str, base: &str, size: &str) -> f64 {
        self.of(size, |time| time(case) / time(base))
    }

    fn targets(&self) -> Vec<Target> {
        let mut targets = Vec::new();
        let mut at_most = |text: String, figure: f64, limit: f64| {
            targets.push(Target {
                reached: figure <= limit,
                text: format!("{text}: {figure:.2}, at most {limit:.2}"),
            });
        };
        for (size, limit) in [("1KB", 1.4), ("64KB", 1.15), ("1MB", 1.15)] {
            let ratio = self.ratio("encrypted", "floor", size);
            at_most(format!("encrypted / floor, {size}"), ratio, limit);
        }
        for size in SIZES {
            let ratio = self.ratio("of_250", "encrypted", size);
            at_most(format!("250 handlers / one, {size}"), ratio, NO_DIFFERENCE);
        }
        for size in SIZES {
            let ratio = self.of(size, |time| {
                time("unrouted") / (time("encrypted") - time("lenient"))
            });
            at_most(
                format!("unrouted / (encrypted - decoding), {size}"),
                ratio,
                1.0,
            );
        }
        let ratio = self.ratio("forged", "hash", "64KB");
        at_most("forged / hash, 64KB".to_owned(), ratio, 1.1);
        for size in SIZES {
            let ratio = self.ratio("lenient", "strict", size);
            at_most(format!("lenient / strict, {size}"), ratio, 1.1);
        }
        targets
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounds = self.rounds.len();
        writeln!(
            f,
            "microseconds, and times what it is beside; medians of {rounds} rounds\n"
        )?;
        write!(f, "{:16} {:7}", "case", "beside")?;
        for size in SIZES {
            write!(f, " {size:>17}")?;
        }
        writeln!(f, "  allocations")?;
        for (case, base, _) in CASES {
            write!(f, "{case:16} {base:7}")?;
            for size in SIZES {
                let microseconds = self.of(size, |time| time(case)) / 1e3;
                write!(
                    f,
                    " {microseconds:9.2} {:5.2} x",
                    self.ratio(case, base, size)
                )?;
            }
            match self.allocations.get(&format!("{case}/1KB")) {
                Some(allocations) => writeln!(f, " {allocations:12}")?,
                None => writeln!(f)?,
            }
        }
        writeln!(f)?;
        for (case, _, what) in CASES {
            writeln!(f, "{case}: {what}")?;
        }
        writeln!(f)?;
        for Target { reached, text } in self.targets() {
            let reached = if reached { "reached" } else { "missed " };
            writeln!(f, "{reached} {text}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A round in which a case takes so many nanoseconds at each size.
    fn round(times: &[(&str, f64)]) -> Times {
        let at = |size: &'static str| {
            let times = times.iter();
            times.map(move |(case, time)| (format!("{case}/{size}"), *time))
        };
        SIZES.into_iter().flat_map(at).collect()
    }

    #[test]
    fn ratios_are_those_of_each_round() {
        let rounds = [
            round(&[("floor", 1000.0), ("encrypted", 1500.0)]),
            round(&[("floor", 2000.0), ("encrypted", 2600.0)]),
            round(&[("floor", 3000.0), ("encrypted", 4800.0)]),
        ];
        let report = Report::new(&rounds, Vec::new());
        assert!((report.ratio("encrypted", "floor", "1KB") - 1.5).abs() < 1e-9);
        assert!((report.of("1KB", |time| time("encrypted")) - 2600.0).abs() < 1e-9);
    }

    #[test]
    fn a_target_is_reached_or_missed_and_missed_where_nothing_was_measured() {
        let times = [
            ("floor", 1000.0),
            ("encrypted", 1400.0),
            ("of_250", 1450.0),
            ("unrouted", 900.0),
            ("lenient", 550.0),
            ("strict", 500.0),
        ];
        let rounds = [round(&times)];
        let report = Report::new(&rounds, Vec::new());
        let targets = report.targets();
        let of = |name: &str| {
            let mut targets = targets.iter();
            targets
                .find(|target| target.text.starts_with(name))
                .unwrap()
        };
        for reached in ["encrypted / floor, 1KB", "lenient / strict, 1KB"] {
            assert!(of(reached).reached, "{reached}");
        }
        for missed in [
            "encrypted / floor, 64KB",
            "250 handlers / one, 1KB",
            "unrouted / (encrypted",
            "forged / hash",
        ] {
            assert!(!of(missed).reached, "{missed}");
        }
    }

    #[test]
    fn the_table_has_times_ratios_and_allocations() {
        let rounds = [round(&[("floor", 1000.0), ("encrypted", 1400.0)])];
        let allocations = vec![("encrypted/1KB".to_owned(), 23)];
        let report = Report::new(&rounds, allocations).to_string();
        let encrypted = report.lines().find(|line| line.starts_with("encrypted "));
        let columns: Vec<_> = encrypted.unwrap().split_whitespace().collect();
        assert_eq!(columns[..5], ["encrypted", "floor", "1.40", "1.40", "x"]);
        assert_eq!(columns.last(), Some(&"23"));
    }
}
