//! `cargo xtask fuzz`: libFuzzer over the targets of `fuzz/`, one after another, from seeds that are
//! made anew. What it has learnt is kept in `target/fuzz` and never committed; an input that it finds
//! something with belongs, made small, in `fuzz/fixtures`, where the tests replay it.

mod progress;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fmt, fs, io};

use self::progress::Progress;
use crate::cargo;
use crate::packages::Workspace;

/// How long each target runs where nothing else is said.
const SECONDS: u32 = 300;
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

/// What a run is told.
#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    seconds: u32,
    target: Option<Target>,
}

impl Options {
    /// Reads `--seconds N` and `--target NAME`, in any order; `None` when it is something else.
    pub(crate) fn parse(mut arguments: &[&str]) -> Option<Self> {
        let mut options = Self {
            seconds: SECONDS,
            target: None,
        };
        while let [flag, value, ref rest @ ..] = *arguments {
            match flag {
                "--seconds" => options.seconds = value.parse().ok().filter(|&it| it > 0)?,
                "--target" => {
                    let target = TARGETS.into_iter().find(|(name, _)| *name == value);
                    options.target = Some(target?);
                }
                _ => return None,
            }
            arguments = rest;
        }
        arguments.is_empty().then_some(options)
    }
}

#[derive(Debug)]
pub(crate) enum FuzzError {
    Io(&'static str, io::Error),
    /// Cargo does not tell of the workspace.
    Workspace(String),
    /// What went wrong is told above.
    Failed(&'static str),
    /// A line for each input that breaks a promise.
    Findings(Vec<String>),
}

impl fmt::Display for FuzzError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(what, error) => write!(f, "{what}: {error}"),
            Self::Workspace(reason) => f.write_str(reason),
            Self::Failed(what) => write!(f, "fuzz: {what} failed"),
            Self::Findings(findings) => {
                writeln!(
                    f,
                    "found, each with what replays it:\n{}",
                    findings.join("\n")
                )?;
                f.write_str("-minimize_crash=1 -runs=100000 before the file makes it smaller")
            }
        }
    }
}

/// Builds the targets and runs them; or says what is missing.
pub(crate) fn run(root: &Path, options: &Options) -> Result<(), FuzzError> {
    let asked = cargo::command(root).args(["fuzz", "--version"]).output();
    if !asked
        .map_err(|error| FuzzError::Io("cargo", error))?
        .status
        .success()
    {
        println!("skipped: fuzz: cargo-fuzz is missing: cargo install --locked cargo-fuzz");
        return Ok(());
    }
    let compiler = env::var_os("CXX").unwrap_or_else(|| "c++".into());
    if Command::new(&compiler).arg("--version").output().is_err() {
        println!("skipped: fuzz: libFuzzer needs a C++ compiler: apt-get install g++");
        return Ok(());
    }
    let workspace = Workspace::read(root).map_err(FuzzError::Workspace)?;
    let folder = workspace.target_directory.join("fuzz");
    let targets = options
        .target
        .map_or_else(|| TARGETS.to_vec(), |target| vec![target]);
    let mut findings = Vec::new();
    for target in targets {
        findings.extend(fuzz(root, &folder, target, options.seconds)?);
    }
    if findings.is_empty() {
        Ok(())
    } else {
        Err(FuzzError::Findings(findings))
    }
}

/// Runs a target for so long, and returns what it found.
fn fuzz(
    root: &Path,
    folder: &Path,
    (name, max_len): Target,
    seconds: u32,
) -> Result<Vec<String>, FuzzError> {
    let [seeds, corpus, findings] =
        ["seeds", "corpus", "findings"].map(|kind| folder.join(kind).join(name));
    match fs::remove_dir_all(&seeds) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(FuzzError::Io("target/fuzz", error));
        }
        _ => {}
    }
    for made in [&corpus, &findings] {
        fs::create_dir_all(made).map_err(|error| FuzzError::Io("target/fuzz", error))?;
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
    succeed(seeding, "making seeds")?;

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
        .map_err(|error| FuzzError::Io("the fuzzer", error))?;
    let mut progress = Progress::default();
    let lines = fuzzing.stderr.take().into_iter();
    for line in lines.flat_map(|stderr| BufReader::new(stderr).split(b'\n')) {
        let line = line.map_err(|error| FuzzError::Io("the fuzzer", error))?;
        let line = String::from_utf8_lossy(&line);
        if !progress.take(&line) {
            eprintln!("{line}");
        }
    }
    let ended = fuzzing
        .wait()
        .map_err(|error| FuzzError::Io("the fuzzer", error))?;
    println!("{name}: {progress}");
    if !ended.success() && progress.findings.is_empty() {
        return Err(FuzzError::Failed(name));
    }
    let limits = limits.join(" ");
    let replay = |finding: &String| format!("{} {limits} {finding}", binary.display());
    Ok(progress.findings.iter().map(replay).collect())
}

/// Builds a target with counters of what is reached, and says where it is.
fn build(root: &Path, folder: &Path, name: &str) -> Result<PathBuf, FuzzError> {
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
    succeed(building, "building")?;
    // It is below the name of the machine's kind, the only folder there with such a program in it.
    let kinds = fs::read_dir(&target_dir).map_err(|error| FuzzError::Io("target/fuzz", error))?;
    let programs = kinds
        .flatten()
        .map(|kind| kind.path().join("release").join(name));
    let mut programs = programs.filter(|program| program.is_file());
    programs.next().ok_or(FuzzError::Failed("building"))
}

fn succeed(mut command: Command, what: &'static str) -> Result<(), FuzzError> {
    let status = command
        .status()
        .map_err(|error| FuzzError::Io("cargo", error))?;
    if status.success() {
        Ok(())
    } else {
        Err(FuzzError::Failed(what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_come_in_any_order_or_not_at_all() {
        let options = |seconds, target| Some(Options { seconds, target });
        assert_eq!(Options::parse(&[]), options(SECONDS, None));
        let both = ["--target", "session", "--seconds", "7"];
        assert_eq!(Options::parse(&both), options(7, Some(TARGETS[1])));
        for other in [
            &["--seconds", "0"][..],
            &["--target", "x"],
            &["--target"],
            &["7"],
        ] {
            assert_eq!(Options::parse(other), None, "{other:?}");
        }
    }

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
