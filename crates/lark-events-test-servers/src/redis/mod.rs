//! A Redis or Valkey server: its start, its crash and its end.

mod command;
mod program;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

pub use self::program::RedisProgram;
use crate::ports::{at_free_ports, free_ports};
use crate::process::{Server, check, lock};
use crate::skip::or_skip;

/// Nothing is on disk unless a test says so.
const SETTINGS: [(&str, &str); 2] = [("save", "\"\""), ("appendonly", "no")];
/// Written when the server accepts connections, after the number of its process.
const READY: &str = "Ready to accept connections";

/// A running Redis or Valkey server, which ends with this value or with this process.
///
/// It needs no password and has no file of its data, unless its settings say otherwise.
#[derive(Debug)]
pub struct Redis {
    program: RedisProgram,
    server: Server,
    port: u16,
    tls_port: u16,
    /// Of a node of a cluster, for the other nodes.
    cluster_port: u16,
    settings: Mutex<Vec<(String, String)>>,
}

impl Redis {
    /// Finds the program, as [`RedisProgram::find`].
    #[must_use]
    pub fn installed() -> Option<RedisProgram> {
        RedisProgram::find()
    }

    /// Finds the program, or prints that something is skipped because there is none.
    ///
    /// # Panics
    ///
    /// If there is none and `LARK_EVENTS_ENGINES` is `required`.
    #[must_use]
    #[track_caller]
    pub fn installed_or_skip(what: &str) -> Option<RedisProgram> {
        let install = "apt-get install redis-server";
        or_skip(Self::installed(), what, "Redis", install)
    }

    /// Starts a server, or prints that something is skipped because Redis is not installed.
    ///
    /// # Panics
    ///
    /// If the server does not start, or if Redis is not installed and `LARK_EVENTS_ENGINES` is `required`.
    #[must_use]
    #[track_caller]
    pub fn start_or_skip(what: &str) -> Option<Self> {
        let program = Self::installed_or_skip(what)?;
        Some(program.start(&[]))
    }

    fn new(program: &RedisProgram, settings: &[(&str, &str)]) -> Result<Self, String> {
        at_free_ports(|| {
            let ports = free_ports(3)?;
            let redis = Self {
                program: program.clone(),
                // It also ends a frozen server.
                server: Server::new("redis", "KILL")?,
                port: ports[0],
                tls_port: ports[1],
                cluster_port: ports[2],
                settings: Mutex::default(),
            };
            redis.configure(settings);
            redis.try_restart()?;
            Ok(redis)
        })
    }

    fn try_restart(&self) -> Result<(), String> {
        let file = self.server.folder().join("settings");
        fs::write(&file, self.configuration())
            .map_err(|error| format!("{}: {error}", file.display()))?;
        let is_ready = |number| {
            let start = format!("{number}:");
            let log = self.server.log();
            let mut lines = log.lines().filter(|line| line.starts_with(&start));
            // It may still read its files then.
            lines.any(|line| line.contains(READY)) && self.try_command(&["PING"]).is_ok()
        };
        self.server
            .start(self.program.path(), &["settings"], is_ready)
    }

    fn configuration(&self) -> String {
        let mut text = format!("bind 127.0.0.1\nport {}\n", self.port);
        // The last of several settings is in force.
        for (name, value) in SETTINGS {
            let _ = writeln!(text, "{name} {value}");
        }
        for (name, value) in &*lock(&self.settings) {
            let _ = writeln!(text, "{name} {value}");
        }
        if self.setting("tls-cert-file").is_some() {
            let _ = writeln!(text, "tls-port {}", self.tls_port);
        }
        if self.setting("cluster-enabled").is_some() {
            let _ = writeln!(text, "cluster-port {}", self.cluster_port);
        }
        text
    }

    fn setting(&self, name: &str) -> Option<String> {
        let settings = lock(&self.settings);
        let found = settings.iter().find(|(it, _)| it == name);
        found.map(|(_, value)| value.clone())
    }

    /// The program that the server runs.
    #[must_use]
    pub fn program(&self) -> &RedisProgram {
        &self.program
    }

    /// Its port on 127.0.0.1, which stays the same.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its port for other nodes of a cluster, if the settings have `cluster-enabled`.
    #[must_use]
    pub fn cluster_port(&self) -> u16 {
        self.cluster_port
    }

    /// Its folder, which contains the files of its data, the settings and the log. Paths of settings are relative
    /// to it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.server.folder()
    }

    /// All that the server has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// Its URL, without a password.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The URL of its port for TLS, if the settings have a `tls-cert-file`.
    #[must_use]
    pub fn tls_url(&self) -> String {
        format!("rediss://127.0.0.1:{}", self.tls_port)
    }

    /// Runs a command. Returns its answer: a list in several lines, and a missing value as an empty text.
    ///
    /// # Panics
    ///
    /// If the server rejects it or does not answer.
    #[track_caller]
    pub fn command(&self, words: &[&str]) -> String {
        match self.try_command(words) {
            Ok(answer) => answer,
            Err(error) => panic!("{}", self.server.error(&error)),
        }
    }

    /// Runs a command. Returns its answer, as [`command`](Self::command).
    ///
    /// # Errors
    ///
    /// The error of the server, or a text that says why it does not answer.
    pub fn try_command(&self, words: &[&str]) -> Result<String, String> {
        match self.setting("requirepass") {
            Some(password) => command::run(self.port, &[&["AUTH", &password], words]),
            None => command::run(self.port, &[words]),
        }
    }

    /// The next start has these settings in addition to its own, such as `("appendonly", "yes")`.
    pub fn configure(&self, settings: &[(&str, &str)]) {
        let settings = settings.iter().copied();
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        *lock(&self.settings) = settings.collect();
    }

    /// Shuts the server down, disconnecting its clients. It can be started again.
    ///
    /// # Panics
    ///
    /// If the server does not stop.
    #[track_caller]
    pub fn stop(&self) {
        self.thaw();
        check(self.server.stop("TERM"));
    }

    /// Kills the server. It can be started again.
    ///
    /// # Panics
    ///
    /// If the process remains.
    #[track_caller]
    pub fn kill(&self) {
        check(self.server.kill());
    }

    /// Starts the server again, at its ports and with its files. Stops it first if it runs.
    ///
    /// # Panics
    ///
    /// If the server does not start.
    #[track_caller]
    pub fn restart(&self) {
        self.stop();
        check(self.try_restart());
    }

    /// Stops the process of the server until [`thaw`](Self::thaw). Its connections stay open, and nothing answers.
    ///
    /// # Panics
    ///
    /// If the server does not run.
    #[track_caller]
    pub fn freeze(&self) {
        check(self.server.freeze());
    }

    /// Ends a [`freeze`](Self::freeze).
    ///
    /// # Panics
    ///
    /// If the process cannot be continued.
    #[track_caller]
    pub fn thaw(&self) {
        check(self.server.thaw());
    }
}
