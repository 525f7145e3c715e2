//! Finds dependencies that no code of their package uses.

use std::path::Path;

use crate::cargo;
use crate::checks::{self, Checked};

pub(crate) fn check(root: &Path) -> checks::Result {
    if let Some(needed) = cargo::missing(root, "machete")? {
        return Ok(Checked::Skipped(needed));
    }
    let output = cargo::command(root)
        .args(["machete", "--with-metadata"])
        .output();
    let output = output.map_err(|error| format!("cargo machete: {error}"))?;
    if !output.status.success() {
        let printed = String::from_utf8_lossy(&output.stdout);
        return Err(format!("cargo machete: {}\n{printed}", output.status));
    }
    Ok(Checked::passed("none"))
}
