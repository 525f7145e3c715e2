//! A store in a file: SQLite within the process.

mod admin;
mod connection;
mod dedup;
mod failure;
mod file;
mod glance;
mod list;
#[cfg(test)]
mod million;
#[cfg(test)]
mod plans;
mod query;
mod rows;
mod schema;
mod signal;
mod steps;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use lark_events_layers::run::Counter;
use rusqlite::Connection;
use tokio::time::{interval, sleep};

use self::connection::{Access, Database};
use self::failure::Failure;
pub use self::file::SqliteFile;
use self::rows::micros;
use self::signal::Signal;
use crate::store::{
    Appended, AttemptOutcome, Capabilities, Claimed, Entry, Fence, Settled, Settlement, Status,
    Store, StoreError, WorkerId, WorkerState,
};

/// Keeps events in a file: SQLite within the process, without a server.
///
/// An event is acknowledged once its commit is on disk (`synchronous=FULL`). Several processes of one machine may
/// use the file at once, such as a receiver and a worker. Do not put it on a network file system.
///
/// - The settlement of an event is as durable. A claim is not: it is written before the handler starts, and synced with
///   the next append, settlement or heartbeat, at most 20 seconds later. If a process dies, no claim is lost. If the
///   machine crashes before the sync, the event is handled again, and the attempt does not count.
/// - An event is recognised as a duplicate for the time of the [retention](SqliteStoreBuilder::retention), 7 days
///   by default. Workers remove finished events that are older. They never remove unfinished events or dead
///   letters.
/// - **The file contains the events in clear text.** It is created with mode 0600, for its owner alone.
/// - It is also a [`DedupStore`](lark_events_layers::DedupStore), for de-duplication among several processes of a
///   machine.
///
/// ```no_run
/// # async fn open() -> Result<(), lark_events_inbox::StoreError> {
/// use std::sync::Arc;
///
/// use lark_events_inbox::{Inbox, SqliteStore};
///
/// let store = Arc::new(SqliteStore::open("events.db").await?);
/// let builder = Inbox::builder(store).lane_by_chat();
/// # Ok(())
/// # }
/// ```
pub struct SqliteStore {
    path: Arc<Path>,
    retention: Duration,
    writer: Database,
    reader: Database,
    signal: Arc<Signal>,
    /// The last time given to an event of this process.
    last: AtomicI64,
    /// The claims so far, which take turns between lanes and events without one.
    claims: Counter,
}

/// How often a worker that waits looks whether another process has written.
const POLL: Duration = Duration::from_millis(25);

impl SqliteStore {
    /// The default retention of finished events and their keys: 7 days.
    pub const DEFAULT_RETENTION: Duration = Duration::from_hours(7 * 24);
    /// The shortest retention: 8 hours and 11 minutes. The platform redelivers for 7.1 hours, and a webhook with
    /// the default freshness accepts a replay for 8 hours, and 10 minutes of clock difference.
    pub const MIN_RETENTION: Duration = Duration::from_mins(8 * 60 + 11);

    /// Opens the file with the default settings, and creates it if it does not exist.
    ///
    /// # Errors
    ///
    /// As [`SqliteStoreBuilder::open`].
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        Self::builder(path).open().await
    }

    /// Starts configuring a store.
    pub fn builder(path: impl Into<PathBuf>) -> SqliteStoreBuilder {
        SqliteStoreBuilder {
            path: path.into(),
            retention: Self::DEFAULT_RETENTION,
            create: true,
            migrate: true,
        }
    }

    /// A time later than all before, in microseconds: the order of events that become visible.
    fn now(&self) -> i64 {
        let now = micros(std::time::SystemTime::now());
        let last = self.last.fetch_max(now, Ordering::Relaxed);
        if now > last {
            return now;
        }
        self.last.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }
}

/// Builds a [`SqliteStore`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until it is opened"]
pub struct SqliteStoreBuilder {
    path: PathBuf,
    retention: Duration,
    create: bool,
    migrate: bool,
}

impl SqliteStoreBuilder {
    /// Sets how long finished events and their keys are kept: [`DEFAULT_RETENTION`](SqliteStore::DEFAULT_RETENTION)
    /// by default. A shorter time counts as [`MIN_RETENTION`](SqliteStore::MIN_RETENTION). An event whose request
    /// could be replayed for longer is kept for that time.
    pub fn retention(mut self, retention: Duration) -> Self {
        self.retention = retention.max(SqliteStore::MIN_RETENTION);
        self
    }

    /// Makes [`open`](Self::open) fail if the file does not exist, instead of creating it.
    pub fn existing(mut self) -> Self {
        self.create = false;
        self
    }

    /// Makes [`open`](Self::open) fail if the tables have an older version, instead of migrating them.
    pub fn without_migration(mut self) -> Self {
        self.migrate = false;
        self
    }

    /// Opens or creates the file, and migrates its tables to the version of this crate.
    ///
    /// # Errors
    ///
    /// [`Version`](crate::StoreErrorKind::Version) when the file is of a newer version of this crate, or of an
    /// older one [without migration](Self::without_migration), [`Corrupt`](crate::StoreErrorKind::Corrupt) when it
    /// is another database or no database, and [`Unavailable`](crate::StoreErrorKind::Unavailable) when it cannot
    /// be read or written.
    pub async fn open(self) -> Result<SqliteStore, StoreError> {
        let path: Arc<Path> = self.path.into();
        if self.create {
            create(&path).map_err(Failure::from)?;
        }
        if !self.migrate {
            SqliteFile::new(&*path).expect_current().await?;
        }
        let prepare = match self.migrate {
            true => schema::migrate,
            false => |_: &mut Connection| Ok(()),
        };
        let writer = Database::open(Arc::clone(&path), Access::Write, prepare).await?;
        let reader = Database::open(Arc::clone(&path), Access::Read, |_| Ok(())).await?;
        Ok(SqliteStore {
            path,
            retention: self.retention,
            writer,
            reader,
            signal: Arc::default(),
            last: AtomicI64::new(0),
            claims: Counter::default(),
        })
    }
}

