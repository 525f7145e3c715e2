//! A connection on a thread of its own. Calls that wait for it share one transaction.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::failure::Failure;
use super::schema;
use crate::store::{StoreError, StoreErrorKind};

/// How long a call waits for the lock of another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The maximum number of calls in one transaction.
const MAX_CALLS: usize = 64;
/// The size to which the write-ahead log is cut after a checkpoint.
const MAX_WAL_BYTES: u32 = 64 << 20;
/// More statements than the store has.
const STATEMENTS: usize = 64;

/// Whether a connection writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// A thread with a connection. Dropping the last clone ends it, after the calls that wait.
#[derive(Debug, Clone)]
pub(super) struct Database {
    calls: mpsc::UnboundedSender<Call>,
}

/// When a commit is on disk. A transaction that several calls share has the greatest of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Synced {
    /// With the next commit that is synced: that syncs the whole log. A crash of the process loses nothing,
    /// and a crash of the machine no earlier commit.
    Later,
    /// Before it is answered.
    AtOnce,
}

struct Call {
    synced: Synced,
    run: Run,
}

/// Runs in a transaction, unless there is none.
type Run = Box<dyn FnOnce(Result<&Connection, &Failure>, Share) -> Ended + Send>;

/// Whether other calls are in the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Share {
    Alone,
    WithOthers,
}

/// A call that has run.
struct Ended {
    has_failed: bool,
    answer: Answer,
}

/// Answers, once the end of the transaction is known.
type Answer = Box<dyn FnOnce(Result<(), &Failure>) + Send>;

/// Takes back the result of a call whose caller has given up.
type Undo<T> = Box<dyn FnOnce(T) + Send>;

impl Database {
    /// Opens a connection. `prepare` runs first, outside a transaction.
    pub(super) async fn open(
        path: Arc<Path>,
        access: Access,
        prepare: impl FnOnce(&mut Connection) -> Result<(), Failure> + Send + 'static,
    ) -> Result<Self, StoreError> {
        let (calls, waiting) = mpsc::unbounded_channel();
        let (opened, is_open) = oneshot::channel();
        let run = move || {
            let connection = connect(&path, access).and_then(|mut connection| {
                prepare(&mut connection)?;
                Ok(connection)
            });
            match connection {
                Ok(connection) => {
                    // The caller that opens the store may have given up.
                    let _ = opened.send(Ok(()));
                    serve(connection, access, waiting);
                }
                Err(failure) => drop(opened.send(Err(failure))),
            }
        };
        let name = match access {
            Access::Read => "lark-inbox-read",
            Access::Write => "lark-inbox-write",
        };
        let spawned = thread::Builder::new().name(name.to_owned()).spawn(run);
        spawned.map_err(Failure::from)?;
        is_open.await.unwrap_or(Err(Failure::Gone))?;
        Ok(Self { calls })
    }

