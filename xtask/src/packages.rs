//! The packages of this workspace, from `cargo metadata`.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;

use crate::cargo;

#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    packages: Vec<Package>,
    pub(crate) target_directory: PathBuf,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) rust_version: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) license: Option<String>,
    pub(crate) readme: Option<String>,
    pub(crate) repository: Option<String>,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    targets: Vec<Target>,
    /// Nothing for a package of this workspace.
    source: Option<String>,
    /// The registries that it may be published to: any, or as listed.
    publish: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) req: String,
    /// `dev`, `build`, or nothing for a usual one.
    pub(crate) kind: Option<String>,
    path: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
}

impl Workspace {
    /// Our packages alone, which needs no network.
    pub(crate) fn read(root: &Path) -> Result<Self, String> {
        Self::metadata(root, &["--no-deps"])
    }

    /// Those of others too, for every platform: cargo downloads what was never built here.
    pub(crate) fn read_with_others(root: &Path) -> Result<Self, String> {
        Self::metadata(root, &[])
    }

    fn metadata(root: &Path, options: &[&str]) -> Result<Self, String> {
        let output = cargo::command(root)
            .args(["metadata", "--format-version", "1", "--locked"])
            .args(options)
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("cargo metadata: {error}"))?;
        if !output.status.success() {
            return Err(format!("cargo metadata: {}", output.status));
        }
        serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))
    }

    /// Packages of others, where those were read.
    pub(crate) fn others(&self) -> impl Iterator<Item = &Package> {
        self.packages
            .iter()
            .filter(|package| package.source.is_some())
    }

    /// Those that are published, each after what it needs.
    pub(crate) fn published(&self) -> Result<Vec<&Package>, String> {
        let ours = self.packages.iter();
        let ours = ours.filter(|package| package.source.is_none() && package.is_published());
        in_order(ours.collect())
    }
}

impl Package {
    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(&self.manifest_path)
    }

    /// Cargo writes `publish = false` as a list of no registries.
    fn is_published(&self) -> bool {
        self.publish.as_ref().is_none_or(|to| !to.is_empty())
    }

    pub(crate) fn is_library(&self) -> bool {
        self.targets
            .iter()
            .any(|target| target.kind.iter().any(|kind| kind == "lib"))
    }

    /// What has to be on the registry before it: packages of ours, but for those that are named by path
    /// alone, which cargo leaves out of what it publishes.
    fn needs(&self) -> impl Iterator<Item = &str> {
        let published = self
            .dependencies
            .iter()
            .filter(|dependency| dependency.is_ours() && dependency.req != "*");
        published.map(|dependency| dependency.name.as_str())
    }
}

impl Dependency {
    /// A package of this workspace.
    pub(crate) fn is_ours(&self) -> bool {
        self.path.is_some()
    }
}

/// Each package after those of them that it needs.
fn in_order(mut packages: Vec<&Package>) -> Result<Vec<&Package>, String> {
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    let mut ordered = Vec::with_capacity(packages.len());
    while !packages.is_empty() {
        let waits = |package: &Package| {
            let mut needs = package.needs();
            needs.any(|name| packages.iter().any(|other| other.name == name))
        };
        let (later, next): (Vec<_>, Vec<_>) =
            packages.iter().copied().partition(|package| waits(package));
        if next.is_empty() {
            let names: Vec<_> = later.iter().map(|package| package.name.as_str()).collect();
            return Err(format!(
                "packages depend on each other: {}",
                names.join(", ")
            ));
        }
        ordered.extend(next);
        packages = later;
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn package(name: &str, needs: &[(&str, &str)]) -> Package {
        let dependencies = needs.iter().map(|(name, req)| {
            json!({"name": name, "req": req, "kind": null, "path": format!("/w/{name}")})
        });
        let package = json!({
            "name": name, "version": "0.1.0", "manifest_path": format!("/w/{name}/Cargo.toml"),
            "dependencies": dependencies.collect::<Value>(), "targets": [],
        });
        serde_json::from_value(package).unwrap()
    }

    fn names(packages: &[Package]) -> Result<Vec<&str>, String> {
        let ordered = in_order(packages.iter().collect())?;
        Ok(ordered
            .iter()
            .map(|package| package.name.as_str())
            .collect())
    }

    #[test]
    fn a_package_comes_after_what_it_needs() {
        let packages = [
            package("app", &[("core", "^0.1.0"), ("web", "^0.1.0")]),
            package("core", &[]),
            package("web", &[("core", "^0.1.0")]),
        ];
        assert_eq!(names(&packages), Ok(vec!["core", "web", "app"]));
    }

    #[test]
    fn what_may_be_published_nowhere_is_not() {
        let to = |registries: Option<&[&str]>| Package {
            publish: registries.map(|names| names.iter().map(ToString::to_string).collect()),
            ..package("core", &[])
        };
        assert!(to(None).is_published());
        assert!(to(Some(&["crates-io"])).is_published());
        assert!(!to(Some(&[])).is_published());
    }

    #[test]
    fn what_only_tests_need_by_path_does_not_have_to_be_there_first() {
        let packages = [
            package("core", &[("sim", "*")]),
            package("sim", &[("core", "^0.1.0")]),
        ];
        assert_eq!(names(&packages), Ok(vec!["core", "sim"]));
    }

    #[test]
    fn packages_that_need_each_other_are_an_error() {
        let packages = [
            package("a", &[("b", "^0.1.0")]),
            package("b", &[("a", "^0.1.0")]),
        ];
        assert_eq!(
            names(&packages),
            Err("packages depend on each other: a, b".to_owned())
        );
    }
}
