//! PgBouncer: a pooler between clients and a PostgreSQL server.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};

use crate::ports::{at_free_ports, free_port};
use crate::postgres::Postgres;
use crate::process::{Server, check};
use crate::program::find_program;
use crate::skip::or_skip;

/// A running PgBouncer in transaction mode: at most ten connections for each database and user. It ends with this
/// value or with this process.
#[derive(Debug)]
pub struct PgBouncer {
    server: Server,
    port: u16,
}

impl PgBouncer {
    /// Finds the program.
    #[must_use]
    pub fn installed() -> Option<PathBuf> {
        find_program("pgbouncer")
    }

    /// Finds the program, or prints that something is skipped because there is none.
    ///
    /// # Panics
    ///
    /// If there is none and `LARK_EVENTS_ENGINES` is `required`.
    #[must_use]
    #[track_caller]
    pub fn installed_or_skip(what: &str) -> Option<PathBuf> {
        let install = "apt-get install pgbouncer";
        or_skip(Self::installed(), what, "PgBouncer", install)
    }

    /// Starts PgBouncer, or prints that something is skipped because it is not installed.
    ///
    /// # Panics
    ///
    /// If it does not start, or if it is not installed and `LARK_EVENTS_ENGINES` is `required`.
    #[must_use]
    #[track_caller]
    pub fn start_or_skip(postgres: &Postgres, what: &str) -> Option<Self> {
        let program = Self::installed_or_skip(what)?;
        Some(check(Self::try_start(&program, postgres)))
    }

    /// Starts PgBouncer before a server.
    ///
    /// # Panics
    ///
    /// If it is not installed or does not start.
    #[must_use]
    #[track_caller]
    pub fn start(postgres: &Postgres) -> Self {
        let program = Self::installed();
        let program = program.expect("PgBouncer is not installed: apt-get install pgbouncer");
        check(Self::try_start(&program, postgres))
    }

    fn try_start(program: &Path, postgres: &Postgres) -> Result<Self, String> {
        // SIGTERM waits for clients from version 1.23 on.
        let server = Server::new("pgbouncer", "KILL")?;
        let port = at_free_ports(|| {
            let port = free_port()?;
            start(&server, program, postgres, port).map(|()| port)
        })?;
        Ok(Self { server, port })
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its folder, which contains its settings and its log.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.server.folder()
    }

    /// All that it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// The URL of the database `postgres`, for the user `postgres`.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of("postgres", "postgres")
    }

    /// The URL of a database for a user, who needs no password.
    #[must_use]
    pub fn url_of(&self, database: &str, user: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.port)
    }
}

fn start(server: &Server, program: &Path, postgres: &Postgres, port: u16) -> Result<(), String> {
    let folder = server.folder();
    let write = |name: &str, text: &str| {
        let file = folder.join(name);
        fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))
    };
    write("users", "\"postgres\" \"\"\n")?;
    write("settings", &settings(postgres.port(), port))?;
    // It listens before it logs this.
    let up = |_| {
        server.log().contains("process up")
            && TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
    };
    server.start(program, &["settings"], up)
}

/// Users that are not in the file are looked up in the server.
fn settings(server: u16, port: u16) -> String {
    format!(
        "\
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = users
auth_user = postgres
pool_mode = transaction
default_pool_size = 10
max_client_conn = 1000
ignore_startup_parameters = extra_float_digits
"
    )
}
