//! Checks the crates with every direct dependency at the lowest version that `Cargo.toml` allows. The
//! manifests promise that these versions work, and a usual build takes the newest.
//!
//! Only a nightly Cargo has this check (`-Z direct-minimal-versions`). Here, a copy of the crates requires
//! exactly the lowest versions. Transitive dependencies keep their versions of `Cargo.lock` where possible.

use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, io};

use toml::{Table, Value};

use crate::cargo;
use crate::checks::{self, Checked};
use crate::packages::Workspace;

/// The folder of the copy, in the target folder.
const COPY: &str = "supply/minimal";

pub(crate) fn check(root: &Path, workspace: &Workspace) -> checks::Result {
    let copy = workspace.target_directory.join(COPY);
    remove(&copy).map_err(|error| format!("{}: {error}", copy.display()))?;
    let pinned = write_copy(root, &copy, workspace)?;
    let mut checking = cargo::command(&copy);
    checking
        .args(["check", "--keep-going", "--workspace", "--all-features"])
        .arg("--target-dir")
        .arg(&workspace.target_directory);
    cargo::succeed(&mut checking, &format!("cargo check in {}", copy.display()))?;
    remove(&copy).map_err(|error| format!("{}: {error}", copy.display()))?;
    Ok(Checked::passed(format!(
        "{pinned} direct dependencies at their lowest versions"
    )))
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Copies the published crates without their tests. Returns the number of pinned dependencies.
fn write_copy(root: &Path, copy: &Path, workspace: &Workspace) -> Result<usize, String> {
    let mut manifest = read(&root.join("Cargo.toml"))?;
    let held = pin(&mut manifest);
    for of_root in ["package", "dev-dependencies", "lints", "profile"] {
        manifest.remove(of_root);
    }
    let members = Value::try_from(["crates/*"]).map_err(|error| error.to_string())?;
    if let Some(Value::Table(workspace)) = manifest.get_mut("workspace") {
        workspace.insert("members".to_owned(), members);
    }
    write(&copy.join("Cargo.toml"), &manifest.to_string())?;
    let lock = copy.join("Cargo.lock");
    fs::copy(root.join("Cargo.lock"), &lock)
        .map_err(|error| format!("{}: {error}", lock.display()))?;

    let mut pinned = BTreeSet::new();
    for package in workspace.published()? {
        let others = package.dependencies.iter().filter(|dependency| {
            !dependency.is_ours() && dependency.kind.as_deref() != Some("dev")
        });
        for dependency in others {
            let name = dependency.name.as_str();
            if !held.contains(name) {
                return Err(format!(
                    "{}: expected the version of {name} in [workspace.dependencies]",
                    package.name
                ));
            }
            pinned.insert(name);
        }
        let folder = copy.join("crates").join(&package.name);
        let mut manifest = read(&package.manifest_path)?;
        leave_out_tests(&mut manifest);
        write(&folder.join("Cargo.toml"), &manifest.to_string())?;
        copy_all(&package.folder().join("src"), &folder.join("src"))
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        // A crate can include its README as documentation.
        let readme = package.folder().join("README.md");
        fs::copy(&readme, folder.join("README.md"))
            .map_err(|error| format!("{}: {error}", readme.display()))?;
    }
    Ok(pinned.len())
}

/// Removes the targets outside of `src`, which are not copied.
fn leave_out_tests(manifest: &mut Table) {
    for key in ["dev-dependencies", "bench", "example", "test"] {
        manifest.remove(key);
    }
}

/// Pins each external dependency to its lowest version, and returns the names.
fn pin(manifest: &mut Table) -> BTreeSet<String> {
    let mut held = BTreeSet::new();
    let dependencies = manifest
        .get_mut("workspace")
        .and_then(|workspace| workspace.get_mut("dependencies"))
        .and_then(Value::as_table_mut);
    for (name, dependency) in dependencies.into_iter().flatten() {
        let version = match dependency {
            Value::Table(table) if table.contains_key("path") => continue,
            Value::Table(table) => table.get_mut("version"),
            version => Some(version),
        };
        if let Some(Value::String(version)) = version {
            *version = lowest(version);
            held.insert(name.clone());
        }
    }
    held
}

/// `1.4` allows `1.4.0` and later, and so does `>=1.4, <1.9`.
fn lowest(requirement: &str) -> String {
    let from = requirement.split(',').next().unwrap_or_default();
    let requirement = from.trim_start_matches(">=").trim();
    let missing = 2usize.saturating_sub(requirement.matches('.').count());
    format!("={requirement}{}", ".0".repeat(missing))
}

fn read(path: &Path) -> Result<Table, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    text.parse()
        .map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let written = path.parent().map_or(Ok(()), fs::create_dir_all);
    written
        .and_then(|()| fs::write(path, text))
        .map_err(|error| format!("{}: {error}", path.display()))
}

fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_all(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), &to)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_outside_of_src_are_left_out() {
        let manifest = r#"
            [package]
            name = "ours"
            [dev-dependencies]
            tests = "1"
            [[bin]]
            name = "ours"
            [[example]]
            name = "soak"
            [[test]]
            name = "it"
            [[bench]]
            name = "cases"
        "#;
        let mut manifest: Table = manifest.parse().unwrap();
        leave_out_tests(&mut manifest);
        assert!(manifest.keys().eq(["bin", "package"]), "{manifest}");
    }

    #[test]
    fn the_lowest_version_is_the_only_one() {
        let manifest = r#"
            [workspace.dependencies]
            ours = { path = "crates/ours", version = "0.1.0" }
            plain = "1.4"
            with-features = { version = "0.9.4", features = ["zeroize"] }
        "#;
        let mut manifest: Table = manifest.parse().unwrap();
        let held = pin(&mut manifest);
        assert!(held.iter().eq(["plain", "with-features"]), "{held:?}");
        let dependencies = &manifest["workspace"]["dependencies"];
        assert_eq!(dependencies["ours"]["version"].as_str(), Some("0.1.0"));
        assert_eq!(dependencies["plain"].as_str(), Some("=1.4.0"));
        assert_eq!(
            dependencies["with-features"]["version"].as_str(),
            Some("=0.9.4")
        );
    }
}
