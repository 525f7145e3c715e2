//! Latencies at half load: the `load` program of `benches` sends at half of the rate that wrk found to
//! be the maximum of a server in the same round. Bare hyper is measured at its own half load, and at
//! the rates of ours.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use super::PATH;
use super::apps::{AXUM, BARE, HYPER};
use super::report::{Target, microseconds};
use super::wrk::CORE;
use crate::bench::median;

/// How many times bare hyper's 99th percentile ours may be.
const TIMES: f64 = 1.5;

/// When requests are sent.
#[derive(Debug, Clone, Copy, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Arrivals {
    /// At equal intervals
    Even,
    /// At exponential intervals, as requests of independent users
    Exponential,
}

/// The program that sends, and how.
pub(super) struct Sender<'a> {
    pub(super) program: PathBuf,
    pub(super) posts: &'a Path,
    pub(super) seconds: u64,
    pub(super) arrivals: Arrivals,
}

/// What the program prints. Times are in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub(super) struct Latency {
    pub(super) per_second: f64,
    pub(super) p50: f64,
    pub(super) p99: f64,
    /// How late requests were sent, as the program was busy or all connections were.
    pub(super) late_p99: f64,
}

/// A server at the half load of a server, and what came of it so far.
pub(super) struct Measured {
    pub(super) server: &'static str,
    pub(super) half_of: &'static str,
    pub(super) runs: Result<Vec<Latency>, String>,
}

/// Medians of all rounds.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    server: &'static str,
    /// The server whose maximum it is.
    at_half_load_of: &'static str,
    events_per_second: f64,
    p50_us: f64,
    p99_us: f64,
    sent_late_p99_us: f64,
}

/// All rows of it. Those that are compared follow each other, so that both have the same conditions.
pub(super) fn rows() -> Vec<Measured> {
    let rows = [
        (BARE, BARE),
        (HYPER, HYPER),
        (BARE, HYPER),
        (AXUM, AXUM),
        (BARE, AXUM),
    ];
    let row = |(server, half_of)| Measured {
        server,
        half_of,
        runs: Ok(Vec::new()),
    };
    rows.map(row).into()
}

impl Sender<'_> {
    /// Sends so many events a second. Fails where the server had no success or not that rate.
    pub(super) fn run(&self, to: SocketAddr, rate: f64) -> Result<Latency, String> {
        let output = Command::new("taskset")
            .args(["--cpu-list", CORE])
            .arg(&self.program)
            .args([&to.to_string(), PATH])
            .arg(self.posts)
            .args([rate.to_string(), self.seconds.to_string()])
            .arg(match self.arrivals {
                Arrivals::Even => "even",
                Arrivals::Exponential => "exponential",
            })
            .output()
            .map_err(|error| format!("load: {error}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(format!("load: {}: {}", output.status, said.trim()));
        }
        let printed = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(&printed).map_err(|error| format!("load: {printed}: {error}"))
    }
}

impl Figures {
    pub(super) fn of(server: &'static str, half_of: &'static str, runs: &[Latency]) -> Self {
        let median = |value: fn(&Latency) -> f64| median(runs.iter().map(value));
        Self {
            server,
            at_half_load_of: half_of,
            events_per_second: median(|run| run.per_second),
            p50_us: median(|run| run.p50),
            p99_us: median(|run| run.p99),
            sent_late_p99_us: median(|run| run.late_p99),
        }
    }
}

/// The table, each 99th percentile also as a multiple of bare hyper's at its half load and at the same rate.
pub(super) struct Table<'a>(pub(super) &'a [Figures]);

impl Table<'_> {
    fn p99(&self, server: &str, half_of: &str) -> Option<f64> {
        let mut rows = self.0.iter();
        let row = rows.find(|row| row.server == server && row.at_half_load_of == half_of)?;
        Some(row.p99_us)
    }

    pub(super) fn targets(&self) -> Vec<Target> {
        let mut targets = Vec::new();
        for server in [HYPER, AXUM] {
            for (bare_at, what) in [(BARE, "at its half load"), (server, "at the same rate")] {
                let what =
                    format!("p99 of {server} at half load within {TIMES} × that of {BARE} {what}");
                let both = self.p99(server, server).zip(self.p99(BARE, bare_at));
                let times = both.map(|(ours, bare)| ours / bare);
                let figure =
                    both.zip(times)
                        .map_or("not measured".to_owned(), |((ours, bare), times)| {
                            let [ours, bare] = [ours, bare].map(microseconds);
                            format!("{times:.2}; {ours}, of {bare}")
                        });
                targets.push(Target {
                    reached: times.map(|times| times <= TIMES),
                    text: format!("{what}: {figure}"),
                });
            }
        }
        targets
    }
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<22} {:>9} {:>10} {:>10} {:>13}  at half load of",
            "server", "events/s", "p50", "p99", "sent late p99",
        )?;
        for row in self.0 {
            writeln!(
                f,
                "{:<22} {:>9.0} {:>10} {:>10} {:>13}  {}",
                row.server,
                row.events_per_second,
                microseconds(row.p50_us),
                microseconds(row.p99_us),
                microseconds(row.sent_late_p99_us),
                row.at_half_load_of,
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latency(p99: f64) -> Latency {
        Latency {
            per_second: 25_000.0,
            p50: 20.0,
            p99,
            late_p99: 1.5,
        }
    }

    #[test]
    fn what_the_program_prints_is_read() {
        let printed = r#"{"late_p99":1.5,"p50":20.0,"p99":60.0,"per_second":25000.0}"#;
        assert_eq!(
            serde_json::from_str::<Latency>(printed).unwrap(),
            latency(60.0)
        );
        assert!(serde_json::from_str::<Latency>(r#"{"p50":null}"#).is_err());
    }

    #[test]
    fn figures_are_medians() {
        let figures = Figures::of(HYPER, HYPER, &[90.0, 50.0, 70.0].map(latency));
        assert_eq!((figures.p99_us, figures.p50_us), (70.0, 20.0));
    }

    #[test]
    fn ours_is_compared_at_either_rate() {
        let row = |server, half_of, p99| Figures::of(server, half_of, &[latency(p99)]);
        let table = [
            row(BARE, BARE, 40.0),
            row(HYPER, HYPER, 60.0),
            row(BARE, HYPER, 30.0),
            row(AXUM, AXUM, 61.0),
        ];
        let targets = Table(&table).targets();
        let reached: Vec<_> = targets.iter().map(|target| target.reached).collect();
        assert_eq!(reached, [Some(true), Some(false), Some(false), None]);
        let text = "p99 of hyper at half load within 1.5 × that of bare hyper at the same rate: \
                    2.00; 60.0 µs, of 30.0 µs";
        assert_eq!(targets[1].text, text);
        let printed = Table(&table).to_string();
        let line = "bare hyper                 25000    20.0 µs    30.0 µs        1.5 µs  hyper\n";
        assert!(printed.contains(line), "{printed}");
    }
}
