//! Where the programs of servers are.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Folders of programs for administrators, which are not on the `PATH` of every user, and that of a browser.
const FOLDERS: [&str; 4] = [
    "/usr/sbin",
    "/usr/local/sbin",
    "/usr/bin",
    "/usr/lib/chromium",
];

/// A program that prints its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Versioned {
    pub(crate) path: PathBuf,
    /// The first two numbers.
    pub(crate) version: (u32, u32),
}

impl Versioned {
    /// The program that the variable names, or the first of these names that is installed. Before the version, it
    /// prints `marker`.
    ///
    /// # Panics
    ///
    /// If the variable is not the path of such a program.
    pub(crate) fn find(variable: &str, names: &[&str], marker: &str) -> Option<Self> {
        let Some(path) = env::var_os(variable).filter(|it| !it.is_empty()) else {
            let mut found = names.iter().filter_map(|name| find_program(name));
            return found.find_map(|path| Self::at(&path, marker));
        };
        let path = Path::new(&path);
        let found = Self::at(path, marker);
        assert!(
            found.is_some(),
            "expected the program {} at {}: correct {variable}",
            names.join(" or "),
            path.display()
        );
        found
    }

    /// The program of this path; `None` if it prints no such version.
    pub(crate) fn at(path: &Path, marker: &str) -> Option<Self> {
        let path = std::path::absolute(path).ok()?;
        let output = Command::new(&path).arg("--version").output().ok()?;
        let version = version(&String::from_utf8_lossy(&output.stdout), marker)?;
        Some(Self { path, version })
    }
}

fn version(output: &str, marker: &str) -> Option<(u32, u32)> {
    let (_, version) = output.split_once(marker)?;
    let mut numbers = version.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(FOLDERS.map(PathBuf::from));
    let mut programs = folders.map(|folder| folder.join(name));
    programs.find(|program| program.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_first_two_numbers_after_the_marker() {
        let nats = "nats-server: v";
        assert_eq!(version("nats-server: v2.15.1\n", nats), Some((2, 15)));
        assert_eq!(version("nats-server: v2.9.10", nats), Some((2, 9)));
        assert_eq!(version("nats-server: v2", nats), None);
        assert_eq!(version("Redis server v=7.0.15 sha=00000000:0", nats), None);
        let redis = " server v=";
        assert_eq!(
            version("Redis server v=7.0.15 sha=00000000:0", redis),
            Some((7, 0))
        );
        assert_eq!(
            version("Valkey server v=8.1.4 sha=00000000:0", redis),
            Some((8, 1))
        );
    }
}
