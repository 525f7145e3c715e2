//! `cargo xtask interop`: the official SDKs against the local platform, and against our opening.
//! Whatever they take and refuse as they do on the real one shows that the local one is like it; what
//! the SDK for Python makes of two thousand requests shows where ours is another way, and why.
//!
//! `crates/lark-events-sim/examples/interop` is what runs the apps in `xtask/interop` on them, and
//! `examples/openings` beside it makes the requests.

mod differences;
mod openings;

use std::path::{Path, PathBuf};
use std::{fmt, io};

use crate::cargo;
use crate::sdks::{Sdk, Skipped};

/// Where the apps are.
const APPS: &str = "xtask/interop";

/// What a run is told.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Options {
    /// Installs the SDKs anew.
    fresh: bool,
    /// Leaves out the local platform.
    openings_only: bool,
    /// Repeats the requests of a run, which are others each time unless this is set.
    seed: Option<u64>,
}

impl Options {
    /// Reads `--fresh`, `--openings` and `--seed N`, in any order; `None` when it is something else.
    pub(crate) fn parse(mut arguments: &[&str]) -> Option<Self> {
        let mut options = Self::default();
        loop {
            arguments = match *arguments {
                [] => return Some(options),
                ["--fresh", ref rest @ ..] => {
                    options.fresh = true;
                    rest
                }
                ["--openings", ref rest @ ..] => {
                    options.openings_only = true;
                    rest
                }
                ["--seed", seed, ref rest @ ..] => {
                    options.seed = Some(seed.parse().ok()?);
                    rest
                }
                _ => return None,
            };
        }
    }
}

#[derive(Debug)]
pub(crate) enum InteropError {
    Io(&'static str, io::Error),
    /// What a program printed is not what it was to print.
    Printed(&'static str),
    /// What went wrong is told above.
    Missed,
}

impl fmt::Display for InteropError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(what, error) => write!(f, "{what}: {error}"),
            Self::Printed(what) => write!(f, "interop: {what}"),
            Self::Missed => f.write_str("interop: not all is as it should be"),
        }
    }
}

/// Installs the SDKs that are not there yet, and runs the checks.
pub(crate) fn run(root: &Path, options: &Options) -> Result<(), InteropError> {
    let mut arguments = Vec::new();
    let mut python = None;
    for sdk in [Sdk::Python, Sdk::Node] {
        if options.openings_only && matches!(sdk, Sdk::Node) {
            continue;
        }
        match sdk.ensure_installed(root, options.fresh) {
            Ok(folder) => {
                arguments.extend([format!("--{}", sdk.name()).into(), folder.clone()]);
                if matches!(sdk, Sdk::Python) {
                    python = Some(folder);
                }
            }
            Err(Skipped(reason)) => println!("skipped: {}: {reason}", sdk.name()),
        }
    }
    let platform = if options.openings_only || arguments.is_empty() {
        Ok(())
    } else {
        against_platform(root, &arguments)
    };
    let compared = match python {
        Some(folder) => openings::compare(root, &folder, options.seed),
        None => {
            println!("skipped: openings, which need the SDK for Python");
            Ok(())
        }
    };
    platform.and(compared)
}

fn against_platform(root: &Path, sdks: &[PathBuf]) -> Result<(), InteropError> {
    let status = cargo::command(root)
        .args(["run", "--quiet", "--package", "lark-events-sim"])
        .args(["--features", "tls", "--example", "interop", "--"])
        .arg(root.join(APPS))
        .args(sdks)
        .status();
    let status = status.map_err(|error| InteropError::Io("cargo run", error))?;
    if !status.success() {
        return Err(InteropError::Missed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_in_any_order() {
        let options = |fresh, seed| {
            Some(Options {
                fresh,
                openings_only: false,
                seed,
            })
        };
        assert_eq!(Options::parse(&[]), options(false, None));
        let both = options(true, Some(7));
        assert_eq!(Options::parse(&["--fresh", "--seed", "7"]), both);
        assert_eq!(Options::parse(&["--seed", "7", "--fresh"]), both);
        assert!(Options::parse(&["--openings"]).is_some_and(|it| it.openings_only));
        for odd in [&["--seed"][..], &["--seed", "x"], &["fresh"]] {
            assert_eq!(Options::parse(odd), None, "{odd:?}");
        }
    }
}
