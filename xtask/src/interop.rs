//! `cargo xtask interop`: the official SDKs against the local platform. Whatever they take and
//! refuse as they do on the real one shows that the local one is like it.
//!
//! `crates/lark-events-sim/examples/interop` is what runs the apps in `xtask/interop` on them.

use std::path::Path;
use std::{fmt, io};

use crate::cargo;
use crate::sdks::{Sdk, Skipped};

/// Where the apps are.
const APPS: &str = "xtask/interop";

#[derive(Debug)]
pub(crate) enum InteropError {
    Io(&'static str, io::Error),
    /// What went wrong is told above.
    Missed,
}

impl fmt::Display for InteropError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(what, error) => write!(f, "{what}: {error}"),
            Self::Missed => f.write_str("interop: not all is as it should be"),
        }
    }
}

/// Installs the SDKs that are not there yet, all of them if `fresh`, and runs the checks.
pub(crate) fn run(root: &Path, fresh: bool) -> Result<(), InteropError> {
    let mut arguments = Vec::new();
    for sdk in [Sdk::Python, Sdk::Node] {
        match sdk.ensure_installed(root, fresh) {
            Ok(folder) => arguments.extend([format!("--{}", sdk.name()).into(), folder]),
            Err(Skipped(reason)) => println!("skipped: {}: {reason}", sdk.name()),
        }
    }
    if arguments.is_empty() {
        return Ok(());
    }
    let status = cargo::command(root)
        .args(["run", "--quiet", "--package", "lark-events-sim"])
        .args(["--features", "tls", "--example", "interop", "--"])
        .arg(root.join(APPS))
        .args(arguments)
        .status();
    let status = status.map_err(|error| InteropError::Io("cargo run", error))?;
    if !status.success() {
        return Err(InteropError::Missed);
    }
    Ok(())
}
