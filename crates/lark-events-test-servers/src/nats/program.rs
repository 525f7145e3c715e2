//! Where the program of NATS is.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Nats, NatsCluster, NatsSettings};
use crate::program::find_program;

const VARIABLE: &str = "LARK_EVENTS_NATS_SERVER";

/// An installed `nats-server`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatsProgram {
    path: PathBuf,
    version: (u32, u32),
}

impl NatsProgram {
    /// Finds a program: the file in `LARK_EVENTS_NATS_SERVER`, or the `nats-server` on the `PATH` or in a folder for
    /// administrators.
    ///
    /// # Panics
    ///
    /// If `LARK_EVENTS_NATS_SERVER` is not the path of such a program.
    #[must_use]
    pub fn find() -> Option<Self> {
        let Some(path) = env::var_os(VARIABLE).filter(|it| !it.is_empty()) else {
            return find_program("nats-server").and_then(|path| Self::at(&path));
        };
        let found = Self::at(Path::new(&path));
        assert!(
            found.is_some(),
            "expected the program nats-server at {}: correct {VARIABLE}",
            path.display()
        );
        found
    }

    /// The program of this path, such as that of another version; `None` if it is no `nats-server`.
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

    /// The first two numbers of its version, such as 2 and 10.
    #[must_use]
    pub fn version(&self) -> (u32, u32) {
        self.version
    }

    /// Starts a server, and waits until it is healthy.
    ///
    /// # Panics
    ///
    /// If the server does not start.
    #[must_use]
    #[track_caller]
    pub fn start(&self, settings: &NatsSettings) -> Nats {
        match self.try_start(settings) {
            Ok(server) => server,
            Err(error) => panic!("{error}"),
        }
    }

    /// Starts a server, and waits until it is healthy.
    ///
    /// # Errors
    ///
    /// A text that says what failed, with the end of the server's log.
    pub fn try_start(&self, settings: &NatsSettings) -> Result<Nats, String> {
        Nats::new(self, settings)
    }

    /// Starts a cluster, and waits until it is healthy.
    ///
    /// # Panics
    ///
    /// If a server does not start, or the cluster does not become healthy.
    #[must_use]
    #[track_caller]
    pub fn start_cluster(&self, nodes: usize, settings: &NatsSettings) -> NatsCluster {
        match self.try_start_cluster(nodes, settings) {
            Ok(cluster) => cluster,
            Err(error) => panic!("{error}"),
        }
    }

    /// Starts a cluster, and waits until it is healthy.
    ///
    /// # Errors
    ///
    /// A text that says what failed, with the end of a server's log.
    pub fn try_start_cluster(
        &self,
        nodes: usize,
        settings: &NatsSettings,
    ) -> Result<NatsCluster, String> {
        NatsCluster::new(self, nodes, settings)
    }
}

/// Of `nats-server: v2.15.1` or `nats-server: v2.9.10`.
fn version(output: &str) -> Option<(u32, u32)> {
    let (_, version) = output.split_once("nats-server: v")?;
    let mut numbers = version.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_first_two_numbers() {
        assert_eq!(version("nats-server: v2.15.1\n"), Some((2, 15)));
        assert_eq!(version("nats-server: v2.9.10"), Some((2, 9)));
        assert_eq!(version("nats-server: v2"), None);
        assert_eq!(version("no version"), None);
    }

    #[test]
    fn another_program_is_no_server() {
        assert_eq!(NatsProgram::at(Path::new("/bin/sh")), None);
        assert_eq!(NatsProgram::at(Path::new("/nowhere")), None);
    }
}
