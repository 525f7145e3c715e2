//! Where the program of NATS is.

use std::path::Path;

use super::{Nats, NatsCluster, NatsSettings};
use crate::process::check;
use crate::program::Versioned;

const VARIABLE: &str = "LARK_EVENTS_NATS_SERVER";
const NAMES: &[&str] = &["nats-server"];
/// Printed before the version.
const MARKER: &str = "nats-server: v";

/// An installed `nats-server`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatsProgram(Versioned);

impl NatsProgram {
    /// Finds a program: the file in `LARK_EVENTS_NATS_SERVER`, or the `nats-server` on the `PATH` or in a folder for
    /// administrators.
    ///
    /// # Panics
    ///
    /// If `LARK_EVENTS_NATS_SERVER` is not the path of such a program.
    #[must_use]
    pub fn find() -> Option<Self> {
        Versioned::find(VARIABLE, NAMES, MARKER).map(Self)
    }

    /// The program of this path, such as that of another version; `None` if it is no `nats-server`.
    #[must_use]
    pub fn at(path: &Path) -> Option<Self> {
        Versioned::at(path, MARKER).map(Self)
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The first two numbers of its version, such as 2 and 10.
    #[must_use]
    pub fn version(&self) -> (u32, u32) {
        self.0.version
    }

    /// Starts a server, and waits until it is healthy.
    ///
    /// # Panics
    ///
    /// If the server does not start.
    #[must_use]
    #[track_caller]
    pub fn start(&self, settings: &NatsSettings) -> Nats {
        check(self.try_start(settings))
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
        check(self.try_start_cluster(nodes, settings))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_program_is_no_server() {
        assert_eq!(NatsProgram::at(Path::new("/bin/sh")), None);
        assert_eq!(NatsProgram::at(Path::new("/nowhere")), None);
    }
}
