//! `cargo xtask footprint`: writes the number of dependencies and the compile time of our crates
//! into the README; `--check` fails if the README is stale or a limit is exceeded.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use crate::cargo;

const README: &str = "README.md";
/// What stands around the table in the README.
const MARKS: [&str; 2] = [
    "<!-- cargo xtask footprint -->\n",
    "<!-- end of footprint -->",
];

/// Crates, and how many an app may have with each: itself and all that it needs.
const LIMITS: [(&str, usize); 4] = [
    ("lark-events", 45),
    ("lark-events-tower", 60),
    ("lark-events-ws", 110),
    ("lark-events-api", 110),
];

/// What an app with a webhook compiles.
const BUILT: [&str; 2] = ["lark-events-tower", "vc-events"];
const MAX_BUILD_SECONDS: u64 = 60;
const BUILD_FOLDER: &str = "target/footprint";
/// Of `/proc/PID/stat`.
const TICKS_PER_SECOND: u64 = 100;

/// Counts, compiles, and writes both into the README.
pub(crate) fn write(root: &Path) -> Result<(), String> {
    let seconds = build_seconds(root)?;
    if seconds > MAX_BUILD_SECONDS {
        println!("compiling took {seconds} s, and should take at most {MAX_BUILD_SECONDS}");
    }
    let readme = read(root)?;
    let (before, _, after) = parted(&readme)?;
    let [begin, end] = MARKS;
    let table = text(&counts(root)?, &seconds.to_string());
    let readme = format!("{before}{begin}\n{table}\n\n{end}{after}");
    fs::write(root.join(README), readme).map_err(|error| format!("{README}: {error}"))?;
    Ok(())
}

/// Fails where the README says something else or a limit is exceeded; but for the seconds, which are
/// the machine's as much as ours.
pub(crate) fn check(root: &Path) -> Result<(), String> {
    let counts = counts(root)?;
    for ((name, count), (_, limit)) in counts.iter().zip(LIMITS) {
        println!("{name}: {count} crates, at most {limit}");
        if *count > limit {
            return Err(format!("{name} has more than {limit} crates"));
        }
    }
    let readme = read(root)?;
    let (_, table, _) = parted(&readme)?;
    let seconds = said_seconds(table).ok_or("the README has no compile time".to_owned())?;
    if table.trim() != text(&counts, seconds).trim() {
        return Err("README.md is stale: run `cargo xtask footprint`".to_owned());
    }
    Ok(())
}

fn read(root: &Path) -> Result<String, String> {
    fs::read_to_string(root.join(README)).map_err(|error| format!("{README}: {error}"))
}

/// What is before the marks, between and after them.
fn parted(readme: &str) -> Result<(&str, &str, &str), String> {
    let [begin, end] = MARKS;
    let parts = readme.split_once(begin).and_then(|(before, rest)| {
        let (table, after) = rest.split_once(end)?;
        Some((before, table, after))
    });
    parts.ok_or_else(|| format!("{README}: expected marks for the footprint"))
}

/// What the README says. The seconds are what they were when it was written.
fn text(counts: &[(&str, usize)], seconds: &str) -> String {
    let mut text = "| | total crates |\n| --- | ---: |\n".to_owned();
    for (name, count) in counts {
        let _ = writeln!(text, "| `{name}` | {count} |");
    }
    let [tower, vc] = BUILT;
    let _ = write!(
        text,
        "\nA clean release build of `{tower}` and `{vc}` takes {seconds} seconds of processor time."
    );
    text
}

fn said_seconds(table: &str) -> Option<&str> {
    let (before, _) = table.split_once(" seconds of processor time")?;
    before.rsplit(' ').next()
}

fn counts(root: &Path) -> Result<Vec<(&'static str, usize)>, String> {
    let count = |(name, _)| Ok((name, crates(root, name)?));
    LIMITS.into_iter().map(count).collect()
}

/// How many crates there are in a program with this one, at its default features.
fn crates(root: &Path, name: &str) -> Result<usize, String> {
    let output = cargo::command(root)
        .args(["tree", "--locked", "--package", name])
        .args(["--edges", "normal", "--prefix", "none"])
        .output()
        .map_err(|error| format!("cargo tree: {error}"))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(format!("cargo tree: {why}"));
    }
    Ok(unique(&String::from_utf8_lossy(&output.stdout)))
}

/// Crates by name and version, each counted once.
fn unique(tree: &str) -> usize {
    let name_and_version = |line: &str| {
        let mut words = line.split(' ').map(str::to_owned);
        Some((words.next()?, words.next()?))
    };
    let crates: BTreeSet<_> = tree.lines().filter_map(name_and_version).collect();
    crates.len()
}

/// Compiles from nothing. Returns the seconds of all processors.
fn build_seconds(root: &Path) -> Result<u64, String> {
    let emptied = match fs::remove_dir_all(root.join(BUILD_FOLDER)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    };
    emptied.map_err(|error| format!("{BUILD_FOLDER}: {error}"))?;
    let before = childrens_ticks()?;
    let mut building = cargo::command(root);
    building
        .args([
            "build",
            "--release",
            "--locked",
            "--target-dir",
            BUILD_FOLDER,
        ])
        .args(BUILT.iter().flat_map(|name| ["--package", name]));
    cargo::succeed(&mut building, "cargo build")?;
    let ticks = childrens_ticks()? - before;
    Ok(ticks.div_ceil(TICKS_PER_SECOND))
}

/// The processor time of this program's children that have ended, and of theirs.
fn childrens_ticks() -> Result<u64, String> {
    const STAT: &str = "/proc/self/stat";
    let stat = fs::read_to_string(STAT).map_err(|error| format!("{STAT}: {error}"))?;
    // The second field is a name in parentheses; the sixteenth and seventeenth are what is wanted.
    let ticks = stat.rsplit_once(')').and_then(|(_, rest)| {
        let mut fields = rest.split_whitespace().skip(13);
        let mut next = || fields.next()?.parse::<u64>().ok();
        Some(next()? + next()?)
    });
    ticks.ok_or_else(|| format!("{STAT}: {stat}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_counts_once_for_each_version() {
        let tree = "lark-events v0.1.0 (/a)\nserde v1.0.228\nserde v1.0.228 (*)\n\
            serde_derive v1.0.228 (proc-macro)\nserde v2.0.0\n";
        assert_eq!(unique(tree), 4);
    }

    #[test]
    fn the_seconds_are_read_where_they_are_written() {
        let table = text(&[("lark-events", 36)], "47");
        assert_eq!(said_seconds(&table), Some("47"));
        assert!(table.contains("| `lark-events` | 36 |\n"), "{table}");
        assert_eq!(said_seconds(""), None);
    }

    #[test]
    fn the_table_is_found_between_its_marks() {
        let [begin, end] = MARKS;
        let readme = format!("a{begin}b{end}c");
        assert_eq!(parted(&readme), Ok(("a", "b", "c")));
        assert!(parted("a").is_err());
    }

    #[test]
    fn time_of_ended_children_is_told() {
        if !Path::new("/proc/self/stat").exists() {
            lark_events_test_servers::skipped("time of processes, which needs /proc");
            return;
        }
        assert!(childrens_ticks().is_ok());
    }
}
