//! The figures of all servers: as a table, against the targets, and as JSON.

use std::fmt;

use crate::bench::median;
use serde::Serialize;

use super::apps::{AXUM, AXUM_EXAMPLE, BARE, GO, HYPER, LARKSUITE, NODE, PYTHON};
use super::half_load::{self, Table};

/// What an event may cost on top of bare hyper, in times the floor.
const FLOORS: f64 = 1.5;
const PEAK_KIB: u64 = 16 * 1024;
/// How many times a peer's events a second ours handles.
const TIMES: [(&str, f64); 4] = [(LARKSUITE, 2.0), (GO, 5.0), (NODE, 12.0), (PYTHON, 40.0)];

/// One run of a server. Times are in microseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) per_second: f64,
    pub(super) p50: f64,
    pub(super) p99: f64,
    /// The share of its core that it used.
    pub(super) core: f64,
    pub(super) peak_kib: u64,
}

/// What all runs of a server come to: medians, and the peak of all.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    server: &'static str,
    events_per_second: f64,
    p50_us: f64,
    p99_us: f64,
    /// The time from one event to the next.
    us_per_event: f64,
    core_share: f64,
    peak_memory_kib: u64,
}

/// A server without figures.
#[derive(Debug, Serialize)]
pub(super) struct Without {
    server: &'static str,
    reason: String,
}

/// What is written for tools.
#[derive(Serialize)]
struct Json<'a> {
    #[serde(flatten)]
    report: &'a Report,
    targets: Vec<Target>,
}

#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) seconds: u64,
    pub(super) rounds: u32,
    pub(super) connections: u32,
    /// The least that must be done for one event.
    pub(super) floor_us: f64,
    pub(super) servers: Vec<Figures>,
    pub(super) half_load: Vec<half_load::Figures>,
    pub(super) failed: Vec<Without>,
    pub(super) skipped: Vec<Without>,
}

/// A target and how far off it is.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Target {
    /// `None` where a server in it was not measured.
    pub(super) reached: Option<bool>,
    pub(super) text: String,
}

impl Without {
    pub(super) fn new(server: &'static str, reason: String) -> Self {
        Self { server, reason }
    }
}

impl Figures {
    pub(super) fn of(server: &'static str, runs: &[Run]) -> Self {
        let median = |value: fn(&Run) -> f64| median(runs.iter().map(value));
        let events_per_second = median(|run| run.per_second);
        Self {
            server,
            events_per_second,
            p50_us: median(|run| run.p50),
            p99_us: median(|run| run.p99),
            us_per_event: 1e6 / events_per_second,
            core_share: median(|run| run.core),
            peak_memory_kib: runs.iter().map(|run| run.peak_kib).max().unwrap_or(0),
        }
    }
}

impl Report {
    pub(super) fn to_json(&self) -> String {
        let targets = self.targets();
        let report = self;
        let json = serde_json::to_string_pretty(&Json { report, targets });
        json.expect("numbers and texts")
    }

    fn server(&self, name: &str) -> Option<&Figures> {
        self.servers.iter().find(|figures| figures.server == name)
    }

    /// How many times the events of one the other handles.
    fn times(&self, ours: &str, theirs: &str) -> Option<f64> {
        let per_second = |name| Some(self.server(name)?.events_per_second);
        Some(per_second(ours)? / per_second(theirs)?)
    }

    pub(super) fn targets(&self) -> Vec<Target> {
        let mut targets = Vec::new();
        for name in [HYPER, AXUM] {
            targets.push(self.cost(name));
        }
        targets.extend(Table(&self.half_load).targets());
        targets.push(self.memory());
        for (peer, at_least) in TIMES {
            let times = self.times(AXUM, peer);
            let figure = times.map_or("not measured".to_owned(), |times| format!("{times:.1}"));
            targets.push(Target {
                reached: times.map(|times| times >= at_least),
                text: format!("{AXUM} handles {at_least} × the events of {peer}: {figure}"),
            });
        }
        targets
    }

    fn cost(&self, name: &str) -> Target {
        let us = |name| Some(self.server(name)?.us_per_event);
        let floor = self.floor_us;
        let what = format!("{name} within bare hyper and {FLOORS} × the floor of {floor:.2} µs");
        let Some((ours, bare)) = us(name).zip(us(BARE)) else {
            return Target {
                reached: None,
                text: format!("{what}: not measured"),
            };
        };
        let limit = bare + FLOORS * floor;
        let floors = (ours - bare) / floor;
        Target {
            reached: Some(ours <= limit),
            text: format!(
                "{what}: {ours:.2} µs, of {limit:.2}; bare hyper and {floors:.2} × the floor"
            ),
        }
    }

