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

/// The error of `cargo xtask release` without `--dry-run`.
pub(crate) const BY_HAND: &str = "\
expected `--dry-run`: a maintainer publishes by hand, because a published version cannot be deleted.
Run `cargo xtask release --dry-run`, then follow the steps that it prints (docs/releasing.md).";

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
    print!("\n{}\n{}", checks.summary(), remaining_steps(&published));
    let skipped = checks.skipped();
    if skipped > 0 {
        println!("\n{skipped} checks were skipped: run them before a release");
    }
    checks.outcome()
}

/// Fails if a file is not committed.
fn tree(root: &Path) -> checks::Result {
    let Some(status) = git(root, &["status", "--porcelain"])? else {
        return Ok(Checked::Skipped("no git".to_owned()));
    };
    match status.lines().count() {
        0 => Ok(Checked::passed("clean")),
        changed => Err(format!(
            "{changed} files or folders are not committed: commit or remove them"
        )),
    }
}

/// The output of git; `None` if it is not installed.
fn git(root: &Path, arguments: &[&str]) -> Result<Option<String>, String> {
    let mut command = Command::new("git");
    let output = match command.current_dir(root).args(arguments).output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        output => output.map_err(|error| format!("git: {error}"))?,
    };
    if !output.status.success() {
        let printed = String::from_utf8_lossy(&output.stderr);
        return Err(format!("git {}: {}", arguments[0], printed.trim_end()));
    }
    Ok(Some(String::from_utf8_lossy(&output.stdout).into_owned()))
}

fn read_changelog(root: &Path, published: &[&Package]) -> checks::Result {
    let text = fs::read_to_string(root.join(CHANGELOG));
    let text = text.map_err(|error| format!("{CHANGELOG}: {error}"))?;
    let version = published.first().map(|package| package.version.as_str());
    changelog::check(&text, version.unwrap_or_default())
}

/// The steps that a maintainer takes by hand, in order.
fn remaining_steps(published: &[&Package]) -> String {
    let version = published.first().map(|package| package.version.as_str());
    let version = version.unwrap_or_default();
    let mut steps = Vec::new();
    if published.iter().any(|package| package.repository.is_none()) {
        steps.push(
            "Set `repository` and `homepage` in Cargo.toml, under [workspace.package].".to_owned(),
        );
    }
    steps.push(
        "Before the first release, check that each name is free (`cargo info --registry crates-io <name>`), and\n    \
         ask crates.io to raise its limit on new crates."
            .to_owned(),
    );
    steps.push(format!(
        "In {CHANGELOG}, rename the section `[Unreleased]` to `[{version}] - <date>`, and add an empty\n    \
         `[Unreleased]` above it."
    ));
    steps.push("Commit, then run `.ci/run` and `cargo xtask release --dry-run`.".to_owned());
    steps.push(format!("Tag the commit: `git tag -s v{version}`."));
    let publish: String = published
        .iter()
        .map(|package| format!("\n      cargo publish --locked --package {}", package.name))
        .collect();
    steps.push(format!(
        "Run `cargo login`, then `cargo publish --workspace --locked`. If it stops, publish the other crates one by\n    \
         one, in this order:{publish}"
    ));
    steps.push("Check the page of each crate on docs.rs.".to_owned());
    steps.push("Push the commit and the tag: `git push --follow-tags`.".to_owned());
    steps.push("Build the site with `cargo xtask site`, and publish `target/site`.".to_owned());
    steps.push(
        "After the first release, add a team as an owner of each crate: `cargo owner --add <team> <name>`."
            .to_owned(),
    );

    let mut text = "Remaining steps for a maintainer (docs/releasing.md):\n".to_owned();
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
        let text = remaining_steps(&workspace.published().unwrap());
        let place = |name: &str| text.find(&format!("--package {name}\n")).unwrap();
        assert!(place("lark-events") < place("vc-events"));
        assert!(place("vc-events") < place("lark-events-types"));
        assert!(place("lark-events-ws") < place("lark-events-sim"));
        assert!(place("lark-events-sim") < place("lark-events-cli"));
        assert!(!text.contains("--package xtask"), "{text}");
    }
}
