//! `cargo xtask bench`: what opening and dispatching an event costs, beside the least that it can, and
//! the guard against slow creep. The package `benches` has the cases; this part runs them.

mod instructions;
mod refusals;
mod report;
mod times;

use std::path::Path;

use self::report::Report;

use crate::cargo;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Rounds over all cases; ratios are computed per round, and reported as medians
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Fail if our code takes more instructions than before, or if those of a rejection reveal its cause;
    /// needs valgrind
    #[arg(long, conflicts_with_all = ["bless", "rounds"])]
    check: bool,
    /// Write the instruction counts as the new baseline
    #[arg(long, conflicts_with = "rounds")]
    bless: bool,
}

/// Does what the options say; without `--check` or `--bless`, measures all cases and prints the figures.
/// Whether targets are reached is no failure.
pub(crate) fn run(root: &Path, options: &Options) -> Result<(), String> {
    if options.bless {
        return instructions::bless(root);
    }
    if options.check {
        instructions::check(root)?;
        return refusals::check(root);
    }
    let allocations = allocations(root)?;
    let mut rounds = Vec::new();
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
    fn allocations_are_read_among_other_lines() {
        let read = allocation("allocations encrypted/1KB 23");
        assert_eq!(read, Some(("encrypted/1KB".to_owned(), 23)));
        for other in [
            "running 1 test",
            "allocations encrypted/1KB",
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
