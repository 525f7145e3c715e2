//! `cargo xtask interop`: the official SDKs against the simulator, and against our opening. The SDKs
//! show that the simulator behaves like the platform, and that `lark-events listen` works with their webhooks. Two thousand requests show where our opening
//! differs from that of the SDK for Python. The SDKs of CloudEvents read our events.
//!
//! `crates/lark-events-sim/examples/interop` runs the apps in `xtask/interop`, `examples/openings` beside it
//! generates the requests, and `crates/lark-events/examples/cloud_events.rs` the CloudEvents.

mod cloud_events;
mod differences;
mod openings;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cargo;
use crate::sdks::{Sdk, Skipped};

/// The folder of the apps.
const APPS: &str = "xtask/interop";

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Install the SDKs again
    #[arg(long)]
    fresh: bool,
    /// Run only the requests
    #[arg(long = "openings", conflicts_with = "cloud_events_only")]
    openings_only: bool,
    /// Run only the CloudEvents
    #[arg(long = "cloud-events")]
    cloud_events_only: bool,
    /// Seed the requests, to repeat a run
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// The folders of the installed SDKs.
struct Installed {
    python: Option<PathBuf>,
    node: Option<PathBuf>,
}

impl Installed {
    fn ensure(root: &Path, options: &Options) -> Self {
        let install = |sdk: Sdk| match sdk.ensure_installed(root, options.fresh) {
            Ok(folder) => Some(folder),
            Err(Skipped(reason)) => {
                println!("skipped: {}: {reason}", sdk.name());
                None
            }
        };
        Self {
            python: install(Sdk::Python),
            node: (!options.openings_only)
                .then(|| install(Sdk::Node))
                .flatten(),
        }
    }
}

/// Installs missing SDKs and runs the checks.
pub(crate) fn run(root: &Path, options: &Options) -> Result<(), String> {
    let sdks = Installed::ensure(root, options);
    let all = !options.openings_only && !options.cloud_events_only;
    let mut results = Vec::new();
    if all {
        results.push(against_platform(root, &sdks));
    }
    if !options.cloud_events_only {
        results.push(match &sdks.python {
            Some(folder) => openings::compare(root, folder, options.seed),
            None => {
                println!("skipped: openings, which need the SDK for Python");
                Ok(())
            }
        });
    }
    if !options.openings_only {
        let (python, node) = (sdks.python.as_deref(), sdks.node.as_deref());
        results.push(cloud_events::compare(root, python, node));
    }
    results.into_iter().collect()
}

fn against_platform(root: &Path, sdks: &Installed) -> Result<(), String> {
    let installed = [(Sdk::Python, &sdks.python), (Sdk::Node, &sdks.node)];
    let arguments: Vec<PathBuf> = installed
        .into_iter()
        .filter_map(|(sdk, folder)| Some([format!("--{}", sdk.name()).into(), folder.clone()?]))
        .flatten()
        .collect();
    if arguments.is_empty() {
        return Ok(());
    }
    let [listen] = cargo::build_for_tests(root, "lark-events-cli", "--bin", ["lark-events"])?;
    let mut command = cargo::command(root);
    command
        .args(["run", "--quiet", "--package", "lark-events-sim"])
        .args(["--features", "tls", "--example", "interop", "--"])
        .arg(root.join(APPS))
        .arg("--listen")
        .arg(listen)
        .args(arguments);
    cargo::succeed(&mut command, "the simulator")
}

/// The output of a program, which must exit successfully.
fn printed(command: &mut Command, what: &str) -> Result<String, String> {
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("{what}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{what}: {}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("{what}: {error}"))
}
