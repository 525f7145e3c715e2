//! `cargo xtask bench --check`: the instructions of our own code for one event, against what they were
//! when `--bless` last wrote them down. Unlike times they are the same each time.
//!
//! Valgrind has no SHA instructions, so that the hash takes many times what it does: it is left out, and
//! so is all else that goes by the machine, the cipher, base64 and the libraries.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{fs, io};

use crate::cargo;

/// Instructions by compiler, then by case.
type Baseline = BTreeMap<String, BTreeMap<String, u64>>;

const BASELINE: &str = "benches/instructions.json";
const CASES: [&str; 3] = ["encrypted", "plain", "long_connection"];
/// What is not ours: parts of the names of functions.
const NOT_OURS: [&str; 4] = ["sha2::", "aes::", "cbc::", "base64::"];

/// The difference of two runs is that of so many events, whatever a process does besides.
pub(super) const FEWER: u64 = 200;
pub(super) const MORE: u64 = 1200;

/// Most that a case may grow by, in percent.
const MAX_GROWTH: u64 = 3;

/// Fails where a case takes more than its baseline allows.
pub(crate) fn check(root: &Path) -> Result<(), String> {
    let compiler = compiler(root)?;
    let Some(measured) = measure(root)? else {
        return Ok(());
    };
    let Some(known) = read(root)?.remove(&compiler) else {
        println!(
            "skipped: {BASELINE} has nothing of {compiler}; `cargo xtask bench --bless` adds it"
        );
        return Ok(());
    };
    let mut grown = Vec::new();
    for (case, instructions) in measured {
        let Some(before) = known.get(&case) else {
            return Err(format!("{BASELINE} has no {case}"));
        };
        println!("{case}: {instructions} instructions, {before} before");
        if has_grown(*before, instructions) {
            grown.push(case);
        }
    }
    if grown.is_empty() {
        return Ok(());
    }
    let grown = grown.join(", ");
    Err(format!(
        "more than {MAX_GROWTH} % above {BASELINE}: {grown}"
    ))
}

/// Writes down what is.
pub(crate) fn bless(root: &Path) -> Result<(), String> {
    let compiler = compiler(root)?;
    let Some(measured) = measure(root)? else {
        return Ok(());
    };
    for (case, instructions) in &measured {
        println!("{case}: {instructions} instructions");
    }
    let mut baseline = read(root)?;
    baseline.insert(compiler, measured);
    let json = serde_json::to_string_pretty(&baseline).map_err(|error| error.to_string())?;
    fs::write(root.join(BASELINE), json + "\n").map_err(|error| format!("{BASELINE}: {error}"))?;
    Ok(())
}

fn has_grown(before: u64, now: u64) -> bool {
    now * 100 > before * (100 + MAX_GROWTH)
}

fn read(root: &Path) -> Result<Baseline, String> {
    match fs::read(root.join(BASELINE)) {
        Ok(json) => serde_json::from_slice(&json).map_err(|error| format!("{BASELINE}: {error}")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Baseline::new()),
        Err(error) => Err(format!("{BASELINE}: {error}")),
    }
}

/// The compiler that builds here, by its version and target.
fn compiler(root: &Path) -> Result<String, String> {
    let output = Command::new("rustc")
        .arg("-vV")
        .current_dir(root)
        .output()
        .map_err(|error| format!("rustc: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let field = |name| text.lines().find_map(|line| line.strip_prefix(name));
    match (field("release: "), field("host: ")) {
        (Some(release), Some(host)) => Ok(format!("{release} {host}")),
        _ => Err(format!("rustc -vV: {}", output.status)),
    }
}

/// Instructions of one event, by case; `None` where there is no valgrind.
fn measure(root: &Path) -> Result<Option<BTreeMap<String, u64>>, String> {
    if !has_valgrind() {
        return Ok(None);
    }
    let options = ["--no-default-features"];
    let [repeat] = cargo::build(root, "benches", "--bin", ["repeat"], &options)?;
    let of = |case: &&str| {
        let of_many = |times| callgrind(&repeat, &[case, "1KB"], times, own);
        let difference = of_many(MORE)?.saturating_sub(of_many(FEWER)?);
        Ok(((*case).to_owned(), difference / (MORE - FEWER)))
    };
    let measured: Result<_, String> = CASES.iter().map(of).collect();
    Ok(Some(measured?))
}

/// Whether there is a valgrind, and says so where not.
pub(super) fn has_valgrind() -> bool {
    let version = Command::new("valgrind").arg("--version").output();
    if let Err(error) = &version {
        println!("skipped: valgrind: {error}");
    }
    version.is_ok()
}

/// Instructions, as `count` reads them from a profile, of a process that does `what` so many times.
pub(super) fn callgrind(
    program: &Path,
    what: &[&str],
    times: u64,
    count: fn(&str, &str) -> u64,
) -> Result<u64, String> {
    let name = what.join(".");
    let failed = |reason: &dyn std::fmt::Display| format!("valgrind: {name}: {reason}");
    let output = program.with_file_name(format!("callgrind.{name}.{times}"));
    let status = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--compress-strings=no",
            "--compress-pos=no",
        ])
        .arg(format!("--callgrind-out-file={}", output.display()))
        .arg(program)
        .args(what)
        .arg(times.to_string())
        .stderr(Stdio::null())
        .status()
        .map_err(|error| failed(&error))?;
    if !status.success() {
        return Err(failed(&status));
    }
    let profile = fs::read_to_string(&output).map_err(|error| failed(&error))?;
    let program = program.to_string_lossy();
    Ok(count(&profile, &program))
}

/// What a profile of callgrind counts in our functions: those of the program, but for what
/// [is not ours](NOT_OURS).
fn own(profile: &str, program: &str) -> u64 {
    let mut sum = 0;
    let (mut in_program, mut is_ours) = (false, false);
    let mut lines = profile.lines();
    while let Some(line) = lines.next() {
        if let Some(object) = line.strip_prefix("ob=") {
            in_program = object == program;
        } else if let Some(function) = line.strip_prefix("fn=") {
            is_ours = !NOT_OURS.iter().any(|other| function.contains(other));
        } else if line.starts_with("calls=") {
            // What the called function takes is counted where that is.
            lines.next();
        } else if in_program && is_ours && line.starts_with(|start: char| start.is_ascii_digit()) {
            let cost = line.split(' ').nth(1);
            sum += cost.and_then(|cost| cost.parse::<u64>().ok()).unwrap_or(0);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_functions_count_by_themselves() {
        let profile = "\
version: 1
events: Ir

ob=/t/repeat
fl=???
fn=lark_events::open
0 10
cob=/lib/libc.so.6
cfn=memcpy
calls=3 0
0 700
0 5

fn=sha2::sha256::compress
0 9000

ob=/lib/libc.so.6
fn=memcpy
0 700

ob=/t/repeat
fn=<serde_json::de as serde::Deserializer>::next
12 3
totals: 9718
";
        assert_eq!(own(profile, "/t/repeat"), 18);
        assert_eq!(own(profile, "/t/other"), 0);
    }

    #[test]
    fn three_percent_is_not_yet_growth() {
        assert!(!has_grown(10_000, 10_300));
        assert!(has_grown(10_000, 10_301));
        assert!(!has_grown(10_000, 9_000));
    }
}
