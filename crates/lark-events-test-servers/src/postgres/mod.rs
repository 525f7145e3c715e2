//! A PostgreSQL server: its start, its databases and its end.

mod installation;
mod standby;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

pub use self::installation::Installation;
use crate::ports::{at_free_ports, free_port};
use crate::process::{Server, check};
use crate::skip::or_skip;

/// Of every server. All of them can have standbys. Shared memory is in the folder, where it is removed with it.
const SETTINGS: [(&str, &str); 5] = [
    ("shared_buffers", "64MB"),
    ("dynamic_shared_memory_type", "mmap"),
    ("wal_level", "replica"),
    ("hot_standby", "on"),
    ("wal_keep_size", "256MB"),
];

/// A running PostgreSQL server, which ends with this value or with this process.
///
/// Its only user is `postgres`, which needs no password. It syncs each commit.
#[derive(Debug)]
pub struct Postgres {
    installation: Installation,
    server: Server,
    port: u16,
    /// How a standby calls itself.
    name: Option<String>,
    is_frozen: AtomicBool,
}

impl Postgres {
    /// Finds an installation, as [`Installation::find`].
    #[must_use]
    pub fn installed() -> Option<Installation> {
        Installation::find()
    }

    /// Finds an installation, or prints that something is skipped because there is none.
    ///
    /// # Panics
    ///
    /// If there is none and `LARK_EVENTS_ENGINES` is `required`.
    #[must_use]
    #[track_caller]
    pub fn installed_or_skip(what: &str) -> Option<Installation> {
        let install = "apt-get install postgresql";
        or_skip(Self::installed(), what, "PostgreSQL", install)
    }

    /// Starts a server, or prints that something is skipped because PostgreSQL is not installed.
    ///
    /// # Panics
    ///
    /// If the server does not start, or if PostgreSQL is not installed and `LARK_EVENTS_ENGINES` is `required`.
    #[must_use]
    #[track_caller]
    pub fn start_or_skip(what: &str) -> Option<Self> {
        let installation = Self::installed_or_skip(what)?;
        Some(installation.start(&[]))
    }

    fn new(installation: &Installation, settings: &[(&str, &str)]) -> Result<Self, String> {
        let server = Server::new("postgres", "QUIT")?;
        let data = data(&server);
        let mut arguments = vec!["-D", text(&data)?, "--no-sync"];
        arguments.extend(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C"]);
        server.run(&installation.program("initdb"), &arguments, "")?;
        let settings: Vec<_> = SETTINGS.iter().chain(settings).copied().collect();
        configure(&data.join("postgresql.conf"), &settings)?;
        Self::first_start(installation.clone(), server, None, None)
    }

    /// Starts a server whose data are complete: at this port, or else at a free one.
    fn first_start(
        installation: Installation,
        server: Server,
        name: Option<String>,
        port: Option<u16>,
    ) -> Result<Self, String> {
        let mut postgres = Self {
            installation,
            server,
            port: 0,
            name,
            is_frozen: AtomicBool::new(false),
        };
        at_free_ports(|| {
            postgres.port = port.map_or_else(free_port, Ok)?;
            postgres.try_restart()
        })?;
        Ok(postgres)
    }

    fn try_restart(&self) -> Result<(), String> {
        let (data, port) = (data(&self.server), self.port.to_string());
        let sockets = self.server.folder();
        // Not in the configuration, which standbys copy.
        let mut arguments = vec!["-D", text(&data)?, "-h", "127.0.0.1", "-p", &port];
        arguments.extend(["-k", text(sockets)?]);
        let name = self
            .name
            .as_ref()
            .map(|name| format!("cluster_name={name}"));
        if let Some(name) = &name {
            arguments.extend(["-c", name]);
        }
        let program = self.installation.program("postgres");
        self.server.start(&program, &arguments, |number| {
            let file = fs::read_to_string(data.join("postmaster.pid"));
            file.is_ok_and(|file| is_ready(&file, number))
        })
    }

    /// The installation that the server is of.
    #[must_use]
    pub fn installation(&self) -> &Installation {
        &self.installation
    }

    /// Its port on 127.0.0.1, which stays the same.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its folder, which contains the data as `data`, the log as `log`, and the Unix socket.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.server.folder()
    }

