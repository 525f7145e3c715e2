//! The checks of a store in a file.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use lark_events_inbox::{SqliteFile, SqliteStore, Status, Store as _, StoreErrorKind};

use super::Report;
use crate::Error;
use crate::finding::{Finding, Verdict};
use crate::inbox::progress::Progress;
use crate::inbox::store::cause;

pub(super) async fn check(path: &Path, report: &mut Report) -> Result<(), Error> {
    let file = SqliteFile::new(path);
    report.add("permissions", permissions(path))?;
    report.add("disk", disk(path))?;
    report.add("log", log(path))?;
    let schema = schema(&file).await;
    let is_usable = schema.verdict == Verdict::Pass;
    report.add("schema", schema)?;
    let mut progress = Progress::new("checking the file", report.output);
    let integrity = progress.during(integrity(&file)).await;
    progress.clear();
    report.add("integrity", integrity)?;
    let status = match is_usable {
        true => status(path).await,
        false => Err(Finding::skip("the tables are not of this version")),
    };
    report.add_queue(status.as_ref().map_err(Clone::clone))?;
    Ok(())
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
    // Another program may close the file: the last one removes the log of writes and its index.
    for suffix in ["", "-wal", "-shm"] {
        let file = beside(path, suffix);
        match fs::metadata(&file) {
            Ok(found) => widest |= found.permissions().mode() & 0o777,
            Err(error) if error.kind() == ErrorKind::NotFound && !suffix.is_empty() => {}
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
    let log = beside(path, "-wal");
    let size = match fs::metadata(&log) {
        Ok(found) => found.len(),
        Err(error) if error.kind() == ErrorKind::NotFound => 0,
        Err(error) => return Finding::skip(format!("{}: {error}", log.display())),
    };
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

async fn status(path: &Path) -> Result<Status, Finding> {
    let store = SqliteStore::builder(path).existing().without_migration();
    let status = async { store.open().await?.status().await };
    let failed = |error| Finding::fail(cause(&error), "see the cases above");
    status.await.map_err(failed)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    use super::*;

    #[test]
    fn a_log_that_another_program_removes_is_no_failure() {
        let name = format!("lark-events-doctor-{}.db", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let is_over = AtomicBool::new(false);
        let found = std::thread::scope(|scope| {
            scope.spawn(|| {
                let log = beside(&path, "-wal");
                while !is_over.load(Relaxed) {
                    fs::hard_link(&path, &log).unwrap();
                    fs::remove_file(&log).unwrap();
                }
            });
            let found = (0..20_000).map(|_| [permissions(&path), super::log(&path)]);
            let failed = found.flatten().find(|found| found.verdict != Verdict::Pass);
            is_over.store(true, Relaxed);
            failed
        });
        fs::remove_file(&path).unwrap();
        assert!(found.is_none(), "{found:?}");
    }
}