    /// Runs `call` in a transaction, perhaps with other calls. It has happened once this returns, even
    /// if the caller gives up.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.call_and(Synced::AtOnce, call, None).await
    }

    /// As [`call`](Self::call), but does not wait for the disk: what `call` has written is lost if the machine
    /// crashes before the next call that waits for it.
    pub(super) async fn call_unsynced<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.call_and(Synced::Later, call, None).await
    }

    /// As [`call_unsynced`](Self::call_unsynced), but only for this caller: does not run if the caller has given up.
    /// If the caller gives up while it runs, `undo` runs in a later transaction.
    pub(super) async fn call_if_wanted<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
        undo: impl FnOnce(&Connection, T) -> Result<(), Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let database = self.clone();
        let undo: Undo<T> = Box::new(move |value| {
            let undo = move |connection: &_| undo(connection, value);
            // Nobody waits for the answer.
            drop(database.send(Synced::Later, undo, None));
        });
        self.call_and(Synced::Later, call, Some(undo)).await
    }

    async fn call_and<T: Send + 'static>(
        &self,
        synced: Synced,
        call: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
        undo: Option<Undo<T>>,
    ) -> Result<T, StoreError> {
        let answered = self.send(synced, call, undo)?;
        let gone = |_| Err(StoreError::from(Failure::Gone));
        answered.await.unwrap_or_else(gone)
    }

    fn send<T: Send + 'static>(
        &self,
        synced: Synced,
        call: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
        undo: Option<Undo<T>>,
    ) -> Result<oneshot::Receiver<Result<T, StoreError>>, StoreError> {
        let (answer, answered) = oneshot::channel();
        let run: Run = Box::new(move |connection, share| {
            let result = match (connection, share) {
                (Ok(_), _) if undo.is_some() && answer.is_closed() => {
                    Err(StoreError::new(StoreErrorKind::TimedOut))
                }
                (Ok(connection), Share::Alone) => call(connection).map_err(StoreError::from),
                (Ok(connection), Share::WithOthers) => {
                    in_savepoint(connection, call).map_err(StoreError::from)
                }
                (Err(failure), _) => Err(StoreError::from(failure)),
            };
            Ended {
                has_failed: result.is_err(),
                answer: Box::new(move |committed| {
                    let result = match (result, committed) {
                        (Ok(_), Err(failure)) => Err(StoreError::from(failure)),
                        (result, _) => result,
                    };
                    if let (Err(Ok(value)), Some(undo)) = (answer.send(result), undo) {
                        undo(value);
                    }
                }),
            }
        });
        let sent = self.calls.send(Call { synced, run });
        sent.map_err(|_| StoreError::from(Failure::Gone))?;
        Ok(answered)
    }
}

/// Opens a file that exists: one that is missing must not be created with the mode of all files.
pub(super) fn open(path: &Path) -> Result<Connection, Failure> {
    std::fs::metadata(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

/// A connection whose settings are those that the promises need.
fn connect(path: &Path, access: Access) -> Result<Connection, Failure> {
    let connection = open(path)?;
    // SQLite opens a file that it may only read, gives its other files the same mode, and fails later.
    if access == Access::Write && connection.is_readonly("main")? {
        return Err(Failure::ReadOnly);
    }
    // A database of another program stays as it is, its journal too.
    schema::version(&connection)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        let error = format!("the journal is `{mode}`, not a write-ahead log");
        return Err(std::io::Error::other(error).into());
    }
    set_synced(&connection, Synced::AtOnce)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "journal_size_limit", MAX_WAL_BYTES)?;
    Ok(connection)
}

/// Applies to the transactions that begin after it.
fn set_synced(connection: &Connection, synced: Synced) -> Result<(), Failure> {
    let level = match synced {
        Synced::Later => "NORMAL",
        Synced::AtOnce => "FULL",
    };
    // SQLite sets it when it prepares the statement, so that a cached one would do nothing.
    Ok(connection.pragma_update(None, "synchronous", level)?)
}

fn serve(mut connection: Connection, access: Access, mut waiting: mpsc::UnboundedReceiver<Call>) {
    let mut calls = Vec::new();
    let mut set = Synced::AtOnce;
    while waiting.blocking_recv_many(&mut calls, MAX_CALLS) > 0 {
        let behavior = match access {
            Access::Read => TransactionBehavior::Deferred,
            Access::Write => TransactionBehavior::Immediate,
        };
        let wanted = calls.iter().map(|call| call.synced).max();
        let wanted = wanted.unwrap_or(Synced::AtOnce);
        let is_set = match wanted == set {
            true => Ok(()),
            false => set_synced(&connection, wanted),
        };
        let transaction = match is_set {
            Ok(()) => {
                set = wanted;
                connection
                    .transaction_with_behavior(behavior)
                    .map_err(Failure::from)
            }
            Err(failure) => Err(failure),
        };
        // A savepoint copies each page that is changed, for large batches into a temporary file.
        let share = match calls.len() {
            1 => Share::Alone,
            _ => Share::WithOthers,
        };
        let calls = calls.drain(..);
        let ended: Vec<_> = calls
            .map(|call| (call.run)(usable(&transaction), share))
            .collect();
        let is_undone = share == Share::Alone && ended.iter().any(|ended| ended.has_failed);
        let committed = transaction.and_then(|transaction| {
            let end = if is_undone {
                transaction.rollback()
            } else {
                transaction.commit()
            };
            Ok(end?)
        });
        for ended in ended {
            (ended.answer)(committed.as_ref().copied());
        }
    }
}

