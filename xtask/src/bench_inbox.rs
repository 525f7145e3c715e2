//! `cargo xtask bench-inbox`: measures events through an inbox. The example
//! `crates/lark-events-inbox/examples/bench` does the work.

use std::path::Path;

use crate::cargo;

/// Runs it to its end.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let mut command = cargo::command(root);
    command.args(["run", "--release", "--quiet"]).args([
        "--package",
        "lark-events-inbox",
        "--example",
        "bench",
    ]);
    cargo::succeed(&mut command, "bench-inbox")
}
