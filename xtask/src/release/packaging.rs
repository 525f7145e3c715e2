//! Builds each package from its packaged files, against the others as if they were published.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::cargo;
use crate::checks::{self, Checked};
use crate::packages::Package;

/// What crates.io takes.
const MAX_BYTES: u64 = 10 << 20;
const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];
/// All that a package has: no tests, which need packages that are not published before it.
const CONTENTS: [&str; 8] = [
    ".cargo_vcs_info.json",
    "Cargo.lock",
    "Cargo.toml",
    "Cargo.toml.orig",
    LICENCES[0],
    LICENCES[1],
    "README.md",
    "src",
];
/// Of these, what cargo may leave out.
const OPTIONAL: &str = ".cargo_vcs_info.json";

/// Has cargo package all of them, in order, and build each from its package.
pub(crate) fn build(root: &Path, published: &[&Package]) -> checks::Result {
    let mut packaging = cargo::command(root);
    packaging
        .args(["package", "--locked", "--allow-dirty"])
        .args(
            published
                .iter()
                .flat_map(|package| ["--package", &package.name]),
        );
    cargo::succeed(&mut packaging, "cargo package")?;
    Ok(Checked::passed(format!(
        "{} built from their packages",
        published.len()
    )))
}

/// Looks into the packages that were built.
pub(crate) fn contents(root: &Path, target: &Path, published: &[&Package]) -> checks::Result {
    let folder = target.join("package");
    let mut problems = Vec::new();
    let mut all = 0;
    for package in published {
        let stem = format!("{}-{}", package.name, package.version);
        let file = folder.join(format!("{stem}.crate"));
        let bytes = fs::metadata(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let bytes = bytes.len();
        println!("{:7} bytes  {}", bytes, package.name);
        all += bytes;
        if bytes > MAX_BYTES {
            problems.push(format!("{stem}: larger than {MAX_BYTES} bytes"));
        }
        let unpacked = folder.join(&stem);
        let entries =
            entries(&unpacked).map_err(|error| format!("{}: {error}", unpacked.display()))?;
        problems.extend(unexpected(&entries).map(|problem| format!("{stem}: {problem}")));
        for licence in LICENCES {
            // Each crate has a copy, since links are not links on every platform.
            let text = |folder: &Path| fs::read(folder.join(licence)).ok();
            if text(&unpacked) != text(root) {
                problems.push(format!(
                    "{stem}: {licence} differs from that of the workspace"
                ));
            }
        }
        let readme = fs::read_to_string(unpacked.join("README.md")).unwrap_or_default();
        let rust_version = package.rust_version.as_deref().unwrap_or_default();
        if !readme.contains(&format!("Rust {rust_version} or newer")) {
            problems.push(format!(
                "{stem}: README.md does not say Rust {rust_version}"
            ));
        }
    }
    if !problems.is_empty() {
        return Err(problems.join("\n"));
    }
    Ok(Checked::passed(format!("{} KB in all", all / 1_000)))
}

fn entries(folder: &Path) -> std::io::Result<BTreeSet<String>> {
    let names = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()));
    names.collect()
}

/// What there should not be, and what there should.
fn unexpected(entries: &BTreeSet<String>) -> impl Iterator<Item = String> {
    let expected = BTreeSet::from(CONTENTS.map(str::to_owned));
    let more = entries.difference(&expected);
    let more: Vec<_> = more
        .map(|name| format!("{name} should not be in it"))
        .collect();
    let less = expected
        .difference(entries)
        .filter(|name| *name != OPTIONAL);
    let less: Vec<_> = less.map(|name| format!("{name} is not in it")).collect();
    more.into_iter().chain(less)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_do_not_belong_in_a_package_and_licences_do() {
        let mut entries = BTreeSet::from(CONTENTS.map(str::to_owned));
        assert_eq!(unexpected(&entries).count(), 0);
        entries.remove(OPTIONAL);
        assert_eq!(unexpected(&entries).count(), 0);
        entries.remove("LICENSE-MIT");
        entries.insert("tests".to_owned());
        assert!(unexpected(&entries).eq(["tests should not be in it", "LICENSE-MIT is not in it"]));
    }
}
