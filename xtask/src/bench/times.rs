//! The time of each case, as criterion measures it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::cargo;

/// For each case: enough for medians, as there are several rounds.
const CRITERION: [&str; 6] = [
    "--warm-up-time",
    "0.2",
    "--measurement-time",
    "0.6",
    "--sample-size",
    "10",
];

/// Nanoseconds by case and size, such as `encrypted/1KB`.
pub(super) type Times = BTreeMap<String, f64>;

/// Measures every case once.
pub(super) fn round(root: &Path) -> Result<Times, String> {
    let output = cargo::command(root)
        .args([
            "bench",
            "--quiet",
            "--package",
            "benches",
            "--bench",
            "events",
        ])
        .args([
            "--message-format",
            "short",
            "--",
            "--output-format",
            "bencher",
        ])
        .args(CRITERION)
        .output()
        .map_err(|error| format!("cargo bench: {error}"))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(format!("cargo bench: {}\n{why}", output.status));
    }
    let lines = String::from_utf8_lossy(&output.stdout);
    let times: Times = lines.lines().filter_map(time).collect();
    if times.is_empty() {
        return Err("cargo bench printed no times".to_owned());
    }
    Ok(times)
}

/// A line such as `test encrypted/1KB ... bench:       4,965 ns/iter (+/- 137)`.
fn time(line: &str) -> Option<(String, f64)> {
    let (case, rest) = line.strip_prefix("test ")?.split_once(" ... bench:")?;
    let (nanoseconds, _) = rest.split_once(" ns/iter")?;
    let nanoseconds = nanoseconds.trim().replace(',', "").parse().ok()?;
    Some((case.to_owned(), nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_among_other_lines() {
        let line = "test floor/1MB ... bench:   5,934,766 ns/iter (+/- 835,663)";
        assert_eq!(time(line), Some(("floor/1MB".to_owned(), 5_934_766.0)));
        for other in ["", "test floor/1MB ... ok", "floor ... bench: 1 ns/iter"] {
            assert_eq!(time(other), None);
        }
    }
}
