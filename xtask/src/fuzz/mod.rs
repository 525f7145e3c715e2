//! `cargo xtask fuzz`: libFuzzer over the targets of `fuzz/`, one after another, from seeds that are
//! made anew. What it has learnt is kept in `target/fuzz` and never committed; an input that it finds
//! something with belongs, made small, in `fuzz/fixtures`, where the tests replay it.

mod progress;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, io};

use self::progress::Progress;
use crate::cargo;
use crate::packages::Workspace;

/// An input that takes longer is a finding: all of them are small.
const TIMEOUT_SECONDS: u32 = 10;
/// More memory than this is a finding, too.
const RSS_LIMIT_MB: u32 = 2048;

/// A target, and the longest input that is made up for it.
type Target = (&'static str, u32);

const TARGETS: [Target; 3] = [
    ("webhook", 16 << 10),
    ("session", 4 << 10),
    ("codegen", 32 << 10),
];

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Seconds for each target
    #[arg(long, value_name = "N", default_value = "300", value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// Run this target only
    #[arg(long, value_name = "NAME", value_parser = TARGETS.map(|(name, _)| name))]
    target: Option<String>,
}

/// Builds the targets and runs them; or says what is missing.
pub(crate) fn run(root: &Path, options: &Options) -> Result<(), String> {
    if let Some(needed) = cargo::missing(root, "fuzz")? {
        println!("skipped: fuzz: {needed}");
        return Ok(());
    }
    let compiler = env::var_os("CXX").unwrap_or_else(|| "c++".into());
    if Command::new(&compiler).arg("--version").output().is_err() {
        println!("skipped: fuzz: libFuzzer needs a C++ compiler: apt-get install g++");
        return Ok(());
    }
    let workspace = Workspace::read(root)?;
    let folder = workspace.target_directory.join("fuzz");
    let only = options.target.as_deref();
    let targets = TARGETS.into_iter();
    let mut findings = Vec::new();
    for target in targets.filter(|(name, _)| only.is_none_or(|only| only == *name)) {
        findings.extend(fuzz(root, &folder, target, options.seconds)?);
    }
    if findings.is_empty() {
        return Ok(());
    }
    Err(format!(
        "found, each with what replays it:\n{}\n\
         -minimize_crash=1 -runs=100000 before the file makes it smaller",
        findings.join("\n")
    ))
}

/// Runs a target for so long, and returns what it found.
fn fuzz(
    root: &Path,
    folder: &Path,
    (name, max_len): Target,
    seconds: u32,
) -> Result<Vec<String>, String> {
    let [seeds, corpus, findings] =
        ["seeds", "corpus", "findings"].map(|kind| folder.join(kind).join(name));
    match fs::remove_dir_all(&seeds) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(format!("target/fuzz: {error}"));
        }
        _ => {}
    }
    for made in [&corpus, &findings] {
        fs::create_dir_all(made).map_err(|error| format!("target/fuzz: {error}"))?;
    }
    let dictionary = folder.join(format!("{name}.dict"));
    let mut seeding = cargo::command(root);
    seeding
        .args([
            "run",
            "--quiet",
            "--package",
            "fuzz",
            "--bin",
            "seeds",
            "--",
            name,
        ])
        .args([&seeds, &dictionary]);
    cargo::succeed(&mut seeding, "making seeds")?;

    let binary = build(root, folder, name)?;
    println!("== {name}, for {seconds} s");
    let found_once = root.join("fuzz/fixtures").join(name);
    let limits = [
        format!("-timeout={TIMEOUT_SECONDS}"),
        format!("-rss_limit_mb={RSS_LIMIT_MB}"),
    ];
    let mut fuzzing = Command::new(&binary)
        .args([&corpus, &seeds])
        .args(found_once.is_dir().then_some(&found_once))
        .arg(format!("-dict={}", dictionary.display()))
        .arg(format!("-artifact_prefix={}/", findings.display()))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={max_len}"))
        // Long inputs are as good as short ones: many steps, large documents.
        .arg("-len_control=0")
        .args(&limits)
        .arg("-print_final_stats=1")
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("the fuzzer: {error}"))?;
    let mut progress = Progress::default();
    let lines = fuzzing.stderr.take().into_iter();
    for line in lines.flat_map(|stderr| BufReader::new(stderr).split(b'\n')) {
        let line = line.map_err(|error| format!("the fuzzer: {error}"))?;
        let line = String::from_utf8_lossy(&line);
        if !progress.take(&line) {
            eprintln!("{line}");
        }
    }
    let ended = fuzzing
        .wait()
        .map_err(|error| format!("the fuzzer: {error}"))?;
    println!("{name}: {progress}");
    if !ended.success() && progress.findings.is_empty() {
        return Err(format!("{name}: {ended}"));
    }
    let limits = limits.join(" ");
    let replay = |finding: &String| format!("{} {limits} {finding}", binary.display());
    Ok(progress.findings.iter().map(replay).collect())
}

/// Builds a target with counters of what is reached, and says where it is.
fn build(root: &Path, folder: &Path, name: &str) -> Result<PathBuf, String> {
    let target_dir = folder.join("build");
    let mut building = cargo::command(root);
    // A sanitizer would need a nightly toolchain, and our own code has nothing for it.
    building
        .args([
            "fuzz",
            "build",
            "--fuzz-dir",
            "fuzz/libfuzzer",
            "--sanitizer",
            "none",
        ])
        .arg("--target-dir")
        .arg(&target_dir)
        .arg(name);
    cargo::succeed(&mut building, "cargo fuzz build")?;
    // It is below the name of the machine's kind, the only folder there with such a program in it.
    let kinds = fs::read_dir(&target_dir).map_err(|error| format!("target/fuzz: {error}"))?;
    let programs = kinds
        .flatten()
        .map(|kind| kind.path().join("release").join(name));
    let mut programs = programs.filter(|program| program.is_file());
    programs
        .next()
        .ok_or_else(|| format!("cargo fuzz built no {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_target_is_there() {
        let folder = crate::workspace_root().join("fuzz/libfuzzer/fuzz_targets");
        let mut names: Vec<_> = TARGETS
            .iter()
            .map(|(name, _)| format!("{name}.rs"))
            .collect();
        names.sort();
        let files = fs::read_dir(folder).unwrap();
        let mut files: Vec<_> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        assert_eq!(files, names);
    }
}
