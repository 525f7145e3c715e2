//! `cargo xtask mutants`: cargo-mutants over the code that decides what is let in. What it changes
//! and which tests must notice is in `.cargo/mutants.toml`.

use std::path::Path;
use std::process::Command;
use std::{fmt, fs, io};

/// Where no mutant may survive: what stands between the internet and the handlers.
const NO_SURVIVOR: [&str; 3] = [
    "crates/lark-events/src/crypto/",
    "crates/lark-events/src/event/envelope.rs",
    "crates/lark-events/src/webhook/",
];

/// Where cargo-mutants leaves its results, as `.cargo/mutants.toml` says.
const RESULTS: &str = "target/mutants.out";

#[derive(Debug)]
pub(crate) enum MutantsError {
    /// The command could not be run to its end: how far it got.
    Failed(&'static str),
    Io(&'static str, io::Error),
    /// Mutants that survived where none may.
    Survivors(Vec<String>),
}

impl fmt::Display for MutantsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(what) => f.write_str(what),
            Self::Io(what, error) => write!(f, "{what}: {error}"),
            Self::Survivors(survivors) => {
                write!(f, "survived where none may:\n{}", survivors.join("\n"))
            }
        }
    }
}

/// Runs all mutants and prints those that survived.
pub(crate) fn run(root: &Path) -> Result<(), MutantsError> {
    let cargo = || Command::new(env!("CARGO"));
    let installed = cargo().args(["mutants", "--version"]).output();
    let installed = installed.map_err(|error| MutantsError::Io("cargo", error))?;
    if !installed.status.success() {
        let hint = "cargo-mutants is missing: cargo install --locked cargo-mutants";
        return Err(MutantsError::Failed(hint));
    }
    let status = cargo()
        .args(["mutants", "--package", "lark-events"])
        .current_dir(root)
        .status();
    let status = status.map_err(|error| MutantsError::Io("cargo mutants", error))?;
    // 0: all caught; 2: some survived; 3: some timed out, which is noticed too.
    if !matches!(status.code(), Some(0 | 2 | 3)) {
        return Err(MutantsError::Failed("cargo mutants did not run to its end"));
    }
    let missed = root.join(RESULTS).join("missed.txt");
    let missed =
        fs::read_to_string(missed).map_err(|error| MutantsError::Io("missed.txt", error))?;
    judge(&missed)
}

fn judge(missed: &str) -> Result<(), MutantsError> {
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
    Err(MutantsError::Survivors(
        fatal.into_iter().map(str::to_owned).collect(),
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
        let error = judge(&format!("{elsewhere}{guarded}\n")).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("survived where none may:\n{guarded}")
        );
    }
}
