//! `cargo xtask soak-inbox`: kills the webhook with an inbox under load, as the test of the example does,
//! but more often and built for release.

use std::path::Path;

use crate::cargo;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How often the webhook is killed
    #[arg(long, value_name = "N", default_value = "200")]
    kills: u32,
}

/// Runs the test to its end.
pub(crate) fn run(root: &Path, options: &Options) -> Result<(), String> {
    let mut command = cargo::command(root);
    command
        .args(["test", "--release", "--quiet"])
        .args(["--package", "inbox_webhook", "--test", "it"])
        .args(["--", "killed::", "--nocapture"])
        .env("KILLS", options.kills.to_string());
    cargo::succeed(&mut command, "soak-inbox")
}
