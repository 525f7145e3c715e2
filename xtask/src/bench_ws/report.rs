//! The figures of all clients: as a table, and as JSON.

use std::fmt;

use crate::bench::median;
use serde::Serialize;

use super::clients::{NODE, OURS, OURS_ON_ONE, PYTHON};
use super::run::{Load, Run};
use super::{Options, Runs};

/// The default number of concurrent handlers of our client.
const MAX_RUNNING: u32 = 64;
/// From this share of its core on, the platform's side is what limits a client.
const BUSY: f64 = 0.9;
/// What an idle long connection may have.
const IDLE_KIB: u64 = 12 * 1024;

/// What all runs of a client come to: medians, and peaks. Times are in microseconds.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    client: &'static str,
    events_per_second: f64,
    /// Whether the client could do more than it was given.
    at_least: bool,
    failed: u64,
    p50_us: f64,
    p99_us: f64,
    /// With one event open at a time.
    single_p50_us: f64,
    single_p99_us: f64,
    platform_busy: Option<f64>,
    peak_memory_kib: u64,
    idle_memory_kib: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Without {
    pub(super) client: &'static str,
    pub(super) reason: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Report {
    seconds: f64,
    rounds: u32,
    window: u32,
    pub(super) clients: Vec<Figures>,
    pub(super) failed: Vec<Without>,
    skipped: Vec<Without>,
}

impl Figures {
    pub(super) fn of(client: &'static str, runs: &Runs) -> Self {
        let Runs {
            loaded,
            single,
            idle,
        } = runs;
        let busy: Vec<_> = loaded
            .iter()
            .filter_map(|run| run.load.platform_busy)
            .collect();
        let platform_busy = (!busy.is_empty()).then(|| median(busy));
        let failed = loaded.iter().chain(single).map(|run| run.load.failed);
        Self {
            client,
            events_per_second: median_of(loaded, |load| Some(load.acked_per_s)),
            at_least: platform_busy.is_some_and(|busy| busy >= BUSY),
            failed: failed.sum(),
            p50_us: median_of(loaded, |load| load.p50_us),
            p99_us: median_of(loaded, |load| load.p99_us),
            single_p50_us: median_of(single, |load| load.p50_us),
            single_p99_us: median_of(single, |load| load.p99_us),
            platform_busy,
            peak_memory_kib: peak(loaded),
            idle_memory_kib: peak(idle),
        }
    }
}

fn median_of(runs: &[Run], value: fn(&Load) -> Option<f64>) -> f64 {
    median(runs.iter().filter_map(|run| value(&run.load)))
}

fn peak(runs: &[Run]) -> u64 {
    runs.iter().map(|run| run.peak_kib).max().unwrap_or(0)
}

impl Report {
    pub(super) fn new(options: &Options, skipped: Vec<Without>) -> Self {
        Self {
            seconds: options.seconds,
            rounds: options.rounds,
            window: options.window,
            clients: Vec::new(),
            failed: Vec::new(),
            skipped,
        }
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("numbers and texts")
    }

    fn client(&self, name: &str) -> Option<&Figures> {
        self.clients.iter().find(|figures| figures.client == name)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            seconds,
            rounds,
            window,
            ..
        } = self;
        writeln!(
            f,
            "{window} events open at once on one ws:// connection, each client as it comes and on one \
             core; medians of {rounds} rounds of {seconds} s\n"
        )?;
        writeln!(
            f,
            "{:<22}{:>12}{:>10}{:>10}{:>12}{:>12}{:>12}{:>12}{:>10}{:>8}",
            "client",
            "events/s",
            "p50 us",
            "p99 us",
            "1: p50 us",
            "1: p99 us",
            "peak MiB",
            "idle MiB",
            "platform",
            "failed",
        )?;
        for figures in &self.clients {
            writeln!(f, "{figures}")?;
        }
        for Without { client, reason } in &self.failed {
            writeln!(f, "{client:<22}failed: {reason}")?;
        }
        for Without { client, reason } in &self.skipped {
            writeln!(f, "{client:<22}skipped: {reason}")?;
        }
        writeln!(
            f,
            "\n1: with one event open at a time. platform: the share of its core that the \
             platform's side used."
        )?;
        for ours in [OURS, OURS_ON_ONE]
            .iter()
            .filter_map(|name| self.client(name))
        {
            for theirs in [PYTHON, NODE].iter().filter_map(|name| self.client(name)) {
                writeln!(f, "{}", Ratio { ours, theirs })?;
            }
            let (kib, bound) = (ours.idle_memory_kib, mib(IDLE_KIB));
            let verdict = if kib <= IDLE_KIB { "within" } else { "above" };
            let name = ours.client;
            writeln!(
                f,
                "{name}: idle in {:.1} MiB, {verdict} {bound} MiB",
                mib(kib)
            )?;
        }
        if *window > MAX_RUNNING {
            writeln!(
                f,
                "ours runs {MAX_RUNNING} handlers at once, and the others wait"
            )?;
        }
        Ok(())
    }
}

