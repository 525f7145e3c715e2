//! `lark-events inbox doctor`: what is wrong with a store, and what to do about it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use lark_events_inbox::{SqliteFile, SqliteStore, Status, Store as _, StoreErrorKind};

use super::progress::Progress;
use super::store::StoreArgs;
use super::when::short;
use crate::Error;
use crate::finding::{Counts, Finding, Verdict};
use crate::output::{Output, even_if_unread};

/// Check a store: its file, its tables, its workers and its queue. Changes nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lark-events inbox doctor --store sqlite:events.db
  lark-events inbox doctor --store sqlite:events.db --json | jq 'select(.verdict == \"fail\")'

Verdicts:
  fail  events are lost, exposed, or not handled, or will be soon
  warn  look at it
  skip  not checked, because of an earlier failure

Exit status 1: a check fails.")]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) async fn run(args: &DoctorArgs, output: Output) -> Result<ExitCode, Error> {
    let path = args.store.file()?;
    let file = SqliteFile::new(&path);
    let mut report = Report {
        counts: Counts::default(),
        output,
    };
    report.add("permissions", permissions(&path))?;
    report.add("disk", disk(&path))?;
    report.add("log", log(&path))?;
    let schema = schema(&file).await;
    let is_usable = schema.verdict == Verdict::Pass;
    report.add("schema", schema)?;
    let mut progress = Progress::new("checking the file", output);
    let integrity = progress.during(integrity(&file)).await;
    progress.clear();
    report.add("integrity", integrity)?;
    let status = match is_usable {
        true => Some(status(&path).await),
        false => None,
    };
    for (case, check) in QUEUE {
        report.add(
            case,
            match &status {
                Some(Ok(status)) => check(status),
                Some(Err(why)) => Finding::fail(why.clone(), "see the cases above"),
                None => Finding::skip("the tables are not of this version"),
            },
        )?;
    }
    even_if_unread(report.counts.show(output))?;
    Ok(ExitCode::from(u8::from(report.counts.failed > 0)))
}

struct Report {
    counts: Counts,
    output: Output,
}

impl Report {
    fn add(&mut self, case: &str, finding: Finding) -> std::io::Result<()> {
        self.counts.add(finding.verdict);
        even_if_unread(finding.show(case, self.output))
    }
}

