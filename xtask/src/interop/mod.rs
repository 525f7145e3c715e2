//! `cargo xtask interop`: the official SDKs against the simulator, and against our opening. The SDKs
//! show that the simulator behaves like the platform. Two thousand requests show where our opening
//! differs from that of the SDK for Python.
//!
//! `crates/lark-events-sim/examples/interop` runs the apps in `xtask/interop`, and `examples/openings`
//! beside it generates the requests.

mod differences;
mod openings;

use std::path::{Path, PathBuf};

use crate::cargo;
use crate::sdks::{Sdk, Skipped};

/// The folder of the apps.
const APPS: &str = "xtask/interop";

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Install the SDKs again
    #[arg(long)]
    fresh: bool,
    /// Skip the simulator
    #[arg(long = "openings")]
    openings_only: bool,
    /// Seed the requests, to repeat a run
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// Installs missing SDKs and runs the checks.
pub(crate) fn run(root: &Path, options: &Options) -> Result<(), String> {
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

fn against_platform(root: &Path, sdks: &[PathBuf]) -> Result<(), String> {
    let mut command = cargo::command(root);
    command
        .args(["run", "--quiet", "--package", "lark-events-sim"])
        .args(["--features", "tls", "--example", "interop", "--"])
        .arg(root.join(APPS))
        .args(sdks);
    cargo::succeed(&mut command, "the simulator")
}