    fn memory(&self) -> Target {
        let what = format!("{AXUM_EXAMPLE} within {}", mebibytes(PEAK_KIB));
        let peak = self
            .server(AXUM_EXAMPLE)
            .map(|server| server.peak_memory_kib);
        let figure = peak.map_or("not measured".to_owned(), mebibytes);
        Target {
            reached: peak.map(|peak| peak <= PEAK_KIB),
            text: format!("{what}: {figure}"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<22} {:>9} {:>10} {:>10} {:>9} {:>6} {:>10} {:>8} {:>7}",
            "server", "events/s", "p50", "p99", "per event", "core", "memory", "of bare", AXUM,
        )?;
        let times =
            |times: Option<f64>| times.map_or(String::new(), |times| format!("{times:.2} ×"));
        for server in &self.servers {
            writeln!(
                f,
                "{:<22} {:>9.0} {:>10} {:>10} {:>9} {:>4.0} % {:>10} {:>8} {:>7}",
                server.server,
                server.events_per_second,
                microseconds(server.p50_us),
                microseconds(server.p99_us),
                microseconds(server.us_per_event),
                100.0 * server.core_share,
                mebibytes(server.peak_memory_kib),
                times(self.times(server.server, BARE)),
                times(self.times(AXUM, server.server)),
            )?;
        }
        write!(f, "\n{}", Table(&self.half_load))?;
        for Without { server, reason } in &self.failed {
            writeln!(f, "{server:<22} failed: {reason}")?;
        }
        for Without { server, reason } in &self.skipped {
            writeln!(f, "{server:<22} skipped: {reason}")?;
        }
        for Target { reached, text } in self.targets() {
            let reached = match reached {
                Some(true) => "reached",
                Some(false) => "missed",
                None => "unknown",
            };
            write!(f, "\n{reached:<8} {text}")?;
        }
        Ok(())
    }
}

fn mebibytes(kib: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "of memory, in KiB")]
    let mebibytes = kib as f64 / 1024.0;
    format!("{mebibytes:.1} MiB")
}

pub(super) fn microseconds(us: f64) -> String {
    if us < 1_000.0 {
        format!("{us:.1} µs")
    } else {
        format!("{:.2} ms", us / 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(server: &'static str, per_second: f64, peak_kib: u64) -> Figures {
        let run = Run {
            per_second,
            p50: 600.0,
            p99: 2_500.0,
            core: 1.0,
            peak_kib,
        };
        Figures::of(server, &[run])
    }

    /// 10 µs bare, a floor of 4 µs: the limit is 16 µs.
    fn report(servers: Vec<Figures>) -> Report {
        Report {
            seconds: 5,
            rounds: 1,
            connections: 64,
            floor_us: 4.0,
            servers,
            half_load: Vec::new(),
            failed: Vec::new(),
            skipped: Vec::new(),
        }
    }

    #[test]
    fn figures_are_medians_and_the_peak() {
        let run = |per_second, peak_kib| Run {
            per_second,
            p50: per_second,
            p99: 0.0,
            core: 1.0,
            peak_kib,
        };
        let figures = Figures::of("x", &[run(1e5, 5), run(9e5, 7), run(2e5, 6)]);
        assert_eq!(figures.events_per_second, 2e5);
        assert_eq!((figures.us_per_event, figures.p50_us), (5.0, 2e5));
        assert_eq!(figures.peak_memory_kib, 7);
    }

    #[test]
    fn targets_are_reached_missed_or_unknown() {
        let report = report(vec![
            figures(BARE, 100_000.0, 4_000),
            figures(HYPER, 62_500.0, 5_000),
            figures(AXUM, 60_000.0, 6_000),
            figures(AXUM_EXAMPLE, 50_000.0, 16 * 1024 + 1),
            figures(NODE, 5_000.0, 90_000),
            figures(PYTHON, 1_501.0, 80_000),
        ]);
        let mut reached: Vec<_> = report
            .targets()
            .iter()
            .map(|target| target.reached)
            .collect();
        let [yes, no] = [Some(true), Some(false)];
        let at_half_load = &reached[2..6];
        assert_eq!(at_half_load, [None; 4]);
        reached.drain(2..6);
        // hyper, axum, memory, larksuite, go, node, python
        assert_eq!(reached, [yes, no, no, None, None, yes, no]);
        let printed = report.to_string();
        let missed = "missed   axum within bare hyper and 1.5 × the floor of 4.00 µs: 16.67 µs, of 16.00; \
                      bare hyper and 1.67 × the floor\n";
        assert!(printed.contains(missed), "{printed}");
    }
}
