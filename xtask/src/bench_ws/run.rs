//! One run of one client: the platform's side and the client, each a process on a separate core.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde::Deserialize;

use super::clients::Client;

const PLATFORM_CORE: &str = "0";
const CLIENT_CORE: &str = "1";

/// Of the form that the Node SDK insists on.
const APP_ID: &str = "cli_9f5343c580712544";

/// What came of a run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    pub(super) load: Load,
    /// The most memory that the client had at once, in KiB.
    pub(super) peak_kib: u64,
}

/// What the platform's side prints. Times are in microseconds.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Load {
    pub(super) acked_per_s: f64,
    /// Events that were not acknowledged in time.
    pub(super) failed: u64,
    pub(super) p50_us: Option<f64>,
    pub(super) p99_us: Option<f64>,
    /// The share of its core that the platform's side used.
    pub(super) platform_busy: Option<f64>,
}

/// A process that ends when this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a client with so many events open at once.
pub(super) fn run(
    platform: &Path,
    client: &Client,
    window: u32,
    seconds: f64,
) -> Result<Run, String> {
    let mut command = pinned(PLATFORM_CORE);
    command
        .arg(platform)
        .args([window.to_string(), seconds.to_string()])
        // It ends when this is closed.
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut platform = start(&mut command)?;
    let lines = platform.0.stdout.take().map(BufReader::new);
    let mut lines = lines.into_iter().flat_map(BufRead::lines);
    // It ends by itself, and says why, when there is no client.
    let mut line = || match lines.next() {
        Some(Ok(line)) => Ok(line),
        Some(Err(error)) => Err(error.to_string()),
        None => Err("the platform's side ended".to_owned()),
    };
    let url = line()?;

    let mut command = pinned(CLIENT_CORE);
    command
        .arg(&client.program)
        .arg(&client.argument)
        .envs(client.environment.iter().cloned())
        .envs([("APP_ID", APP_ID), ("APP_SECRET", "secret")])
        .envs([("BASE_URL", &*url), ("PYTHONDONTWRITEBYTECODE", "1")])
        .envs([("NO_PROXY", "127.0.0.1"), ("no_proxy", "127.0.0.1")])
        .stdout(Stdio::null());
    let client = start(&mut command)?;
    let load = line()?;
    let load = serde_json::from_str(&load).map_err(|error| format!("{load}: {error}"))?;
    let status = fs::read_to_string(format!("/proc/{}/status", client.0.id()));
    let status = status.map_err(|error| format!("the client's memory: {error}"))?;
    let peak_kib = peak_kib(&status).ok_or("the client's status has no peak memory")?;
    Ok(Run { load, peak_kib })
}

/// A command on a core that ends when this process does, however it does.
fn pinned(core: &str) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL"])
        .args(["taskset", "--cpu-list", core])
        .stdin(Stdio::null());
    command
}

fn start(command: &mut Command) -> Result<Running, String> {
    let child = command.spawn();
    child
        .map(Running)
        .map_err(|error| format!("not started: {error}"))
}

fn peak_kib(status: &str) -> Option<u64> {
    let mut lines = status.lines();
    let peak = lines.find_map(|line| line.strip_prefix("VmHWM:"))?;
    peak.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_is_read_with_and_without_events() {
        let loaded =
            r#"{"acked_per_s":2.5,"failed":1,"p50_us":3.0,"p99_us":4.0,"platform_busy":0.5}"#;
        let load = Load {
            acked_per_s: 2.5,
            failed: 1,
            p50_us: Some(3.0),
            p99_us: Some(4.0),
            platform_busy: Some(0.5),
        };
        assert_eq!(serde_json::from_str::<Load>(loaded).unwrap(), load);
        let idle =
            r#"{"acked_per_s":0.0,"failed":0,"p50_us":null,"p99_us":null,"platform_busy":null}"#;
        let load: Load = serde_json::from_str(idle).unwrap();
        assert_eq!((load.p50_us, load.platform_busy), (None, None));
        assert!(serde_json::from_str::<Load>("{}").is_err());
    }

    #[test]
    fn the_peak_of_memory_is_read() {
        let status = "Name:\tws_client\nVmPeak:\t  7000 kB\nVmHWM:\t    5120 kB\nVmRSS:\t 4 kB\n";
        assert_eq!(peak_kib(status), Some(5120));
        assert_eq!(peak_kib("VmRSS:\t 4 kB\n"), None);
    }
}
