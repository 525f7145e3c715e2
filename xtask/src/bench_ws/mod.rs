//! `cargo xtask bench-ws`: how many events a second our long connection acknowledges on one core,
//! and how soon, beside the official SDKs for Python and Node.
//!
//! `benches/src/bin/ws_platform.rs` is the platform's side, on a separate core. All clients have
//! their turn in each round, so that what else the machine does meets all alike.

mod clients;
mod report;
mod run;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::value_parser;

use self::clients::Client;
use self::report::{Figures, Report};
use self::run::Run;
use crate::cargo;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Seconds of each run of a client
    #[arg(long, value_name = "N", default_value = "5", value_parser = crate::positive)]
    seconds: f64,
    #[arg(long, value_name = "N", default_value = "3", value_parser = value_parser!(u32).range(1..))]
    rounds: u32,
    /// Events open at the same time; our client fails on purpose beyond 4096
    #[arg(long, value_name = "N", default_value = "64", value_parser = value_parser!(u32).range(1..=4096))]
    window: u32,
    /// The file for the figures
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// A client that is measured, and what came of it so far.
struct Measured {
    client: Client,
    runs: Result<Runs, String>,
}

#[derive(Default)]
struct Runs {
    /// With so many events open as the options say.
    loaded: Vec<Run>,
    /// With one event open.
    single: Vec<Run>,
    /// With none.
    idle: Vec<Run>,
}

/// Measures all clients and prints the figures. No figure is a failure.
pub(crate) fn run(root: &Path, options: &Options) -> Result<(), String> {
    for tool in ["taskset", "setpriv"] {
        let mut command = Command::new(tool);
        command.arg("--version").stdout(Stdio::null());
        if let Err(error) = command.status() {
            return Err(format!("{tool}: {error}"));
        }
    }
    let [platform] = cargo::build(root, "benches", "--bin", ["ws_platform"], &[])?;
    let (clients, skipped) = clients::all(root)?;
    let measured = |client| Measured {
        client,
        runs: Ok(Runs::default()),
    };
    let mut clients: Vec<_> = clients.into_iter().map(measured).collect();
    for round in 1..=options.rounds {
        for Measured { client, runs } in &mut clients {
            let Ok(so_far) = runs else { continue };
            println!("round {round}: {}", client.name);
            // The latency and the memory without load vary little.
            let with_idle = round == 1;
            if let Err(reason) = so_far.add(&platform, client, options, with_idle) {
                *runs = Err(reason);
            }
        }
    }
    let mut report = Report::new(options, skipped);
    for Measured { client, runs } in clients {
        match runs {
            Ok(runs) => report.clients.push(Figures::of(client.name, &runs)),
            Err(reason) => report.failed.push(report::Without {
                client: client.name,
                reason,
            }),
        }
    }
    println!("\n{report}");
    if let Some(file) = &options.json {
        fs::write(file, report.to_json())
            .map_err(|error| format!("{}: {error}", file.display()))?;
    }
    if report.failed.is_empty() {
        Ok(())
    } else {
        Err("not all clients could be measured".to_owned())
    }
}

impl Runs {
    /// A round of one client.
    fn add(
        &mut self,
        platform: &Path,
        client: &Client,
        options: &Options,
        with_idle: bool,
    ) -> Result<(), String> {
        let run = |window| run::run(platform, client, window, options.seconds);
        self.loaded.push(run(options.window)?);
        if with_idle {
            self.single.push(run(1)?);
            self.idle.push(run(0)?);
        }
        Ok(())
    }
}
