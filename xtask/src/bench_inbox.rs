//! `cargo xtask bench-inbox`: measures events through an inbox. The examples of the inbox's crates do
//! the work.

use std::path::Path;

use crate::cargo;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The store to measure. `sqlite` measures the one in memory too
    #[arg(long, value_enum, default_value = "sqlite")]
    store: Measured,
    /// The parts to measure, all by default: tasks, latency, handled, store, size on SQLite; latency, handled,
    /// store, size, processes, lane, held on PostgreSQL; store, size, cluster, always, memory on NATS
    #[arg(value_name = "PART")]
    parts: Vec<String>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Measured {
    Sqlite,
    Postgres,
    Nats,
}

/// Runs it to its end.
pub(crate) fn run(root: &Path, options: &Options) -> Result<(), String> {
    let (package, example) = match options.store {
        Measured::Sqlite => ("lark-events-inbox", "bench"),
        Measured::Postgres => ("lark-events-inbox-postgres", "bench-postgres"),
        Measured::Nats => ("lark-events-inbox-nats", "bench-nats"),
    };
    let mut command = cargo::command(root);
    command
        .args(["run", "--release", "--quiet", "--package", package])
        .args(["--example", example, "--"])
        .args(&options.parts);
    cargo::succeed(&mut command, "bench-inbox")
}
