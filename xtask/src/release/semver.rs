//! Checks the API against the last release with cargo-semver-checks.

use std::path::Path;

use super::git;
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
    let arguments = [
        "tag",
        "--list",
        "v*",
        "--sort=-version:refname",
        "--merged=HEAD",
        "--no-contains=HEAD",
    ];
    let tags = git(root, &arguments)?.ok_or("git is not installed")?;
    Ok(tags.lines().next().map(str::to_owned))
}
