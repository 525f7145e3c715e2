//! `cargo xtask bench`: what opening and dispatching an event costs, beside the least that it can, and
//! the guard against slow creep. The package `benches` has the cases; this part runs them.

mod instructions;
mod refusals;
mod report;
mod times;

use std::fmt;
use std::path::Path;

pub(crate) use self::instructions::bless;
use self::report::Report;

use crate::cargo;

/// Rounds over all cases. The ratio of two cases is that of one round, its figure the median of all.
const ROUNDS: usize = 5;

/// What a run is told.
#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    rounds: usize,
}

impl Options {
    /// Reads `--rounds N`; `None` when it is something else.
    pub(crate) fn parse(arguments: &[&str]) -> Option<Self> {
        let rounds = match arguments {
            [] => ROUNDS,
            ["--rounds", rounds] => rounds.parse().ok()?,
            _ => return None,
        };
        (rounds > 0).then_some(Self { rounds })
    }
}

#[derive(Debug)]
pub(crate) struct BenchError(String);

impl fmt::Display for BenchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bench: {}", self.0)
    }
}

impl From<String> for BenchError {
    fn from(reason: String) -> Self {
        Self(reason)
    }
}

/// Fails where our code takes more instructions than its baseline, or those of a refusal say what was refused.
pub(crate) fn check(root: &Path) -> Result<(), BenchError> {
    instructions::check(root)?;
    Ok(refusals::check(root)?)
}

/// Measures all cases and prints the figures. Whether targets are reached is no failure.
pub(crate) fn run(root: &Path, options: &Options) -> Result<(), BenchError> {
    let allocations = allocations(root)?;
    let mut rounds = Vec::with_capacity(options.rounds);
    for round in 1..=options.rounds {
        println!("round {round} of {}", options.rounds);
        rounds.push(times::round(root)?);
    }
    println!("\n{}", Report::new(&rounds, allocations));
    Ok(())
}

/// What the test of `benches` prints: cases by their name and size, and their allocations.
fn allocations(root: &Path) -> Result<Vec<(String, u64)>, String> {
    let output = cargo::command(root)
        .args([
            "test",
            "--quiet",
            "--package",
            "benches",
            "--test",
            "allocations",
        ])
        .args(["--", "--nocapture"])
        .output()
        .map_err(|error| format!("cargo test: {error}"))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(format!("the allocations: {}\n{why}", output.status));
    }
    let lines = String::from_utf8_lossy(&output.stdout);
    Ok(lines.lines().filter_map(allocation).collect())
}

fn allocation(line: &str) -> Option<(String, u64)> {
    let (case, count) = line.strip_prefix("allocations ")?.split_once(' ')?;
    Some((case.to_owned(), count.parse().ok()?))
}

/// The middle one, the higher of two; not a number when there is none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_some_or_the_usual() {
        assert_eq!(Options::parse(&[]), Some(Options { rounds: ROUNDS }));
        let two = Options::parse(&["--rounds", "2"]);
        assert_eq!(two, Some(Options { rounds: 2 }));
        for other in [
            &["--rounds"][..],
            &["--rounds", "0"],
            &["--rounds", "x"],
            &["2"],
            &["--check", "now"],
        ] {
            assert_eq!(Options::parse(other), None, "{other:?}");
        }
    }

    #[test]
    fn allocations_are_read_among_other_lines() {
        let read = allocation("allocations sealed/1KB 23");
        assert_eq!(read, Some(("sealed/1KB".to_owned(), 23)));
        for other in [
            "running 1 test",
            "allocations sealed/1KB",
            "allocations a b",
        ] {
            assert_eq!(allocation(other), None);
        }
    }

    #[test]
    fn a_median_is_the_middle_one() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median([1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!(median([]).is_nan());
    }
}
