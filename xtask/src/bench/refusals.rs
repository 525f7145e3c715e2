//! `cargo xtask bench --check`: a rejection takes the same number of instructions for every cause
//! that the sender must not learn, including those of libraries.

use std::path::Path;
use std::process::Command;

use super::instructions::{FEWER, MORE, callgrind, has_valgrind};
use crate::cargo;

/// The groups of `benches::refused::Class`. Within each all must be alike.
const GROUPS: [&str; 2] = ["unsigned", "signed"];
/// Two classes that an opener with variable timing distinguishes.
const TOLD_APART: [&str; 2] = ["BrokenEarly", "GoodPadding"];

/// Least difference, in percent of the least of a group, by which its classes are distinguishable.
const APART: f64 = 2.0;

/// Fails where classes of a group are distinguishable, or where the measure sees no difference in an opener
/// that has one.
pub(crate) fn check(root: &Path) -> Result<(), String> {
    if !has_valgrind() {
        return Ok(());
    }
    let options = ["--no-default-features"];
    let [refuse] = cargo::build(root, "benches", "--bin", ["refuse"], &options)?;
    let measure = |opener: &str, classes: &[String]| {
        let of = |class: &String| {
            let of_many = |times| callgrind(&refuse, &[opener, class], times, total);
            let instructions = of_many(MORE)?.saturating_sub(of_many(FEWER)?);
            if instructions == 0 {
                return Err(format!("valgrind counted nothing of {class}"));
            }
            Ok(instructions / (MORE - FEWER))
        };
        let measured: Result<Vec<u64>, String> = classes.iter().map(of).collect();
        let measured = measured?;
        println!("refused by {opener}: {:.2} % apart", spread(&measured));
        for (class, instructions) in classes.iter().zip(&measured) {
            println!("    {class}: {instructions} instructions");
        }
        Ok::<_, String>(measured)
    };
    for group in GROUPS {
        if are_told_apart(&measure("ours", &classes(&refuse, group)?)?) {
            return Err("the instruction count of a rejection reveals its cause".to_owned());
        }
    }
    if !are_told_apart(&measure("leaky", &TOLD_APART.map(str::to_owned))?) {
        return Err("the measurement found no difference in the leaky opener".to_owned());
    }
    Ok(())
}

/// The classes of a group, as the program lists them.
fn classes(refuse: &Path, group: &str) -> Result<Vec<String>, String> {
    let listed = Command::new(refuse).args(["classes", group]).output();
    let listed = listed.map_err(|error| format!("refuse: {error}"))?;
    let classes: Vec<_> = String::from_utf8_lossy(&listed.stdout)
        .lines()
        .map(str::to_owned)
        .collect();
    if !listed.status.success() || classes.len() < 2 {
        return Err(format!("refuse lists no classes that are {group}"));
    }
    Ok(classes)
}

fn are_told_apart(instructions: &[u64]) -> bool {
    spread(instructions) >= APART
}

/// How far the greatest is above the least, in percent of it.
fn spread(values: &[u64]) -> f64 {
    let least = values.iter().min().copied().unwrap_or_default() as f64;
    let most = values.iter().max().copied().unwrap_or_default() as f64;
    (most - least) / least * 100.0
}

/// What a profile of callgrind counts in all.
fn total(profile: &str, _program: &str) -> u64 {
    let total = profile
        .lines()
        .find_map(|line| line.strip_prefix("totals: "));
    total.and_then(|total| total.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_class_that_takes_two_percent_more_is_told_apart() {
        assert!(!are_told_apart(&[10_000, 10_000, 10_199]));
        assert!(are_told_apart(&[10_000, 10_200, 10_000]));
        assert!(are_told_apart(&[10_200, 10_000, 10_200]));
    }

    #[test]
    fn a_spread_is_in_percent_of_the_least() {
        assert!((spread(&[200, 204, 201]) - 2.0).abs() < 1e-9);
        assert!(spread(&[7, 7]) < f64::EPSILON);
    }

    #[test]
    fn all_that_is_counted_is_the_total() {
        assert_eq!(total("events: Ir\n0 10\ntotals: 9718\n", ""), 9718);
        assert_eq!(total("events: Ir\n", ""), 0);
    }
}
