//! `cargo xtask release --dry-run`: everything of a release except publishing, which a maintainer does.

mod changelog;
mod manifests;
mod packaging;
mod semver;

use std::path::Path;
use std::process::Command;
use std::{fs, io};

use crate::checks::{self, Checked, Checks};
use crate::packages::{Package, Workspace};
use crate::supply;

const CHANGELOG: &str = "CHANGELOG.md";

/// What there is instead of a release without `--dry-run`.
pub(crate) const BY_HAND: &str = "\
A maintainer publishes, since a published version cannot be removed:
`cargo xtask release --dry-run` first, then what it prints; docs/releasing.md says why.";

/// Rehearses a release, and prints the results and the remaining steps.
pub(crate) fn rehearse(root: &Path) -> Result<(), String> {
    let workspace = Workspace::read(root)?;
    let published = workspace.published()?;
    let mut checks = Checks::default();
    checks.run("tree", || tree(root));
    checks.run("manifests", || manifests::check(&published));
    checks.run("changelog", || read_changelog(root, &published));
    checks.run("semver", || semver::check(root));
    supply::add(&mut checks, root, &workspace);
    checks.run("packages", || packaging::build(root, &published));
    checks.run("contents", || {
        packaging::contents(root, &workspace.target_directory, &published)
    });
    print!("\n{}\n{}", checks.summary(), left_to_do(&published));
    let skipped = checks.skipped();
    if skipped > 0 {
        println!("\n{skipped} checks were skipped: run them before a release");
    }
    checks.outcome()
}

/// Fails if a file is not committed.
fn tree(root: &Path) -> checks::Result {
    let output = Command::new("git")
        .current_dir(root)
        .args(["status", "--porcelain"])
        .output();
    let output = match output {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Checked::Skipped("no git".to_owned()));
        }
        output => output.map_err(|error| format!("git status: {error}"))?,
    };
    if !output.status.success() {
        let printed = String::from_utf8_lossy(&output.stderr);
        return Err(format!("git status: {}", printed.trim_end()));
    }
    match String::from_utf8_lossy(&output.stdout).lines().count() {
        0 => Ok(Checked::passed("clean")),
        changed => Err(format!(
            "{changed} files or folders are not committed: commit or remove them"
        )),
    }
}

fn read_changelog(root: &Path, published: &[&Package]) -> checks::Result {
    let text = fs::read_to_string(root.join(CHANGELOG));
    let text = text.map_err(|error| format!("{CHANGELOG}: {error}"))?;
    let version = published.first().map(|package| package.version.as_str());
    changelog::check(&text, version.unwrap_or_default())
}

/// What only a maintainer can do, in order.
fn left_to_do(published: &[&Package]) -> String {
    let version = published.first().map(|package| package.version.as_str());
    let version = version.unwrap_or_default();
    let mut steps = Vec::new();
    if published.iter().any(|package| package.repository.is_none()) {
        steps.push(
            "Set `repository` and `homepage` in Cargo.toml, under [workspace.package].".to_owned(),
        );
    }
    steps.push("Check that `.ci/run` passes.".to_owned());
    steps.push(format!(
        "In {CHANGELOG}, make what is unreleased `[{version}] - <date>`, below a fresh `[Unreleased]`."
    ));
    steps.push(
        "For a first release: see that each name is free (`cargo info --registry crates-io <name>`), and ask\n    \
         crates.io for a higher limit of new crates."
            .to_owned(),
    );
    steps.push(format!("Commit, and tag: `git tag -s v{version}`."));
    let publish: String = published
        .iter()
        .map(|package| format!("\n      cargo publish --locked --package {}", package.name))
        .collect();
    steps.push(format!(
        "`cargo login`, then `cargo publish --workspace --locked`; if that was interrupted, one \
         by one:{publish}"
    ));
    steps.push("Look at the page of each crate on docs.rs.".to_owned());
    steps.push("Push the commit and the tag: `git push --follow-tags`.".to_owned());
    steps.push("Build the site, `cargo xtask site`, and publish target/site.".to_owned());
    steps.push(
        "After a first release, add owners: `cargo owner --add <team> <name>`, for each."
            .to_owned(),
    );

    let mut text = "Left to do, by a maintainer (docs/releasing.md):\n".to_owned();
    for (number, step) in (1..).zip(&steps) {
        text += &format!("{number:2}. {step}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace_root;

    #[test]
    fn manifests_and_the_form_of_the_changelog_are_right_at_any_time() {
        let root = workspace_root();
        let workspace = Workspace::read(&root).unwrap();
        let published = workspace.published().unwrap();
        manifests::check(&published).unwrap();
        changelog::sections(&fs::read_to_string(root.join(CHANGELOG)).unwrap()).unwrap();
    }

    #[test]
    fn the_packages_are_listed_in_the_order_in_which_they_can_be_published() {
        let workspace = Workspace::read(&workspace_root()).unwrap();
        let text = left_to_do(&workspace.published().unwrap());
        let place = |name: &str| text.find(&format!("--package {name}\n")).unwrap();
        assert!(place("lark-events") < place("vc-events"));
        assert!(place("vc-events") < place("lark-events-types"));
        assert!(place("lark-events-ws") < place("lark-events-sim"));
        assert!(place("lark-events-sim") < place("lark-events-cli"));
        assert!(!text.contains("--package xtask"), "{text}");
    }
}
