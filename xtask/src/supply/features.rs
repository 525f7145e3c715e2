//! Every library without its features, with each alone and with all of them: no feature needs another that
//! it does not name, and none of them leaves warnings.

use std::path::Path;

use crate::cargo;
use crate::checks::{self, Checked};
use crate::packages::{Package, Workspace};

pub(crate) fn check(root: &Path, workspace: &Workspace) -> checks::Result {
    let libraries = workspace.published()?;
    let mut failed = Vec::new();
    let mut sets = 0;
    for package in libraries.into_iter().filter(|package| package.is_library()) {
        for features in feature_sets(package) {
            sets += 1;
            println!("{} {}", package.name, features.join(" "));
            let features: Vec<_> = features.iter().map(String::as_str).collect();
            let options = [&["--package", &package.name], &features[..]].concat();
            if !clippy(root, &options)? {
                failed.push(format!("{} {}", package.name, features.join(" ")));
            }
        }
    }
    if !failed.is_empty() {
        return Err(failed.join("; "));
    }
    Ok(Checked::passed(format!("{sets} sets of features")))
}

/// None, each alone, and all.
fn feature_sets(package: &Package) -> Vec<Vec<String>> {
    let none = "--no-default-features".to_owned();
    let each = package
        .features
        .keys()
        .map(|feature| vec![none.clone(), format!("--features={feature}")]);
    let all = vec!["--all-features".to_owned()];
    [vec![none.clone()]]
        .into_iter()
        .chain(each)
        .chain([all])
        .collect()
}

/// Clippy rather than a check, whose warnings are no failure without building all dependencies anew.
fn clippy(root: &Path, options: &[&str]) -> Result<bool, String> {
    let status = cargo::command(root)
        .args(["clippy", "--quiet", "--locked", "--lib"])
        .args(options)
        .args(["--", "-D", "warnings"])
        .status();
    let status = status.map_err(|error| format!("cargo clippy: {error}"))?;
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace_root;

    #[test]
    fn a_library_is_looked_at_without_with_each_and_with_all_features() {
        let workspace = Workspace::read(&workspace_root()).unwrap();
        let published = workspace.published().unwrap();
        let mut libraries = published.iter();
        let core = libraries.find(|library| library.name == "lark-events");
        let sets = feature_sets(core.unwrap());
        let sets: Vec<_> = sets.iter().map(|set| set.join(" ")).collect();
        assert_eq!(
            sets,
            [
                "--no-default-features",
                "--no-default-features --features=card-v1",
                "--no-default-features --features=testing",
                "--all-features"
            ]
        );
    }
}
