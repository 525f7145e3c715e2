//! `cargo xtask bench-http`: how many events a second our webhooks handle on one core, beside bare
//! hyper and the SDKs of others, and how late ours are at half load.
//!
//! wrk sends over 64 connections from one core, and each server runs on another. Every round measures all
//! servers, so that other load on the machine affects all of them.

mod apps;
mod half_load;
mod posts;
mod report;
mod server;
mod wrk;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use clap::value_parser;

use self::apps::App;
use self::half_load::{Arrivals, Latency, Sender};
use self::posts::Posts;
use self::report::{Figures, Report, Run, Without};
use self::server::{Server, pinned};
use crate::bench::median;

const PATH: &str = "/webhook/event";

/// Before each measured run: interpreters compile, allocators and caches fill.
const WARM_UP_SECONDS: u64 = 1;

/// How often the floor is measured in each round, and how many events each time: half a second.
const FLOOR_RUNS: usize = 3;
const FLOOR_EVENTS: u32 = 100_000;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Seconds of each run of a server
    #[arg(long, value_name = "N", default_value = "5", value_parser = value_parser!(u64).range(1..))]
    seconds: u64,
    #[arg(long, value_name = "N", default_value = "3", value_parser = value_parser!(u32).range(1..))]
    rounds: u32,
    /// When requests at half load are sent
    #[arg(long, default_value = "exponential")]
    arrivals: Arrivals,
    /// Also measure the peer that takes minutes to build
    #[arg(long)]
    peers: bool,
    /// The file for the figures
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// A server that is measured, and what came of it so far.
struct Measured {
    app: App,
    runs: Result<Vec<Run>, String>,
}

/// Measures all servers and prints the figures. Whether targets are reached is no failure.
pub(crate) fn run(root: &Path, options: &Options) -> Result<(), String> {
    if let Some(reason) = missing_tool() {
        println!("skipped: {reason}");
        return Ok(());
    }
    let ours = apps::ours(root)?;
    let (peers, skipped) = apps::peers(root, options.peers);
    let posts = Posts::new(root, ours.posts);
    let apps = ours.apps.into_iter().chain(peers);
    let mut servers: Vec<_> = apps
        .map(|app| Measured {
            app,
            runs: Ok(Vec::new()),
        })
        .collect();
    let mut floors = Vec::new();
    let mut half_load = half_load::rows();
    let sender = Sender {
        program: ours.load,
        posts: &posts.file,
        seconds: options.seconds,
        arrivals: options.arrivals,
    };
    for round in 1..=options.rounds {
        for _ in 0..FLOOR_RUNS {
            floors.push(floor(&ours.repeat)?);
        }
        for Measured { app, runs } in &mut servers {
            let Ok(so_far) = runs else { continue };
            println!("round {round}: {}", app.name);
            match measure(root, app, &posts, options.seconds) {
                Ok(run) => so_far.push(run),
                Err(reason) => *runs = Err(reason),
            }
        }
        for row in &mut half_load {
            let Ok(so_far) = &mut row.runs else { continue };
            println!(
                "round {round}: {} at half load of {}",
                row.server, row.half_of
            );
            match at_half_load(root, &servers, row.server, row.half_of, &posts, &sender) {
                Ok(run) => so_far.push(run),
                Err(reason) => row.runs = Err(reason),
            }
        }
    }
    let mut report = Report {
        seconds: options.seconds,
        rounds: options.rounds,
        connections: wrk::CONNECTIONS,
        floor_us: median(floors),
        servers: Vec::new(),
        half_load: Vec::new(),
        failed: Vec::new(),
        skipped,
    };
    for Measured { app, runs } in servers {
        match runs {
            Ok(runs) => report.servers.push(Figures::of(app.name, &runs)),
            Err(reason) => report.failed.push(Without::new(app.name, reason)),
        }
    }
    for half_load::Measured {
        server,
        half_of,
        runs,
    } in half_load
    {
        match runs {
            Ok(runs) => report
                .half_load
                .push(half_load::Figures::of(server, half_of, &runs)),
            Err(reason) => {
                let reason = format!("at half load of {half_of}: {reason}");
                report.failed.push(Without::new(server, reason));
            }
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
        Err("not all servers could be measured".to_owned())
    }
}

/// Which of the tools that this needs is not there, if any.
fn missing_tool() -> Option<String> {
    ["wrk", "taskset", "setpriv"].into_iter().find_map(|tool| {
        // What it says to it is nothing to us: wrk takes it for a mistake.
        let tried = Command::new(tool).arg("--version").output();
        tried.err().map(|error| format!("{tool}: {error}"))
    })
}

/// A server that is ready to be measured, for events that are signed now.
fn started(root: &Path, app: &App, posts: &Posts) -> Result<Server, String> {
    let (secrets, first) = posts.prepare()?;
    let server = Server::start(app, &secrets)?;
    server.check(&first, app.refusal)?;
    wrk::run(root, server.address, &posts.file, WARM_UP_SECONDS)?;
    Ok(server)
}

/// One run of one server, from its start to its end.
fn measure(root: &Path, app: &App, posts: &Posts, seconds: u64) -> Result<Run, String> {
    let server = started(root, app, posts)?;
    let before = server.processor_seconds()?;
    let load = wrk::run(root, server.address, &posts.file, seconds)?;
    #[expect(clippy::cast_precision_loss, reason = "some seconds")]
    let core = (server.processor_seconds()? - before) / seconds as f64;
    Ok(Run {
        per_second: load.per_second,
        p50: load.p50,
        p99: load.p99,
        core,
        peak_kib: server.peak_kib()?,
    })
}

/// One run of a server at half of the maximum that was last measured.
fn at_half_load(
    root: &Path,
    servers: &[Measured],
    server: &str,
    half_of: &str,
    posts: &Posts,
    sender: &Sender<'_>,
) -> Result<Latency, String> {
    let find = |name| servers.iter().find(|server| server.app.name == name);
    let app = &find(server).ok_or("no such server")?.app;
    let runs = find(half_of).and_then(|server| server.runs.as_ref().ok()?.last());
    let maximum = runs.ok_or("its maximum was not measured")?.per_second;
    let server = started(root, app, posts)?;
    sender.run(server.address, maximum / 2.0)
}

/// The least time that an event takes, in microseconds: that of a process that does nothing else.
fn floor(repeat: &Path) -> Result<f64, String> {
    let failed = |reason: &dyn fmt::Display| format!("the floor: {reason}");
    let started = Instant::now();
    let status = pinned()
        .arg(repeat)
        .args(["floor", "1KB", &FLOOR_EVENTS.to_string()])
        .status()
        .map_err(|error| failed(&error))?;
    if !status.success() {
        return Err(failed(&status));
    }
    Ok(started.elapsed().as_secs_f64() * 1e6 / f64::from(FLOOR_EVENTS))
}
