//! `cargo xtask mutants`: runs cargo-mutants over authentication and the running of handlers. The
//! mutated code and the tests that must detect it are in `.cargo/mutants.toml`.

use std::fs;
use std::path::Path;

use crate::cargo;

/// Where no mutant may survive: what stands between the internet and the handlers.
const NO_SURVIVOR: [&str; 3] = [
    "crates/lark-events/src/crypto/",
    "crates/lark-events/src/event/envelope.rs",
    "crates/lark-events/src/webhook/",
];

/// Where cargo-mutants leaves its results, as `.cargo/mutants.toml` says.
const RESULTS: &str = "target/mutants.out";

/// Runs all mutants and prints those that survived.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    if let Some(needed) = cargo::missing(root, "mutants")? {
        return Err(needed);
    }
    let status = cargo::command(root)
        .args(["mutants", "--workspace"])
        .status();
    let status = status.map_err(|error| format!("cargo mutants: {error}"))?;
    // 0: all caught; 2: some survived; 3: some timed out, which is noticed too.
    if !matches!(status.code(), Some(0 | 2 | 3)) {
        return Err(format!("cargo mutants: {status}"));
    }
    let missed = root.join(RESULTS).join("missed.txt");
    let missed = fs::read_to_string(missed).map_err(|error| format!("missed.txt: {error}"))?;
    judge(&missed)
}

fn judge(missed: &str) -> Result<(), String> {
    let (fatal, others): (Vec<_>, Vec<_>) = missed.lines().partition(|mutant| {
        let mut guarded = NO_SURVIVOR.iter();
        guarded.any(|folder| mutant.starts_with(folder))
    });
    for mutant in others {
        println!("survived: {mutant}");
    }
    if fatal.is_empty() {
        return Ok(());
    }
    Err(format!(
        "mutants survived where none may:\n{}",
        fatal.join("\n")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_survivor_fails_where_none_may_survive() {
        let elsewhere = "crates/lark-events/src/dispatch/builder.rs:1:1: replace x with y\n";
        assert!(judge("").is_ok());
        assert!(judge(elsewhere).is_ok());
        let guarded = "crates/lark-events/src/webhook/mod.rs:1:1: replace x with y";
        assert_eq!(
            judge(&format!("{elsewhere}{guarded}\n")),
            Err(format!("mutants survived where none may:\n{guarded}"))
        );
    }
}
