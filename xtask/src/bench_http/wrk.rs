//! The load: wrk with our script, and what it prints.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use super::PATH;

/// Where the load comes from; the servers have another core.
pub(super) const CORE: &str = "0";
pub(super) const CONNECTIONS: u32 = 64;
const SCRIPT: &str = "benches/http/posts.lua";

/// What one run saw. Times are in microseconds.
#[derive(Debug, PartialEq)]
pub(super) struct Load {
    pub(super) per_second: f64,
    pub(super) p50: f64,
    pub(super) p99: f64,
}

/// Sends the events of a file for so many seconds. Fails where an answer was not a success, or none
/// came.
pub(super) fn run(
    root: &Path,
    to: SocketAddr,
    events: &Path,
    seconds: u64,
) -> Result<Load, String> {
    let output = Command::new("taskset")
        .args(["--cpu-list", CORE, "wrk", "--threads", "1", "--latency"])
        .args(["--connections", &CONNECTIONS.to_string()])
        .args(["--duration", &format!("{seconds}s")])
        .arg("--script")
        .arg(root.join(SCRIPT))
        .args([
            OsStr::new(&format!("http://{to}{PATH}")),
            events.as_os_str(),
        ])
        .output()
        .map_err(|error| format!("wrk: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("wrk: {}: {}", output.status, said.trim()));
    }
    parse(&String::from_utf8_lossy(&output.stdout))
}

fn parse(output: &str) -> Result<Load, String> {
    let after = |label: &str| {
        let mut lines = output.lines().map(str::trim);
        lines.find_map(|line| line.strip_prefix(label).map(str::trim))
    };
    for label in ["Socket errors:", "Non-2xx or 3xx responses:"] {
        if let Some(errors) = after(label) {
            return Err(format!("{label} {errors}"));
        }
    }
    let missing = |label: &str| format!("wrk said nothing of {label}");
    let percentile = |label| {
        let time = after(label).and_then(microseconds);
        time.ok_or_else(|| missing(label))
    };
    let per_second = after("Requests/sec:").and_then(|number| number.parse().ok());
    let per_second: f64 = per_second.ok_or_else(|| missing("Requests/sec:"))?;
    if per_second <= 0.0 {
        return Err("nothing was answered".to_owned());
    }
    Ok(Load {
        per_second,
        p50: percentile("50%")?,
        p99: percentile("99%")?,
    })
}

/// A time as wrk prints it: `250.00us`, `5.80ms`, `1.02s`, `2.00m`.
fn microseconds(time: &str) -> Option<f64> {
    let unit = time.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = time.split_at(unit);
    let factor = match unit {
        "us" => 1.0,
        "ms" => 1e3,
        "s" => 1e6,
        "m" => 60e6,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "\
Running 3s test @ http://127.0.0.1:7777/webhook/event
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.21ms  373.20us  10.87ms   93.51%
    Req/Sec    53.07k     2.81k   56.85k    83.33%
  Latency Distribution
     50%  617.00us
     75%    1.24ms
     90%    1.39ms
     99%    2.31ms
  158410 requests in 3.00s, 15.56MB read
Requests/sec:  52776.54
Transfer/sec:      5.18MB
";

    #[test]
    fn what_wrk_prints_is_read() {
        let load = Load {
            per_second: 52_776.54,
            p50: 617.0,
            p99: 2_310.0,
        };
        assert_eq!(parse(PRINTED), Ok(load));
    }

    #[test]
    fn a_run_with_errors_has_no_figures() {
        for error in [
            "Socket errors: connect 0, read 0, write 0, timeout 3",
            "Non-2xx or 3xx responses: 158410",
        ] {
            let printed = PRINTED.replace("Requests/sec", &format!("  {error}\nRequests/sec"));
            assert_eq!(parse(&printed), Err(error.to_owned()));
        }
    }

    #[test]
    fn a_run_without_answers_has_no_figures() {
        let printed = PRINTED.replace("52776.54", "0.00");
        assert_eq!(parse(&printed), Err("nothing was answered".to_owned()));
        let printed = PRINTED.replace("99%  ", "");
        assert_eq!(parse(&printed), Err("wrk said nothing of 99%".to_owned()));
        assert!(parse("").is_err());
    }

    #[test]
    fn times_come_in_any_unit() {
        let times = ["250.50us", "5.80ms", "1.02s", "2.00m"].map(microseconds);
        assert_eq!(
            times,
            [250.5, 5_800.0, 1_020_000.0, 120_000_000.0].map(Some)
        );
        for other in ["5.80", "ms", "", "1.00parsec"] {
            assert_eq!(microseconds(other), None, "{other}");
        }
    }
}
