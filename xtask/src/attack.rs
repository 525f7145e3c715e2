//! `cargo xtask attack`: decrypts a captured event by the time of refusals, where an opener lets it. The
//! program `attack` of the package `benches` is the attack; this part runs it.

use std::path::Path;
use std::process::Command;

use crate::cargo;

/// Fails where the attack learns nothing from an opener that leaks, or anything from ours.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let [attack] = cargo::build(root, "benches", "--bin", ["attack"], &[])?;
    cargo::succeed(&mut Command::new(attack), "attack")
}
