//! `cargo xtask bench-ws`: how many events a second our long connection acknowledges on one core,
//! and how soon, beside the official SDKs for Python and Node.
//!
//! `benches/src/bin/ws_platform.rs` is the platform's side, on a core of its own. All clients have
//! their turn in each round, so that what else the machine does meets all alike.

mod clients;
mod report;
mod run;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use self::clients::Client;
use self::report::{Figures, Report};
use self::run::Run;
use crate::cargo;

const SECONDS: f64 = 5.0;
const ROUNDS: usize = 3;
const WINDOW: usize = 64;
/// What our client lets wait for a handler; more would fail by intent.
const MAX_WINDOW: usize = 4096;

/// What a run is told.
#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    /// Of each run of a client.
    seconds: f64,
    rounds: usize,
    /// How many events are open at once.
    window: usize,
    json: Option<PathBuf>,
}

impl Options {
    /// Reads `--seconds N`, `--rounds N`, `--window N` and `--json FILE`, in any order; `None` when it
    /// is something else.
    pub(crate) fn parse(mut arguments: &[&str]) -> Option<Self> {
        let mut options = Self {
            seconds: SECONDS,
            rounds: ROUNDS,
            window: WINDOW,
            json: None,
        };
        while let [flag, value, ref rest @ ..] = *arguments {
            match flag {
                "--seconds" => options.seconds = value.parse().ok()?,
                "--rounds" => options.rounds = value.parse().ok()?,
                "--window" => options.window = value.parse().ok()?,
                "--json" => options.json = Some(value.into()),
                _ => return None,
            }
            arguments = rest;
        }
        let possible = options.seconds.is_finite()
            && options.seconds > 0.0
            && options.rounds > 0
            && (1..=MAX_WINDOW).contains(&options.window);
        (possible && arguments.is_empty()).then_some(options)
    }
}

#[derive(Debug)]
pub(crate) enum BenchWsError {
    /// What is needed for any figure failed.
    Unmeasured(String),
    /// Some clients have no figures, which is told above.
    Failed,
}

impl fmt::Display for BenchWsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unmeasured(reason) => f.write_str(reason),
            Self::Failed => f.write_str("bench-ws: not all clients could be measured"),
        }
    }
}

impl From<String> for BenchWsError {
    fn from(reason: String) -> Self {
        Self::Unmeasured(reason)
    }
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

/// Measures all clients and prints the figures. What they are is no failure.
pub(crate) fn run(root: &Path, options: &Options) -> Result<(), BenchWsError> {
    for tool in ["taskset", "setpriv"] {
        let mut command = Command::new(tool);
        command.arg("--version").stdout(Stdio::null());
        if let Err(error) = command.status() {
            return Err(format!("{tool}: {error}").into());
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
        Err(BenchWsError::Failed)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_come_in_any_order_or_not_at_all() {
        let usual = Options {
            seconds: SECONDS,
            rounds: ROUNDS,
            window: WINDOW,
            json: None,
        };
        assert_eq!(Options::parse(&[]), Some(usual));
        let all = [
            "--json",
            "f",
            "--window",
            "8",
            "--seconds",
            "0.5",
            "--rounds",
            "1",
        ];
        let told = Options {
            seconds: 0.5,
            rounds: 1,
            window: 8,
            json: Some("f".into()),
        };
        assert_eq!(Options::parse(&all), Some(told));
    }

    #[test]
    fn other_options_are_none() {
        for other in [
            &["--seconds"][..],
            &["--seconds", "0"],
            &["--seconds", "inf"],
            &["--rounds", "0"],
            &["--window", "0"],
            &["--window", "4097"],
            &["--minutes", "1"],
            &["1"],
        ] {
            assert_eq!(Options::parse(other), None, "{other:?}");
        }
    }
}
