//! Runs [cargo-deny](https://embarkstudios.github.io/cargo-deny/) with the rules of `deny.toml`.

use std::path::Path;

use crate::cargo;
use crate::checks::{self, Checked};

/// The start of its error if it cannot fetch the database of advisories.
const NO_DATABASE: &str = "failed to fetch advisory database";

pub(crate) fn crates(root: &Path) -> checks::Result {
    deny(root, &["bans", "licenses", "sources"])
}

/// Known vulnerabilities and yanked versions.
pub(crate) fn advisories(root: &Path) -> checks::Result {
    deny(root, &["advisories"])
}

fn deny(root: &Path, what: &[&str]) -> checks::Result {
    if let Some(needed) = cargo::missing(root, "deny")? {
        return Ok(Checked::Skipped(needed));
    }
    // Without `--workspace` it would look at the root package alone.
    let output = cargo::command(root)
        .args(["deny", "--color", "never", "--workspace", "check"])
        .args(what)
        .output()
        .map_err(|error| format!("cargo deny: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        return Ok(Checked::passed(what.join(", ")));
    }
    if text.contains(NO_DATABASE) {
        return Ok(Checked::Skipped(format!(
            "{NO_DATABASE}: check the network"
        )));
    }
    Err(format!("cargo deny: {}\n{text}", output.status))
}
