//! Types and traits of other crates in our public API: a new major version of such a crate requires a new
//! major version of ours. `docs/stability.md` lists each with its reason. This check compares the list with
//! the code.
//!
//! The check reads syntax, not types. It does not see the output of macros, glob imports, and the types
//! behind a type of another crate. Every `pub` item counts as public; the lint `unreachable_pub` ensures
//! that it is.

mod signatures;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use self::signatures::Sources;
use crate::checks::{self, Checked};
use crate::packages::{Package, Workspace};

const LIST: &str = "docs/stability.md";
/// The first line of the table.
const HEADING: &str = "| crate | types and traits of dependencies | use |\n";

/// Foreign paths, by the name of our crate.
type Foreign = BTreeMap<String, BTreeSet<String>>;

pub(crate) fn check(root: &Path, workspace: &Workspace) -> checks::Result {
    let found = found(workspace)?;
    let list = root.join(LIST);
    let text = fs::read_to_string(&list).map_err(|error| format!("{LIST}: {error}"))?;
    let listed = listed(&text).ok_or(format!("{LIST}: no table of types"))?;
    let differences = differences(&found, &listed);
    if !differences.is_empty() {
        return Err(format!("{LIST}: {}", differences.join("\n")));
    }
    let count: usize = found.values().map(BTreeSet::len).sum();
    Ok(Checked::passed(format!("{count}, as {LIST} lists them")))
}

/// The foreign paths in the sources.
fn found(workspace: &Workspace) -> Result<Foreign, String> {
    let mut found = Foreign::new();
    let packages = workspace.published()?.into_iter();
    for package in packages.filter(|package| package.is_library()) {
        let files = sources(&package.folder().join("src"))?;
        let sources = Sources::parse(&files, dependencies(package))?;
        let paths = sources.foreign();
        if !paths.is_empty() {
            found.insert(package.name.clone(), paths);
        }
    }
    Ok(found)
}

/// The names of external crates in the source of a package.
fn dependencies(package: &Package) -> BTreeSet<String> {
    let others = package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind.is_none() && !dependency.is_ours());
    others
        .map(|dependency| dependency.name.replace('-', "_"))
        .collect()
}

/// The Rust files in a folder and its subfolders.
fn sources(folder: &Path) -> Result<BTreeMap<PathBuf, String>, String> {
    let failed = |path: &Path, error| format!("{}: {error}", path.display());
    let mut texts = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| failed(&folder, error))? {
            let path = entry.map_err(|error| failed(&folder, error))?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).map_err(|error| failed(&path, error))?;
                texts.insert(path, text);
            }
        }
    }
    Ok(texts)
}

/// The paths in the table. `None` if there is no table.
fn listed(text: &str) -> Option<Foreign> {
    let (_, table) = text.split_once(HEADING)?;
    let mut listed = Foreign::new();
    for row in table
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with('|'))
    {
        let mut cells = row.split('|').skip(1);
        let name = cells.next()?.trim().trim_matches('`');
        let paths = cells.next()?.split('`').skip(1).step_by(2);
        let known = listed.entry(name.to_owned()).or_default();
        known.extend(paths.map(str::to_owned));
    }
    Some(listed)
}

fn differences(found: &Foreign, listed: &Foreign) -> Vec<String> {
    let lines = |these: &Foreign, others: &Foreign, what: &str| {
        let mut lines = Vec::new();
        for (name, paths) in these {
            let known = others.get(name);
            for path in paths {
                if !known.is_some_and(|known| known.contains(path)) {
                    lines.push(format!("{name}: {path} {what}"));
                }
            }
        }
        lines
    };
    let mut differences = lines(found, listed, "is public and not listed");
    differences.extend(lines(listed, found, "is listed and not public"));
    differences
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace_root;

    #[test]
    fn the_list_is_that_of_the_code() {
        let root = workspace_root();
        match check(&root, &Workspace::read(&root).unwrap()) {
            Ok(Checked::Passed(_)) => {}
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn missing_and_stale_entries_are_named() {
        let text = format!(
            "{HEADING}| --- | --- | --- |\n| `a` | `http::Uri`, `bytes::Bytes` | why |\n\nMore `x`.\n"
        );
        let listed = listed(&text).unwrap();
        assert_eq!(listed["a"].len(), 2);
        let paths = BTreeSet::from(["http::Uri".to_owned(), "http::HeaderMap".to_owned()]);
        let found = Foreign::from([("a".to_owned(), paths)]);
        assert_eq!(
            differences(&found, &listed),
            [
                "a: http::HeaderMap is public and not listed",
                "a: bytes::Bytes is listed and not public"
            ]
        );
    }
}
