//! Where the program of Redis or Valkey is.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Redis;
use crate::program::find_program;

const VARIABLE: &str = "LARK_EVENTS_REDIS_SERVER";

/// An installed `redis-server` or `valkey-server`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisProgram {
    path: PathBuf,
    version: (u32, u32),
}

impl RedisProgram {
    /// Finds a program: the file in `LARK_EVENTS_REDIS_SERVER`, or the `redis-server` or `valkey-server` on the
    /// `PATH` or in a folder for administrators.
    ///
    /// # Panics
    ///
    /// If `LARK_EVENTS_REDIS_SERVER` is not the path of such a program.
    #[must_use]
    pub fn find() -> Option<Self> {
        let Some(path) = env::var_os(VARIABLE).filter(|it| !it.is_empty()) else {
            let found = ["redis-server", "valkey-server"].into_iter();
            return found
                .filter_map(find_program)
                .find_map(|path| Self::at(&path));
        };
        let found = Self::at(Path::new(&path));
        assert!(
            found.is_some(),
            "expected the program redis-server or valkey-server at {}: correct {VARIABLE}",
            path.display()
        );
        found
    }

    /// The program of this path, such as that of another version; `None` if it is no such server.
    #[must_use]
    pub fn at(path: &Path) -> Option<Self> {
        let path = std::path::absolute(path).ok()?;
        let output = Command::new(&path).arg("--version").output().ok()?;
        let version = version(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self { path, version })
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The first two numbers of its version, such as 7 and 0.
    #[must_use]
    pub fn version(&self) -> (u32, u32) {
        self.version
    }

    /// Starts a server with these settings in addition to its own, and waits until it answers.
    ///
    /// # Panics
    ///
    /// If the server does not start.
    #[must_use]
    #[track_caller]
    pub fn start(&self, settings: &[(&str, &str)]) -> Redis {
        match self.try_start(settings) {
            Ok(server) => server,
            Err(error) => panic!("{error}"),
        }
    }

    /// Starts a server with these settings in addition to its own, and waits until it answers.
    ///
    /// # Errors
    ///
    /// A text that says what failed, with the end of the server's log.
    pub fn try_start(&self, settings: &[(&str, &str)]) -> Result<Redis, String> {
        Redis::new(self, settings)
    }
}

/// Of `Redis server v=7.0.15 sha=…` or `Valkey server v=8.1.4 sha=…`.
fn version(output: &str) -> Option<(u32, u32)> {
    let (_, version) = output.split_once(" server v=")?;
    let mut numbers = version.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_first_two_numbers() {
        assert_eq!(
            version("Redis server v=7.0.15 sha=00000000:0"),
            Some((7, 0))
        );
        assert_eq!(
            version("Valkey server v=8.1.4 sha=00000000:0"),
            Some((8, 1))
        );
        assert_eq!(version("no version"), None);
    }

    #[test]
    fn another_program_is_no_server() {
        assert_eq!(RedisProgram::at(Path::new("/bin/sh")), None);
        assert_eq!(RedisProgram::at(Path::new("/nowhere")), None);
    }
}