/// Whether the event becomes visible again, perhaps before all others: workers wait for another time then.
fn is_put_back(settled: Settled) -> bool {
    !matches!(settled, Settled::Done | Settled::Dead)
}

/// Creates the file for its owner alone, if it does not exist. SQLite gives its other files the same mode.
///
/// A file that exists is not opened here: closing it would end the locks of other stores of this process.
fn create(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create_new(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        created => created.map(drop),
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.path)
            .field("retention", &self.retention)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities::DURABLE
    }

    async fn append(&self, batch: Vec<Entry>) -> Result<Vec<Appended>, StoreError> {
        let (now, signal) = (self.now(), Arc::clone(&self.signal));
        let append = move |connection: &_| {
            let appended = steps::append(connection, &batch, now)?;
            signal.visible(now);
            Ok(appended)
        };
        self.writer.call(append).await
    }

    async fn claim(&self, max: usize, lease: Duration) -> Result<Vec<Claimed>, StoreError> {
        let now = self.now();
        if !self.signal.is_visible() {
            // A claim takes the lock of the file; a look does not.
            let look = move |connection: &_| steps::is_waiting(connection, now);
            if !self.reader.call(look).await? {
                return Ok(Vec::new());
            }
        }
        self.claims.add_one();
        let lane_is_first = self.claims.get() % 2 == 1;
        let (signal, given_back) = (Arc::clone(&self.signal), Arc::clone(&self.signal));
        let claim = move |connection: &_| {
            let turn = steps::Turn { max, lane_is_first };
            let claimed = steps::claim(connection, turn, lease, now)?;
            if !steps::is_waiting(connection, now)? {
                signal.all_claimed(now);
            }
            Ok(claimed)
        };
        let give_back = move |connection: &_, claimed: Vec<Claimed>| {
            let (released, outcome) =
                (Settled::Release(Duration::ZERO), AttemptOutcome::NotStarted);
            let released = |one: &Claimed| Settlement::new(one.fence, released, outcome);
            let released: Vec<_> = claimed.iter().map(released).collect();
            steps::settle(connection, &released, now)?;
            given_back.visible(now);
            Ok(())
        };
        // A claim that a crash of the machine undoes left nothing but the number of an attempt, whose handler
        // died too. The next claim draws another fence.
        self.writer.call_if_wanted(claim, give_back).await
    }

    async fn extend(&self, fences: &[Fence], lease: Duration) -> Result<Vec<bool>, StoreError> {
        let (now, fences) = (self.now(), fences.to_vec());
        let extend = move |connection: &_| steps::extend(connection, &fences, lease, now);
        // No claim is held after a crash of the machine.
        self.writer.call_unsynced(extend).await
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<bool>, StoreError> {
        let (now, signal) = (self.now(), Arc::clone(&self.signal));
        let puts_back = settlements.iter().any(|one| is_put_back(one.settled));
        let settle = move |connection: &_| {
            let settled = steps::settle(connection, &settlements, now)?;
            if steps::is_waiting(connection, now)? {
                signal.visible(now);
            }
            Ok(settled)
        };
        let settled = self.writer.call(settle).await?;
        if puts_back {
            // After the commit: a worker looks for the time of the next event.
            self.signal.changed();
        }
        Ok(settled)
    }

    async fn woken(&self) {
        let looked = async {
            // Before the time of the next event, so that a later change of it is seen.
            let version = self.reader.call(steps::data_version).await;
            let now = self.now();
            let next = move |connection: &_| steps::next_visible(connection, now);
            let next = self.reader.call(next).await;
            let due = async {
                match next {
                    Ok(Some(next)) => sleep(next).await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => {}
                () = self.written_since(version.ok()) => {}
            }
        };
        tokio::select! {
            () = self.signal.wait() => {}
            () = looked => {}
        }
    }

    async fn status(&self) -> Result<Status, StoreError> {
        let now = self.now();
        self.reader
            .call(move |connection| steps::status(connection, now))
            .await
    }

    async fn heartbeat(&self, worker: WorkerId, state: WorkerState) -> Result<(), StoreError> {
        let now = self.now();
        let beat = move |connection: &_| steps::heartbeat(connection, worker, state, now);
        self.writer.call(beat).await
    }

    async fn prune_some(&self) -> Result<u64, StoreError> {
        self.prune_batch(self.retention).await
    }
}

impl SqliteStore {
    /// Waits until another connection has written since this version of the file. Notifications of other processes
    /// do not reach this one.
    async fn written_since(&self, version: Option<i64>) {
        let mut polls = interval(POLL);
        loop {
            polls.tick().await;
            let now = self.reader.call(steps::data_version).await;
            if now.is_ok_and(|now| Some(now) != version) {
                return;
            }
        }
    }

    /// Prunes one batch, so that no call waits for long.
    async fn prune_batch(&self, age: Duration) -> Result<u64, StoreError> {
        let now = self.now();
        let prune = move |connection: &_| steps::prune(connection, age, now);
        self.writer.call(prune).await
    }
}
