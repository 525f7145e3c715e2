//! A file that fails while events come in: the sender is not acknowledged, the log has one line for each
//! consequence, and events are acknowledged again once the cause is gone.

use std::any::Any;
use std::collections::BTreeSet;
use std::env;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use lark_events_inbox::{
    Admin as _, Filter, Inbox, Page, SqliteStore, State, Store as _, StoreErrorKind,
};
use lark_events_sim::{Document, Mode, Platform};
use lark_events_test_servers::skipped;
use rusqlite::Connection;
use serde_json::json;
use tokio::time::{sleep, timeout};
use tracing::subscriber::DefaultGuard;

use crate::app::{Record, SECOND, running, taking};
use crate::files::Folder;
use crate::logs::{Log, logged};
use crate::transports::{answered, delivering};

/// Between two looks at the store, or two deliveries of an event.
const WAIT: Duration = Duration::from_millis(50);

/// A webhook with an inbox on a file.
struct App {
    platform: Arc<Platform>,
    store: Arc<SqliteStore>,
    record: Arc<Record>,
    log: Log,
    acknowledged: BTreeSet<String>,
    _worker: Box<dyn Any>,
    _guard: DefaultGuard,
}

impl App {
    async fn on(file: &Path) -> Self {
        let (log, guard) = logged();
        let store = Arc::new(SqliteStore::open(file).await.unwrap());
        let (service, record) = taking(Duration::ZERO);
        let builder = Inbox::builder(Arc::clone(&store) as _).append_timeout(2 * SECOND);
        let worked = running(builder, service).await;
        Self {
            platform: delivering(Mode::Webhook, worked.inbox.clone(), []).await,
            store,
            record,
            log,
            acknowledged: BTreeSet::new(),
            _worker: Box::new(worked),
            _guard: guard,
        }
    }

    /// Pushes an event once. Returns the status of the answer.
    async fn push(&mut self, id: &str, bytes: usize) -> i64 {
        let body = json!({"text": "x".repeat(bytes)});
        let document = Document::v2("testing.file_v1", &body).unwrap();
        let mut push = self.platform.push(document.event_id(id));
        let (status, _) = answered(&mut push).await;
        if status == 200 {
            self.acknowledged.insert(id.to_owned());
        }
        status
    }

    /// Redelivers an event until it is acknowledged.
    async fn redeliver(&mut self, id: &str, bytes: usize) {
        let acknowledged = async {
            while self.push(id, bytes).await != 200 {
                sleep(WAIT).await;
            }
        };
        let acknowledged = timeout(60 * SECOND, acknowledged).await;
        assert!(acknowledged.is_ok(), "{}", self.log.text());
    }

    /// Waits until every acknowledged event is handled.
    async fn all_handled(&self) {
        let handled = async {
            loop {
                let status = self.store.status().await;
                if status.is_ok_and(|status| status.ready + status.leased + status.waiting == 0) {
                    return;
                }
                sleep(WAIT).await;
            }
        };
        let handled = timeout(60 * SECOND, handled).await;
        assert!(handled.is_ok(), "{}", self.log.text());
        let ids: BTreeSet<_> = self.record.ids().into_iter().collect();
        assert!(ids.is_superset(&self.acknowledged), "{ids:?}");
    }

    /// Checks that each consequence of a failure is one line of the log. Returns the number of lines.
    fn failures(&self, error: &str) -> usize {
        let log = self.log.text();
        let lines: Vec<_> = log.lines().filter(|line| line.contains("ERROR")).collect();
        let count = |part: &str| lines.iter().filter(|line| line.contains(part)).count();
        assert_eq!(count("events are not acknowledged"), 1, "{log}");
        assert!(count("no events are claimed") <= 1, "{log}");
        assert!(count("handled events may be handled again") <= 1, "{log}");
        assert_eq!(count(error), lines.len(), "{error}: {log}");
        lines.len()
    }

    async fn is_healthy_after(&self, error: &str) {
        self.all_handled().await;
        let ended = self.log.text().matches("the store works again").count();
        assert_eq!(ended, self.failures(error), "{}", self.log.text());
    }
}

/// Runs an ignored test in a process of its own, under `wrapper`.
pub(crate) fn again(wrapper: &[&str], test: &str, file: &Path) -> Output {
    let this = env::current_exe().unwrap();
    let mut words = wrapper.iter().map(std::ffi::OsStr::new);
    let mut command = match words.next() {
        Some(program) => {
            let mut command = Command::new(program);
            command.args(words).arg(this);
            command
        }
        None => Command::new(this),
    };
    command.args([test, "--exact", "--ignored", "--nocapture"]);
    command.env("FILE", file).output().unwrap()
}

