//! What libFuzzer says while it runs, and at the end.

use std::fmt;

/// The last figures that it gave, and what it found.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Of the seeds alone, then of all inputs.
    first: Option<Coverage>,
    last: Coverage,
    executions: u64,
    per_second: u64,
    /// The paths of inputs.
    pub(super) findings: Vec<String>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Coverage {
    edges: u64,
    features: u64,
    corpus: u64,
}

impl Progress {
    /// Takes a line in, and says whether it is one of those that only tell how far it is.
    pub(super) fn take(&mut self, line: &str) -> bool {
        if let Some((_, path)) = line.split_once("Test unit written to ") {
            self.findings.push(path.trim().to_owned());
            return false;
        }
        if let Some(stat) = line.strip_prefix("stat::") {
            let mut words = stat.split([' ', ':']).filter(|word| !word.is_empty());
            let value = words
                .clone()
                .next_back()
                .and_then(|value| value.parse().ok());
            match (words.next(), value) {
                (Some("number_of_executed_units"), Some(value)) => self.executions = value,
                (Some("average_exec_per_sec"), Some(value)) => self.per_second = value,
                _ => {}
            }
            return true;
        }
        let Some(coverage) = line
            .starts_with('#')
            .then(|| Coverage::read(line))
            .flatten()
        else {
            return is_noise(line);
        };
        if line.contains("INITED") {
            self.first = Some(coverage);
        }
        self.last = coverage;
        true
    }
}

/// What it says at the start and the end, whatever happens.
fn is_noise(line: &str) -> bool {
    let starts = ["INFO:", "#", "\tNEW_FUNC", "Dictionary:", "Done ", "#####"];
    line.is_empty() || line.starts_with('"') || starts.iter().any(|start| line.starts_with(start))
}

impl Coverage {
    /// `#2048 NEW cov: 12 ft: 34 corp: 5/67b …`
    fn read(line: &str) -> Option<Self> {
        let words: Vec<_> = line.split_whitespace().collect();
        let value = |name| {
            let at = words.iter().position(|word| *word == name)?;
            words.get(at + 1)?.split('/').next()?.parse().ok()
        };
        Some(Self {
            edges: value("cov:")?,
            features: value("ft:")?,
            corpus: value("corp:")?,
        })
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Coverage {
            edges,
            features,
            corpus,
        } = self.last;
        let first = self.first.unwrap_or_default();
        write!(
            f,
            "{} executions, {} a second; {edges} edges ({} from seeds), {features} features ({}), {corpus} \
             inputs kept; {} findings",
            self.executions,
            self.per_second,
            first.edges,
            first.features,
            self.findings.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_those_of_the_last_lines_and_findings_are_kept() {
        let mut progress = Progress::default();
        for line in [
            "INFO: Running with entropic power schedule (0xFF, 100).",
            "#3\tINITED cov: 10 ft: 11 corp: 2/9b exec/s: 0 rss: 30Mb",
            "#9\tNEW    cov: 12 ft: 34 corp: 5/67b lim: 4 exec/s: 0 rss: 31Mb L: 1/4 MS: 1 CMP-",
            "stat::number_of_executed_units: 4096",
            "stat::average_exec_per_sec:     2048",
        ] {
            assert!(progress.take(line), "{line}");
        }
        let found = "artifact_prefix='t/'; Test unit written to t/crash-1";
        assert!(!progress.take(found) && !progress.take("thread panicked"));
        assert_eq!(progress.findings, ["t/crash-1"]);
        assert_eq!(
            progress.to_string(),
            "4096 executions, 2048 a second; 12 edges (10 from seeds), 34 features (11), 5 inputs kept; \
             1 findings"
        );
    }
}
