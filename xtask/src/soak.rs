//! `cargo xtask soak`: the long connection against the local platform, while everything goes wrong
//! that can. `crates/lark-events-ws/examples/soak` is what does it; this part runs it.

use std::path::Path;
use std::{fmt, io};

use crate::cargo;

/// How long a run takes unless it is told.
const MINUTES: f64 = 10.0;

/// What a run is told.
#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    minutes: f64,
    /// Repeats the choices of a run, which are others each time unless this is set.
    seed: Option<u64>,
}

impl Options {
    /// Reads `--minutes N` and `--seed N`, in any order; `None` when it is something else.
    pub(crate) fn parse(mut arguments: &[&str]) -> Option<Self> {
        let mut options = Self {
            minutes: MINUTES,
            seed: None,
        };
        while let [flag, value, ref rest @ ..] = *arguments {
            match flag {
                "--minutes" => options.minutes = value.parse().ok()?,
                "--seed" => options.seed = Some(value.parse().ok()?),
                _ => return None,
            }
            arguments = rest;
        }
        let possible = options.minutes.is_finite() && options.minutes > 0.0;
        (possible && arguments.is_empty()).then_some(options)
    }
}

#[derive(Debug)]
pub(crate) enum SoakError {
    Io(io::Error),
    /// What went wrong is told above.
    Failed,
}

impl fmt::Display for SoakError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "cargo run: {error}"),
            Self::Failed => f.write_str("soak: not all is as it should be"),
        }
    }
}

/// Runs it to its end.
pub(crate) fn run(root: &Path, options: &Options) -> Result<(), SoakError> {
    let mut command = cargo::command(root);
    command
        .args(["run", "--release", "--quiet"])
        .args(["--package", "lark-events-ws", "--example", "soak"])
        .args(["--features", "internals", "--"])
        .args(["--minutes", &options.minutes.to_string()]);
    if let Some(seed) = options.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    let status = command.status().map_err(SoakError::Io)?;
    if !status.success() {
        return Err(SoakError::Failed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_come_in_any_order_or_not_at_all() {
        let options = |minutes, seed| Some(Options { minutes, seed });
        assert_eq!(Options::parse(&[]), options(MINUTES, None));
        assert_eq!(Options::parse(&["--minutes", "0.5"]), options(0.5, None));
        let both = ["--seed", "7", "--minutes", "3"];
        assert_eq!(Options::parse(&both), options(3.0, Some(7)));
    }

    #[test]
    fn other_options_are_none() {
        for other in [
            &["--minutes"][..],
            &["--minutes", "0"],
            &["--minutes", "-1"],
            &["--minutes", "inf"],
            &["--seed", "x"],
            &["--hours", "1"],
            &["1"],
        ] {
            assert_eq!(Options::parse(other), None, "{other:?}");
        }
    }
}
