//! Runs several checks, continues after a failure, and prints a line for each at the end.

use std::time::{Duration, Instant};

/// The result of a check that did not fail, with a summary.
#[derive(Debug)]
pub(crate) enum Checked {
    Passed(String),
    /// The reason why the check did not run.
    Skipped(String),
}

impl Checked {
    pub(crate) fn passed(what: impl Into<String>) -> Self {
        Self::Passed(what.into())
    }
}

/// Why a check failed.
pub(crate) type Result = std::result::Result<Checked, String>;

#[derive(Debug, Default)]
pub(crate) struct Checks {
    done: Vec<(&'static str, Result, Duration)>,
}

impl Checks {
    pub(crate) fn run(&mut self, name: &'static str, check: impl FnOnce() -> Result) {
        println!("== {name}");
        let begun = Instant::now();
        let result = check();
        if let Err(reason) = &result {
            println!("{reason}");
        }
        self.done.push((name, result, begun.elapsed()));
    }

    /// The line of each check.
    pub(crate) fn summary(&self) -> String {
        let width = self.done.iter().map(|(name, ..)| name.len()).max();
        let width = width.unwrap_or_default();
        let line = |(name, result, took): &(&str, Result, Duration)| {
            let (what, summary) = match result {
                Ok(Checked::Passed(summary)) => ("passed", summary.as_str()),
                Ok(Checked::Skipped(why)) => ("skipped", why.as_str()),
                Err(reason) => ("FAILED", reason.lines().next().unwrap_or_default()),
            };
            format!(
                "{what:7}  {name:width$}  {:4} s  {summary}\n",
                took.as_secs()
            )
        };
        self.done.iter().map(line).collect()
    }

    /// The number of skipped checks.
    pub(crate) fn skipped(&self) -> usize {
        let results = self.done.iter().map(|(_, result, _)| result);
        results
            .filter(|result| matches!(result, Ok(Checked::Skipped(_))))
            .count()
    }

    pub(crate) fn outcome(&self) -> std::result::Result<(), String> {
        let failed = self.done.iter().filter(|(_, result, _)| result.is_err());
        match failed.count() {
            0 => Ok(()),
            failed => Err(format!("failed: {failed} of {}", self.done.len())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_check_fails_all_and_stops_none() {
        let mut checks = Checks::default();
        checks.run("tree", || Err("2 files changed\na\nb".to_owned()));
        checks.run("licences", || Ok(Checked::Skipped("no tool".to_owned())));
        checks.run("order", || Ok(Checked::passed("33 packages")));
        assert_eq!(checks.outcome(), Err("failed: 1 of 3".to_owned()));
        assert_eq!(
            checks.summary(),
            "FAILED   tree         0 s  2 files changed\n\
             skipped  licences     0 s  no tool\n\
             passed   order        0 s  33 packages\n"
        );
    }

    #[test]
    fn a_skipped_check_is_no_failure() {
        let mut checks = Checks::default();
        checks.run("licences", || Ok(Checked::Skipped("no tool".to_owned())));
        assert_eq!(checks.outcome(), Ok(()));
        assert_eq!(checks.skipped(), 1);
    }
}