/// A line of the table.
impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = if self.at_least { ">= " } else { "" };
        let events = format!("{bound}{:.0}", self.events_per_second);
        let busy = self
            .platform_busy
            .map_or_else(|| "?".to_owned(), |busy| format!("{:.0} %", busy * 100.0));
        write!(
            f,
            "{:<22}{events:>12}{:>10.0}{:>10.0}{:>12.0}{:>12.0}{:>12.1}{:>12.1}{busy:>10}{:>8}",
            self.client,
            self.p50_us,
            self.p99_us,
            self.single_p50_us,
            self.single_p99_us,
            mib(self.peak_memory_kib),
            mib(self.idle_memory_kib),
            self.failed,
        )
    }
}

struct Ratio<'a> {
    ours: &'a Figures,
    theirs: &'a Figures,
}

impl fmt::Display for Ratio<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ours, theirs } = self;
        let bound = if ours.at_least { "at least " } else { "" };
        let times = ours.events_per_second / theirs.events_per_second;
        let memory = mib(ours.peak_memory_kib) / mib(theirs.peak_memory_kib);
        write!(
            f,
            "{}: {bound}{times:.1} times the events of {}, in {:.0} % of its memory",
            ours.client,
            theirs.client,
            memory * 100.0
        )?;
        if ours.failed + theirs.failed > 0 {
            f.write_str("; unreliable, as events failed")?;
        }
        Ok(())
    }
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(acked_per_s: f64, failed: u64, busy: f64) -> Run {
        let load = Load {
            acked_per_s,
            failed,
            p50_us: Some(10.0),
            p99_us: Some(20.0),
            platform_busy: Some(busy),
        };
        let peak_kib = 2048;
        Run { load, peak_kib }
    }

    fn figures(client: &'static str, loaded: Vec<Run>) -> Figures {
        let runs = Runs {
            loaded,
            single: vec![run(1.0, 0, 0.1)],
            idle: vec![run(0.0, 0, 0.0)],
        };
        Figures::of(client, &runs)
    }

    #[test]
    fn figures_are_medians_and_all_failures() {
        let runs = vec![run(30.0, 1, 0.5), run(10.0, 0, 0.95), run(20.0, 2, 0.4)];
        let figures = figures(OURS, runs);
        assert_eq!((figures.events_per_second, figures.failed), (20.0, 3));
        assert!(!figures.at_least, "the platform's side was half idle");
    }

    #[test]
    fn a_busy_platform_makes_a_figure_a_lower_bound() {
        let (ours, theirs) = (
            figures(OURS, vec![run(100.0, 0, 0.99)]),
            figures(NODE, vec![run(20.0, 0, 0.1)]),
        );
        assert!(ours.to_string().contains(">= 100"), "{ours}");
        let ratio = Ratio {
            ours: &ours,
            theirs: &theirs,
        };
        let told =
            "ours, multi_thread: at least 5.0 times the events of node, in 100 % of its memory";
        assert_eq!(ratio.to_string(), told);
    }

    #[test]
    fn a_ratio_of_failed_events_is_marked() {
        let ours = figures(OURS, vec![run(100.0, 1, 0.1)]);
        let ratio = Ratio {
            ours: &ours,
            theirs: &ours,
        };
        assert!(ratio.to_string().ends_with("as events failed"), "{ratio}");
    }
}
