//! Checks that all our packages state the same Rust version, and no dependency a later one. Clippy
//! checks that our own code calls nothing newer (`incompatible_msrv`, on by default).

use std::path::Path;

use crate::checks::{self, Checked};
use crate::packages::Workspace;

pub(crate) fn check(root: &Path) -> checks::Result {
    let workspace = Workspace::read_with_others(root)?;
    let published = workspace.published()?;
    let stated = published
        .iter()
        .map(|package| package.rust_version.as_deref());
    let mut stated: Vec<_> = stated.collect();
    stated.dedup();
    let [Some(ours)] = stated[..] else {
        return Err(format!("packages state different versions: {stated:?}"));
    };
    let newer = |theirs: &str| parts(theirs) > parts(ours);
    let mut later = Vec::new();
    let mut none = 0;
    for package in workspace.others() {
        match &package.rust_version {
            Some(theirs) if newer(theirs) => {
                later.push(format!("{} needs {theirs}", package.name));
            }
            Some(_) => {}
            None => none += 1,
        }
    }
    if !later.is_empty() {
        return Err(format!("later than {ours}: {}", later.join(", ")));
    }
    let all = workspace.others().count();
    Ok(Checked::passed(format!(
        "{ours}; none of {all} crates states a later one, {none} state none"
    )))
}

/// `1.95` is as much as `1.95.0`.
fn parts(version: &str) -> [u64; 3] {
    let mut numbers = version
        .split('.')
        .map(|part| part.parse().unwrap_or(u64::MAX));
    [(); 3].map(|()| numbers.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(parts("1.100") > parts("1.95"));
        assert_eq!(parts("1.95"), parts("1.95.0"));
        assert!(parts("1.95.1") > parts("1.95"));
        assert!(parts("odd") > parts("1.95"), "an unknown line is reported");
    }
}
