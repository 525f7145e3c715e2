//! `cargo xtask supply`: checks the dependencies of the crates, and their requirements on users.

mod deny;
mod features;
mod foreign;
mod minimal;
mod rust_version;
mod unused;

use std::path::Path;

use crate::checks::Checks;
use crate::packages::Workspace;

/// Runs all checks and prints the result of each.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let mut checks = Checks::default();
    add(&mut checks, root, &Workspace::read(root)?);
    print!("\n{}", checks.summary());
    checks.outcome()
}

pub(crate) fn add(checks: &mut Checks, root: &Path, workspace: &Workspace) {
    checks.run("licences, duplicates, sources", || deny::crates(root));
    checks.run("advisories", || deny::advisories(root));
    checks.run("rust versions", || rust_version::check(root));
    checks.run("unused dependencies", || unused::check(root));
    checks.run("foreign types", || foreign::check(root, workspace));
    checks.run("features", || features::check(root));
    checks.run("minimal versions", || minimal::check(root, workspace));
}
