//! `cargo xtask soak`: runs the long connection against the simulator, with all faults. The example
//! `crates/lark-events-ws/examples/soak` does the work.

use std::path::Path;

use crate::cargo;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How long the run takes
    #[arg(long, value_name = "N", default_value = "10", value_parser = crate::positive)]
    minutes: f64,
    /// Repeats the choices of a run
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// Runs it to its end.
pub(crate) fn run(root: &Path, options: &Options) -> Result<(), String> {
    let mut command = cargo::command(root);
    command
        .args(["run", "--release", "--quiet"])
        .args(["--package", "lark-events-ws", "--example", "soak"])
        .args(["--features", "internals", "--"])
        .args(["--minutes", &options.minutes.to_string()]);
    if let Some(seed) = options.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    cargo::succeed(&mut command, "soak")
}