/// The connection of a transaction. A full disk and some other failures end a transaction early; the
/// calls that are left then fail too.
fn usable<'a>(
    transaction: &'a Result<Transaction<'_>, Failure>,
) -> Result<&'a Connection, &'a Failure> {
    let transaction = transaction.as_ref()?;
    if transaction.is_autocommit() {
        return Err(&Failure::Ended);
    }
    Ok(transaction)
}

/// Undoes the call alone if it fails.
fn in_savepoint<T>(
    connection: &Connection,
    call: impl FnOnce(&Connection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    connection.execute_batch("SAVEPOINT call")?;
    match call(connection) {
        Ok(value) => {
            connection.execute_batch("RELEASE call")?;
            Ok(value)
        }
        Err(failure) => {
            // A full disk, for example, has undone the whole transaction, and the savepoint with it.
            let is_gone = connection.is_autocommit();
            let undo = "ROLLBACK TO call; RELEASE call";
            if !is_gone && connection.execute_batch(undo).is_err() {
                connection.execute_batch("ROLLBACK")?;
            }
            Err(failure)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tokio::time::timeout;

    use super::super::SqliteStore;
    use super::super::plans::{entry, new_path, remove};
    use super::*;
    use crate::admin::Admin as _;
    use crate::store::Store;

    const PRAGMAS: [(&str, &str); 5] = [
        ("busy_timeout", "5000"),
        ("foreign_keys", "1"),
        ("journal_mode", "wal"),
        ("journal_size_limit", "67108864"),
        // FULL: each commit syncs the log.
        ("synchronous", "2"),
    ];

    fn pragmas(connection: &Connection) -> Result<BTreeMap<&'static str, String>, Failure> {
        let values = PRAGMAS.iter().map(|(name, _)| {
            let value = connection.pragma_query_value(None, name, |row| {
                let value: rusqlite::types::Value = row.get(0)?;
                Ok(match value {
                    rusqlite::types::Value::Integer(number) => number.to_string(),
                    rusqlite::types::Value::Text(text) => text,
                    other => format!("{other:?}"),
                })
            });
            Ok((*name, value?))
        });
        values.collect()
    }

    #[tokio::test]
    async fn every_connection_of_a_store_has_the_settings_that_the_promises_need() {
        let path = new_path("pragmas");
        for opened in ["created", "opened again"] {
            let store = SqliteStore::open(&path).await.unwrap();
            for database in [&store.writer, &store.reader] {
                let pragmas = database.call(pragmas).await.unwrap();
                let pragmas = pragmas.iter().map(|(name, value)| (*name, value.as_str()));
                assert_eq!(pragmas.collect::<Vec<_>>(), PRAGMAS, "{opened}");
            }
        }
        remove(&path);
    }

    #[tokio::test]
    async fn a_commit_is_synced_unless_none_of_its_calls_waits_for_that() {
        let path = new_path("synced");
        let store = SqliteStore::open(&path).await.unwrap();
        let writer = &store.writer;
        let level = |connection: &Connection| {
            let level = connection.pragma_query_value(None, "synchronous", |row| row.get(0));
            Ok(level.map(|level: u8| level)?)
        };
        // NORMAL: the log is not synced.
        assert_eq!(writer.call_unsynced(level).await.unwrap(), 1);
        assert_eq!(writer.call(level).await.unwrap(), 2);
        // Two calls that wait while one runs share the next transaction.
        let first = Blocked::new(writer);
        first.begun.await.unwrap();
        let (unsynced, synced, ()) =
            tokio::join!(writer.call_unsynced(level), writer.call(level), async {
                first.release.send(()).unwrap();
            });
        assert_eq!((unsynced.unwrap(), synced.unwrap()), (2, 2));
        first.ended.await.unwrap().unwrap();
        remove(&path);
    }

    /// A call that runs until it is released.
    struct Blocked {
        begun: oneshot::Receiver<()>,
        release: std::sync::mpsc::Sender<()>,
        ended: oneshot::Receiver<Result<(), StoreError>>,
    }

    impl Blocked {
        fn new(writer: &Database) -> Self {
            let (begun, has_begun) = oneshot::channel();
            let (release, released) = std::sync::mpsc::channel();
            let wait = move |_: &Connection| {
                let _ = begun.send(());
                let _ = released.recv();
                Ok(())
            };
            Self {
                begun: has_begun,
                release,
                ended: writer.send(Synced::Later, wait, None).unwrap(),
            }
        }
    }

    #[tokio::test]
    async fn a_claim_whose_caller_has_given_up_is_not_made() {
        let path = new_path("unwanted");
        let store = SqliteStore::open(&path).await.unwrap();
        store.append(vec![entry(0, None)]).await.unwrap();
        let earlier = Blocked::new(&store.writer);
        let claim = Store::claim(&store, 1, BUSY_TIMEOUT);
        timeout(Duration::ZERO, claim).await.unwrap_err();
        earlier.release.send(()).unwrap();
        let claimed = Store::claim(&store, 1, BUSY_TIMEOUT).await.unwrap();
        assert_eq!(claimed[0].attempt, 1);
        let shown = store.show(claimed[0].fence.seq()).await.unwrap();
        assert_eq!(shown.unwrap().history, []);
        remove(&path);
    }

    #[tokio::test]
    async fn a_claim_whose_caller_gives_up_meanwhile_is_given_back() {
        let path = new_path("given-back");
        let store = SqliteStore::open(&path).await.unwrap();
        store.append(vec![entry(0, None)]).await.unwrap();
        // The claim and the later call share a transaction.
        let earlier = Blocked::new(&store.writer);
        earlier.begun.await.unwrap();
        let mut claim = Store::claim(&store, 1, BUSY_TIMEOUT);
        timeout(Duration::ZERO, &mut claim).await.unwrap_err();
        let later = Blocked::new(&store.writer);
        earlier.release.send(()).unwrap();
        later.begun.await.unwrap();
        drop(claim);
        later.release.send(()).unwrap();
        later.ended.await.unwrap().unwrap();
        // After the call that gives the event back.
        store.writer.call(|_| Ok(())).await.unwrap();
        let claimed = Store::claim(&store, 1, BUSY_TIMEOUT).await.unwrap();
        assert_eq!(claimed[0].attempt, 1);
        remove(&path);
    }

    #[tokio::test]
    async fn a_claim_after_an_append_waits_for_no_reader() {
        let path = new_path("reader");
        let store = SqliteStore::open(&path).await.unwrap();
        let (release, released) = std::sync::mpsc::channel::<()>();
        let reader = store.reader.clone();
        let looks = tokio::spawn(async move { reader.call(move |_| Ok(released.recv())).await });
        for id in 0..2 {
            store.append(vec![entry(id, None)]).await.unwrap();
        }
        for _ in 0..2 {
            let claimed = Store::claim(&store, 1, BUSY_TIMEOUT);
            let claimed = tokio::time::timeout(6 * BUSY_TIMEOUT, claimed).await;
            assert_eq!(claimed.unwrap().unwrap().len(), 1);
        }
        assert!(!store.signal.is_visible(), "the next claim looks first");
        drop(release);
        let _ = looks.await.unwrap();
        assert!(
            Store::claim(&store, 1, BUSY_TIMEOUT)
                .await
                .unwrap()
                .is_empty()
        );
        remove(&path);
    }
}
