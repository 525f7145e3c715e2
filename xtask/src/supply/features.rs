//! Every package without its features, with each alone and with all of them: no feature needs another that
//! it does not name, and none of them leaves warnings.

use std::path::Path;

use crate::cargo;
use crate::checks::{self, Checked};

pub(crate) fn check(root: &Path) -> checks::Result {
    if let Some(needed) = cargo::missing(root, "hack")? {
        return Ok(Checked::Skipped(needed));
    }
    // Clippy rather than a check, whose warnings are no failure without building all dependencies anew.
    let mut clippy = cargo::command(root);
    clippy
        .args(["hack", "clippy", "--workspace", "--ignore-private"])
        .args(["--each-feature", "--keep-going", "--quiet", "--locked"])
        .args(["--", "-D", "warnings"]);
    cargo::succeed(&mut clippy, "cargo hack")?;
    Ok(Checked::passed("none, each alone, and all"))
}