pub(crate) fn succeeded(output: &Output) {
    let text = String::from_utf8_lossy(&output.stderr);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{stdout}\n{text}");
    assert!(stdout.contains("1 passed"), "{stdout}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk() {
    let folder = Folder::new();
    let disk = folder.file("disk");
    std::fs::create_dir(&disk).unwrap();
    let mount = format!("mount -t tmpfs -o size=16m tmpfs '{}'", disk.display());
    let namespace = ["unshare", "-Urm", "sh", "-c"];
    let probed = Command::new("unshare")
        .args(&namespace[1..])
        .arg(&mount)
        .output();
    if !probed.is_ok_and(|probed| probed.status.success()) {
        skipped("a full disk, which needs unshare and user namespaces");
        return;
    }
    let script = format!("{mount} && exec \"$0\" \"$@\"");
    let mut wrapper = namespace.to_vec();
    wrapper.push(&script);
    let test = "sqlite_failures::on_a_small_disk";
    succeeded(&again(&wrapper, test, &disk.join("events.db")));
}

#[tokio::test]
#[ignore = "the test above runs it on a disk that is soon full"]
async fn on_a_small_disk() {
    let Some(file) = env::var_os("FILE").map(std::path::PathBuf::from) else {
        return;
    };
    let ballast = file.with_extension("ballast");
    std::fs::write(&ballast, vec![0; 6 << 20]).unwrap();
    let mut app = App::on(&file).await;
    let bytes = 60_000;
    let mut number = 0;
    while app.push(&number.to_string(), bytes).await == 200 {
        number += 1;
        assert!(number < 400, "the disk is never full");
    }
    assert!(number > 3);
    for _ in 0..3 {
        assert_eq!(app.push(&number.to_string(), bytes).await, 500);
    }
    std::fs::remove_file(ballast).unwrap();
    for id in number..number + 3 {
        app.redeliver(&id.to_string(), bytes).await;
    }
    app.is_healthy_after("the store is full").await;
}

#[tokio::test]
async fn a_file_that_another_process_locks_for_longer_than_an_append_may_take() {
    let folder = Folder::new();
    let file = folder.file("events.db");
    let mut app = App::on(&file).await;
    assert_eq!(app.push("before", 1).await, 200);
    let other = Connection::open(&file).unwrap();
    other.busy_timeout(60 * SECOND).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    for _ in 0..2 {
        assert_eq!(app.push("e", 1).await, 500);
    }
    other.execute_batch("COMMIT").unwrap();
    app.redeliver("e", 1).await;
    app.is_healthy_after("").await;
    let listed = app.store.list(&Filter::default(), PAGE).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|listed| listed.state == State::Done));
}

const PAGE: Page = Page::first(100);

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_is_damaged_while_it_is_open() {
    let folder = Folder::new();
    let file = folder.file("events.db");
    let mut app = App::on(&file).await;
    assert_eq!(app.push("before", 1).await, 200);
    sleep(WAIT).await;
    app.all_handled().await;
    let other = Connection::open(&file).unwrap();
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'event'";
    let root: u32 = other.query_row(root, (), |row| row.get(0)).unwrap();
    other
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    let backup = folder.file("backup.db");
    let copied = Command::new("cp").arg(&file).arg(&backup).status();
    assert!(copied.unwrap().success());
    // The page of the table of events. In a process of its own: closing the file ends all locks on it.
    let damaged = Command::new("dd")
        .arg("if=/dev/urandom")
        .arg(format!("of={}", file.display()))
        .args(["bs=4096", "count=1", "conv=notrunc", "status=none"])
        .arg(format!("seek={}", root - 1))
        .status();
    assert!(damaged.unwrap().success());
    // The store reads its pages again after another process has written.
    let written = other.execute("UPDATE worker SET seen_at = seen_at", ());
    assert_eq!(written, Ok(1));
    for _ in 0..3 {
        assert_eq!(app.push("e", 1).await, 500);
    }
    app.failures("the store contains data that cannot be read");

    // From a backup, with all that it knew.
    let mut app = App::on(&backup).await;
    for id in ["e", "before"] {
        assert_eq!(app.push(id, 1).await, 200);
    }
    app.acknowledged.remove("before");
    app.all_handled().await;
    assert_eq!(app.record.ids(), ["e"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_may_not_be_written() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;

    let folder = Folder::new();
    let inner = folder.file("inner");
    std::fs::create_dir(&inner).unwrap();
    let file = inner.join("events.db");
    let wal = inner.join("events.db-wal");
    let closed = async |store: SqliteStore| {
        drop(store);
        // The last connection that is closed removes the log; neither does if both are closed at once.
        while wal.exists() {
            sleep(WAIT).await;
            let last = Connection::open(&file).unwrap();
            last.query_row("SELECT count(*) FROM event", (), |_| Ok(()))
                .unwrap();
        }
    };
    closed(SqliteStore::open(&file).await.unwrap()).await;
    for (path, denied, allowed, expected) in [
        (&file, 0o400, 0o600, "check its owner and mode"),
        (&inner, 0o500, 0o700, "readonly database"),
    ] {
        set_permissions(path, Permissions::from_mode(denied)).unwrap();
        let may_write = if path == &file {
            std::fs::OpenOptions::new().append(true).open(path).is_ok()
        } else {
            std::fs::write(path.join("probe"), "").is_ok()
        };
        if may_write {
            skipped("a file that may not be written, which root may write all the same");
            return;
        }
        let error = SqliteStore::open(&file).await.unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        assert!(source.contains(expected), "{source}");
        set_permissions(path, Permissions::from_mode(allowed)).unwrap();
        closed(SqliteStore::open(&file).await.unwrap()).await;
    }
}

/// Closing a file ends all locks that a process has on it. An older version of SQLite in another process
/// would then believe to be the last one to have it open, and remove the log that is being written.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_second_store_of_the_process_does_not_end_the_locks_of_the_first() {
    use std::os::unix::fs::MetadataExt as _;

    let folder = Folder::new();
    let file = folder.file("events.db");
    let inode = |file: &Path| std::fs::metadata(file).unwrap().ino();
    let holds_a_lock = || {
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        let file = format!(":{} ", inode(&file));
        let process = format!(" {} ", std::process::id());
        let mut locks = locks.lines();
        locks.any(|lock| lock.contains(&file) && lock.contains(&process))
    };
    let first = SqliteStore::open(&file).await.unwrap();
    if !holds_a_lock() {
        skipped("locks of a file, which /proc/locks does not show here");
        return;
    }
    let second = SqliteStore::open(&file).await.unwrap();
    assert!(holds_a_lock());
    drop((first, second));
}
