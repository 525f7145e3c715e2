//! Where the programs of PostgreSQL are.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Postgres;
use crate::process::check;

const VARIABLE: &str = "LARK_EVENTS_POSTGRES_BIN";
/// Debian has each major version in a folder of it.
const DEBIAN: &str = "/usr/lib/postgresql";

/// An installed PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    folder: PathBuf,
    major: u32,
}

impl Installation {
    /// Finds an installation: the folder in `LARK_EVENTS_POSTGRES_BIN`, or that of the `initdb` on the `PATH`, or
    /// the newest one of Debian.
    ///
    /// # Panics
    ///
    /// If `LARK_EVENTS_POSTGRES_BIN` is a folder without a PostgreSQL server.
    #[must_use]
    pub fn find() -> Option<Self> {
        if let Some(folder) = env::var_os(VARIABLE).filter(|it| !it.is_empty()) {
            let folder = PathBuf::from(folder);
            let found = Self::at(&folder);
            assert!(
                found.is_some(),
                "expected the programs initdb and postgres in {}: correct {VARIABLE}",
                folder.display()
            );
            return found;
        }
        let path = env::var_os("PATH").unwrap_or_default();
        Self::on_path(&path).or_else(|| Self::newest(Path::new(DEBIAN)))
    }

    fn at(folder: &Path) -> Option<Self> {
        if !folder.join("initdb").is_file() {
            return None;
        }
        let output = Command::new(folder.join("postgres"))
            .arg("--version")
            .output()
            .ok()?;
        let major = major(&String::from_utf8_lossy(&output.stdout))?;
        let folder = folder.to_owned();
        Some(Self { folder, major })
    }

    /// A link is followed: the other programs are where it leads.
    fn on_path(path: &OsStr) -> Option<Self> {
        let mut links = env::split_paths(path).map(|folder| folder.join("initdb"));
        links.find_map(|link| Self::at(fs::canonicalize(link).ok()?.parent()?))
    }

    fn newest(versions: &Path) -> Option<Self> {
        let folders = fs::read_dir(versions).ok()?.flatten();
        let found = folders.filter_map(|it| Self::at(&it.path().join("bin")));
        found.max_by_key(|it| it.major)
    }

    /// The first number of its version, such as 15.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.major
    }

    /// The folder of its programs.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A program of it, or the one on the `PATH`: some installations have only those of a server.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        let program = self.folder.join(name);
        if program.is_file() {
            program
        } else {
            name.into()
        }
    }

    /// Starts a server with these settings in addition to its own.
    ///
    /// # Panics
    ///
    /// If the server does not start.
    #[must_use]
    #[track_caller]
    pub fn start(&self, settings: &[(&str, &str)]) -> Postgres {
        check(self.try_start(settings))
    }

    /// Starts a server with these settings in addition to its own.
    ///
    /// # Errors
    ///
    /// A text that says what failed, with the end of the server's log.
    pub fn try_start(&self, settings: &[(&str, &str)]) -> Result<Postgres, String> {
        Postgres::new(self, settings)
    }
}

/// Of `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)` or `postgres (PostgreSQL) 18beta1`.
fn major(version: &str) -> Option<u32> {
    let (_, version) = version.split_once("(PostgreSQL) ")?;
    let end = version.find(|c: char| !c.is_ascii_digit());
    version[..end.unwrap_or(version.len())].parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A folder of installations, which is removed at the end.
    struct Versions(PathBuf);

    impl Versions {
        fn new(name: &str, versions: &[&str]) -> Self {
            let name = format!("lark-events-{name}-{}", std::process::id());
            let it = Self(env::temp_dir().join(name));
            for version in versions {
                let bin = it.bin(version);
                fs::create_dir_all(&bin).unwrap();
                fs::write(bin.join("initdb"), "").unwrap();
                let script = format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}.3'\n");
                fs::write(bin.join("script"), script).unwrap();
                // A program that another thread starts may hold what this process writes open: it could not be run.
                let mut install = Command::new("install");
                let install = install.args(["-m", "755", "script", "postgres"]);
                assert!(install.current_dir(&bin).status().unwrap().success());
            }
            it
        }

        fn bin(&self, version: &str) -> PathBuf {
            self.0.join(version).join("bin")
        }
    }

    impl Drop for Versions {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_major_version_is_the_first_number() {
        assert_eq!(
            major("postgres (PostgreSQL) 15.14 (Debian 15.14-0)"),
            Some(15)
        );
        assert_eq!(major("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major("postgres (PostgreSQL) 9"), Some(9));
        assert_eq!(major("no version"), None);
    }

    #[test]
    fn the_newest_version_is_that_of_the_highest_number() {
        let versions = Versions::new("newest", &["9", "15", "13"]);
        let found = Installation::newest(&versions.0).unwrap();
        assert_eq!(found.folder(), versions.bin("15"));
        assert_eq!(found.major(), 15);
    }

    #[test]
    fn a_link_on_the_path_leads_to_the_other_programs() {
        let versions = Versions::new("linked", &["16"]);
        let link = versions.0.join("initdb");
        symlink(versions.bin("16").join("initdb"), link).unwrap();
        let path = env::join_paths([Path::new("/nowhere"), &versions.0]).unwrap();
        let found = Installation::on_path(&path).unwrap();
        let folder = fs::canonicalize(versions.bin("16")).unwrap();
        assert_eq!(found, Installation { folder, major: 16 });
    }
}