/// The files of the store that exist: SQLite keeps the log of writes and its index beside the first.
#[cfg(unix)]
fn files(path: &Path) -> Vec<PathBuf> {
    let files = [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")];
    files.into_iter().filter(|file| file.exists()).collect()
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(unix)]
fn permissions(path: &Path) -> Finding {
    use std::os::unix::fs::PermissionsExt as _;
    let mut widest = 0;
    for file in files(path) {
        match fs::metadata(&file) {
            Ok(found) => widest |= found.permissions().mode() & 0o777,
            Err(error) => {
                let why = format!("{}: {error}", file.display());
                return Finding::fail(why, "make the file readable for this user");
            }
        }
    }
    let seen = format!("mode {widest:04o}");
    match widest {
        _ if widest & 0o007 != 0 => Finding::fail(
            format!("{seen}: all users of this machine can read or write the events"),
            "run `chmod 600` on the file and the files -wal and -shm beside it",
        ),
        _ if widest & 0o070 != 0 => Finding::warn(
            format!("{seen}: the group can read or write the events"),
            "run `chmod 600` on the files, unless the processes have different users",
        ),
        _ => Finding::pass(format!("{seen}: only the owner can read the events")),
    }
}

#[cfg(not(unix))]
fn permissions(_: &Path) -> Finding {
    Finding::skip("this system has no modes of files")
}

const MIB: u64 = 1 << 20;

#[cfg(unix)]
fn disk(path: &Path) -> Finding {
    let free = match rustix::fs::statvfs(path) {
        Ok(found) => found.f_bavail.saturating_mul(found.f_frsize),
        Err(error) => return Finding::skip(format!("the free space is unknown: {error}")),
    };
    let seen = format!("{} MiB are free", free / MIB);
    match free / MIB {
        ..64 => Finding::fail(seen, "free some space: without it no event is acknowledged"),
        64..1024 => Finding::warn(seen, "free some space, or shorten the retention"),
        _ => Finding::pass(seen),
    }
}

#[cfg(not(unix))]
fn disk(_: &Path) -> Finding {
    Finding::skip("the free space is unknown on this system")
}

/// The size of the write-ahead log, which a checkpoint cuts to 64 MiB.
fn log(path: &Path) -> Finding {
    let size = fs::metadata(beside(path, "-wal"));
    let size = size.map_or(0, |found| found.len());
    let seen = format!("the write-ahead log has {} MiB", size.div_ceil(MIB));
    match size / MIB {
        ..128 => Finding::pass(seen),
        _ => Finding::warn(
            seen,
            "end programs that have read from the file for long: they hold up its checkpoints",
        ),
    }
}

async fn schema(file: &SqliteFile) -> Finding {
    let expected = SqliteFile::VERSION;
    match file.version().await {
        Ok(version) if version == expected => Finding::pass(format!("version {version}")),
        Ok(version) if version < expected => Finding::fail(
            format!("version {version}, expected version {expected}"),
            "run `lark-events inbox migrate`",
        ),
        Ok(version) => Finding::fail(
            format!("version {version}, expected version {expected}"),
            "update this program",
        ),
        Err(error) => Finding::fail(
            cause(&error),
            match error.kind() {
                StoreErrorKind::Corrupt => "check the path; restore a copy if it is right",
                _ => "check that the file can be read, and that no program keeps it locked",
            },
        ),
    }
}

async fn integrity(file: &SqliteFile) -> Finding {
    const ADVICE: &str = "stop receivers and workers, keep a copy, and recover the events with `sqlite3 \
        FILE .recover`";
    match file.quick_check().await {
        Ok(problems) => match &problems[..] {
            [] => Finding::pass("no damage found"),
            [first, ..] => {
                let count = crate::figures::count(problems.len(), "problem");
                Finding::fail(format!("{count}, first: {first}"), ADVICE)
            }
        },
        Err(error) if error.kind() == StoreErrorKind::Corrupt => {
            Finding::fail(cause(&error), ADVICE)
        }
        Err(error) => Finding::fail(cause(&error), "check that the file can be read"),
    }
}

/// The cause of an error, or else the error.
fn cause(error: &lark_events_inbox::StoreError) -> String {
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), ToString::to_string)
}

async fn status(path: &Path) -> Result<Status, String> {
    let store = SqliteStore::builder(path).existing().without_migration();
    let store = store.open().await.map_err(|error| cause(&error))?;
    store.status().await.map_err(|error| cause(&error))
}

type Check = fn(&Status) -> Finding;

/// The checks of the queue.
const QUEUE: [(&str, Check); 4] = [
    ("workers", workers),
    ("lag", lag),
    ("oldest", oldest),
    ("dead", dead),
];

fn workers(status: &Status) -> Finding {
    let undone = status.ready + status.waiting + status.leased;
    let seen = match status.worker_seen {
        Some(seen) => format!("seen {} ago", short(seen)),
        None => "none was ever seen".to_owned(),
    };
    match status.workers {
        0 if undone > 0 => Finding::fail(
            format!("no worker runs, {seen}; {undone} events are not finished"),
            "start a worker: events are acknowledged, but not handled",
        ),
        0 => Finding::warn(
            format!("no worker runs, {seen}"),
            "start a worker before events come in",
        ),
        workers => Finding::pass(format!("{workers} running, {seen}")),
    }
}

fn lag(status: &Status) -> Finding {
    const LONG: Duration = Duration::from_secs(60);
    match status.lag {
        None => Finding::pass("no event is ready"),
        Some(lag) if lag < LONG => Finding::pass(short(lag)),
        Some(lag) => Finding::warn(
            format!("the next event has been ready for {}", short(lag)),
            "see whether workers run; if they do, raise their number or shorten the handlers",
        ),
    }
}

fn oldest(status: &Status) -> Finding {
    const LONG: Duration = Duration::from_hours(8);
    match status.oldest {
        None => Finding::pass("all events are finished or dead"),
        Some(oldest) if oldest < LONG => Finding::pass(short(oldest)),
        Some(oldest) => Finding::warn(
            format!("an event has not been finished for {}", short(oldest)),
            "see `lark-events inbox ls`; retry or drop it",
        ),
    }
}

fn dead(status: &Status) -> Finding {
    match status.dead {
        0 => Finding::pass("no dead letters"),
        dead => Finding::warn(
            format!("{dead} dead letters"),
            "see the errors with `lark-events inbox stats`; retry or drop them",
        ),
    }
}
