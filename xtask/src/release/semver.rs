//! Checks the API against the last release with cargo-semver-checks.

use std::path::Path;
use std::process::Command;

use crate::cargo;
use crate::checks::{self, Checked};

pub(super) fn check(root: &Path) -> checks::Result {
    if let Some(needed) = cargo::missing(root, "semver-checks")? {
        return Ok(Checked::Skipped(needed));
    }
    let Some(tag) = last_release(root)? else {
        return Ok(Checked::passed("no release to compare with"));
    };
    let mut command = cargo::command(root);
    command.args(["semver-checks", "--workspace", "--baseline-rev", &tag]);
    cargo::succeed(&mut command, "cargo semver-checks")?;
    Ok(Checked::passed(format!("as the version says, since {tag}")))
}

/// The newest tag of a version before the commit that is checked out.
fn last_release(root: &Path) -> Result<Option<String>, String> {
    let mut git = Command::new("git");
    let git = git.current_dir(root).args([
        "tag",
        "--list",
        "v*",
        "--sort=-version:refname",
        "--merged=HEAD",
        "--no-contains=HEAD",
    ]);
    let output = git.output().map_err(|error| format!("git tag: {error}"))?;
    if !output.status.success() {
        let printed = String::from_utf8_lossy(&output.stderr);
        return Err(format!("git tag: {}", printed.trim_end()));
    }
    let tags = String::from_utf8_lossy(&output.stdout);
    Ok(tags.lines().next().map(str::to_owned))
}
