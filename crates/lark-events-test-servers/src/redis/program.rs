//! Where the program of Redis or Valkey is.

use std::path::Path;

use super::Redis;
use crate::process::check;
use crate::program::Versioned;

const VARIABLE: &str = "LARK_EVENTS_REDIS_SERVER";
const NAMES: &[&str] = &["redis-server", "valkey-server"];
/// Printed before the version.
const MARKER: &str = " server v=";

/// An installed `redis-server` or `valkey-server`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisProgram(Versioned);

impl RedisProgram {
    /// Finds a program: the file in `LARK_EVENTS_REDIS_SERVER`, or the `redis-server` or `valkey-server` on the
    /// `PATH` or in a folder for administrators.
    ///
    /// # Panics
    ///
    /// If `LARK_EVENTS_REDIS_SERVER` is not the path of such a program.
    #[must_use]
    pub fn find() -> Option<Self> {
        Versioned::find(VARIABLE, NAMES, MARKER).map(Self)
    }

    /// The program of this path, such as that of another version; `None` if it is no such server.
    #[must_use]
    pub fn at(path: &Path) -> Option<Self> {
        Versioned::at(path, MARKER).map(Self)
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The first two numbers of its version, such as 7 and 0.
    #[must_use]
    pub fn version(&self) -> (u32, u32) {
        self.0.version
    }

    /// Starts a server with these settings in addition to its own, and waits until it answers.
    ///
    /// # Panics
    ///
    /// If the server does not start.
    #[must_use]
    #[track_caller]
    pub fn start(&self, settings: &[(&str, &str)]) -> Redis {
        check(self.try_start(settings))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_program_is_no_server() {
        assert_eq!(RedisProgram::at(Path::new("/bin/sh")), None);
        assert_eq!(RedisProgram::at(Path::new("/nowhere")), None);
    }
}