    /// All that the server has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// The URL of its first database, `postgres`, for the user `postgres`.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of("postgres", "postgres")
    }

    /// The URL of a database for a user.
    #[must_use]
    pub fn url_of(&self, database: &str, user: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// Creates a database, such as one for each test. Returns its URL for the user `postgres`.
    ///
    /// # Panics
    ///
    /// If the server rejects it.
    #[track_caller]
    pub fn create_database(&self, name: &str) -> String {
        self.psql(&format!(
            "CREATE DATABASE \"{}\"",
            name.replace('"', "\"\"")
        ));
        self.url_of(name, "postgres")
    }

    /// Runs SQL in the database `postgres`. Returns its rows, one a line, the columns separated by `|`.
    ///
    /// # Panics
    ///
    /// If a statement fails.
    #[track_caller]
    pub fn psql(&self, sql: &str) -> String {
        self.psql_at(&self.url(), sql)
    }

    /// Runs SQL in the database of a URL, such as that of a pooler. Returns its rows, as [`psql`](Self::psql).
    ///
    /// # Panics
    ///
    /// If a statement fails.
    #[track_caller]
    pub fn psql_at(&self, url: &str, sql: &str) -> String {
        match self.try_psql_at(url, sql) {
            Ok(rows) => rows,
            Err(error) => panic!("{}", self.server.error(&error)),
        }
    }

    /// Runs SQL in the database of a URL. Returns its rows, as [`psql`](Self::psql).
    ///
    /// # Errors
    ///
    /// What `psql` writes, if the server cannot be reached or a statement fails.
    pub fn try_psql_at(&self, url: &str, sql: &str) -> Result<String, String> {
        let mut arguments = vec!["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1"];
        arguments.extend(["-d", url, "-f", "-"]);
        let program = self.installation.program("psql");
        self.server.run(&program, &arguments, sql)
    }

    /// Shuts the server down, disconnecting its clients. It can be started again.
    ///
    /// # Panics
    ///
    /// If the server does not stop.
    #[track_caller]
    pub fn stop(&self) {
        self.thaw();
        check(self.server.stop("INT"));
    }

    /// Kills all processes of the server, as a power cut would. It can be started again.
    ///
    /// # Panics
    ///
    /// If a process remains.
    #[track_caller]
    pub fn kill(&self) {
        let killed = self.server.kill();
        self.thawed();
        check(killed);
        self.remove_shared_memory();
    }

    /// Starts the server again, at its port and with its data. Stops it first if it runs.
    ///
    /// # Panics
    ///
    /// If the server does not start.
    #[track_caller]
    pub fn restart(&self) {
        self.stop();
        check(self.try_restart());
    }

    /// A killed server leaves a System V segment, until it is started again. The folder may be removed before.
    fn remove_shared_memory(&self) {
        let file = fs::read_to_string(data(&self.server).join("postmaster.pid"));
        let segment = file.as_deref().ok().and_then(|file| {
            let (_, segment) = file.lines().nth(6)?.trim().rsplit_once(' ')?;
            Some(segment.to_owned())
        });
        if let Some(segment) = segment {
            // A machine without the program keeps a few bytes.
            let _ = self.server.run(Path::new("ipcrm"), &["-m", &segment], "");
        }
    }
}

fn data(server: &Server) -> PathBuf {
    server.folder().join("data")
}

/// Whether the file `postmaster.pid` is that of this process, and the server accepts connections.
fn is_ready(file: &str, number: u32) -> bool {
    let lines: Vec<_> = file.lines().map(str::trim).collect();
    lines.first() == Some(&number.to_string().as_str()) && lines.get(7) == Some(&"ready")
}

/// Adds settings to a file of the server. The last setting of a name is the one in force.
fn configure(file: &Path, settings: &[(&str, &str)]) -> Result<(), String> {
    let lines = settings
        .iter()
        .map(|(name, value)| format!("{name} = '{}'\n", value.replace('\'', "''")));
    let lines = lines.collect::<String>();
    let opened = File::options().append(true).open(file);
    let written = opened.and_then(|mut it| it.write_all(lines.as_bytes()));
    written.map_err(|error| format!("{}: {error}", file.display()))
}

fn text(path: &Path) -> Result<&str, String> {
    let error = || {
        format!(
            "expected a temporary folder in UTF-8, not {}",
            path.display()
        )
    };
    path.to_str().ok_or_else(error)
}
