//! The store.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use lark_events_inbox::{
    Appended, AttemptOutcome, Capabilities, Claimed, Entry, Fence, Settled, Settlement, Status,
    Store, StoreError, StoreErrorKind, WorkerId, WorkerState,
};
use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use crate::builder::PostgresStoreBuilder;
use crate::completion::Completion;
use crate::failure::Failure;
use crate::look::Look;
use crate::rows::{bits, duration, entry, get, indexed, number, span, text};
use crate::schema;
use crate::session::{Connection, wake};
use crate::settle::{answers, dead_letter, fences, settle};
use crate::sql::Sql;
use crate::target::Target;

/// At most one notification in this time: each takes a lock that all databases of the server share.
const NOTIFY_PAUSE: Duration = Duration::from_millis(50);
/// How often a worker that has just claimed something looks again: notifications are too rare for it.
const ACTIVE_POLL: Duration = Duration::from_millis(25);
/// The shortest wait for an event that is visible already, but that another transaction has locked.
const MIN_WAIT: Duration = Duration::from_millis(50);
/// How long a look of an operator may take.
const READ_TIMEOUT: Duration = Duration::from_secs(15);
/// The maximum number of events that one call prunes.
const MAX_PRUNED: i32 = 5_000;

/// Keeps events in PostgreSQL 15 or newer, for any number of receivers and workers.
///
/// An event is acknowledged once its commit is on the disk of the server, and also on the disk of a synchronous
/// standby if one is configured. `synchronous_commit=off` has no effect on this. A commit whose wait for the
/// standby is cancelled counts as failed.
///
/// - Leases, delays and ages follow the clock of the server, not those of the programs.
/// - An event is recognised as a duplicate for the time of the [retention](PostgresStoreBuilder::retention), 7 days
///   by default. Workers remove finished events that are older. They never remove unfinished events or dead
///   letters.
/// - **The tables contain the events in clear text.**
/// - A handler can finish its event in its own transaction: [`Completion`].
/// - It is also a [`DedupStore`](lark_events_layers::DedupStore), for de-duplication among several processes.
/// - PostgreSQL cannot store U+0000, so a text column has U+2400 in its place. A key or lane of more than 1,024
///   bytes is shortened, and ends with its hash. The event itself is stored unchanged.
pub struct PostgresStore {
    target: Arc<Target>,
    retention: Duration,
    pub(crate) sql: Sql,
    /// For acknowledgements and the keys of synchronous handlers: senders wait for both.
    pub(crate) appends: Connection,
    /// For everything else that waits for a commit, and for what operators do.
    pub(crate) settles: Connection,
    /// For what operators see: a long look delays nothing but other looks.
    pub(crate) reads: Connection,
    /// For claims and their extensions, which must go on while a commit waits for a standby.
    claims: Connection,
    changed: Arc<Notify>,
    unannounced: Arc<Notify>,
    announcing: AbortHandle,
    /// The claims so far, which take turns between lanes and events without one.
    turns: AtomicUsize,
    look: Mutex<Look>,
}

impl PostgresStore {
    /// The default schema of the tables: `lark_inbox`.
    pub const DEFAULT_SCHEMA: &'static str = schema::DEFAULT;
    /// The default retention of finished events and their keys: 7 days.
    pub const DEFAULT_RETENTION: Duration = Duration::from_hours(7 * 24);
    /// The shortest retention: 8 hours and 11 minutes. The platform redelivers for 7.1 hours, and a webhook with
    /// the default freshness accepts a replay for 8 hours, and 10 minutes of clock difference.
    pub const MIN_RETENTION: Duration = Duration::from_mins(8 * 60 + 11);
    /// The version of the tables that this crate creates.
    pub const VERSION: u32 = schema::VERSION;

    /// Connects with the default settings, and creates the tables if they do not exist.
    ///
    /// The URL has the form of [tokio-postgres](tokio_postgres::Config), for example
    /// `postgres://user:password@host:5432/database`. With several hosts, the store uses the one that accepts
    /// writes.
    ///
    /// # Errors
    ///
    /// As [`PostgresStoreBuilder::connect`].
    pub async fn connect(url: impl Into<String>) -> Result<Self, StoreError> {
        Self::builder(url).connect().await
    }

    /// Starts configuring a store.
    pub fn builder(url: impl Into<String>) -> PostgresStoreBuilder {
        PostgresStoreBuilder::new(url.into())
    }

    pub(crate) async fn open(
        target: Target,
        retention: Duration,
        notifies: bool,
    ) -> Result<Self, StoreError> {
        let target = Arc::new(target);
        let changed = Arc::new(Notify::new());
        let listens = notifies.then(|| Arc::clone(&changed));
        let claims = Connection::new(Arc::clone(&target), listens);
        let sql = Sql::of(&target.schema);
        let unannounced = Arc::new(Notify::new());
        let announce = announce(
            claims.clone(),
            Arc::clone(&unannounced),
            target.schema.clone(),
        );
        let store = Self {
            retention,
            sql,
            appends: Connection::new(Arc::clone(&target), None),
            settles: Connection::new(Arc::clone(&target), None),
            reads: Connection::with_time_limit(Arc::clone(&target), None, READ_TIMEOUT),
            claims,
            changed,
            unannounced,
            announcing: tokio::spawn(announce).abort_handle(),
            turns: AtomicUsize::new(0),
            look: Mutex::default(),
            target,
        };
        store.appends.connect().await?;
        Ok(store)
    }

    pub(crate) fn schema(&self) -> &str {
        &self.target.schema
    }

    /// Wakes the workers of this process, and those of others soon.
    pub(crate) fn wake(&self) {
        wake(&self.changed);
        self.unannounced.notify_one();
    }

    fn look(&self) -> MutexGuard<'_, Look> {
        self.look.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Claims in a task of its own. If the caller gives up, the events are given back.
    async fn claimed(
        &self,
        max: i32,
        lane_is_first: bool,
        lease: Duration,
        since: Option<SystemTime>,
    ) -> Result<Vec<Row>, Failure> {
        let (claims, settles) = (self.claims.clone(), self.settles.clone());
        let (sql, release) = (self.sql.claim.clone(), self.sql.settle.clone());
        let (answer, answered) = oneshot::channel();
        tokio::spawn(async move {
            let nonces: Vec<i64> = (0..max).map(|_| fastrand::i64(..)).collect();
            let values = [
                (&max as _, Type::INT4),
                (&lane_is_first as _, Type::BOOL),
                (&span(lease) as _, Type::INT8),
                (&nonces as _, Type::INT8_ARRAY),
                (&since as _, Type::TIMESTAMPTZ),
            ];
            let rows = claims.query(&sql, &values).await;
            if let Err(Ok(rows)) = answer.send(rows) {
                let fences = rows.iter().filter_map(|row| {
                    let seq = get::<Option<i64>>(row, "seq").ok()??;
                    Some(Fence::from_parts(
                        number(seq),
                        number(get(row, "fence").ok()?),
                    ))
                });
                let outcome = AttemptOutcome::NotStarted;
                let released =
                    |fence| Settlement::new(fence, Settled::Release(Duration::ZERO), outcome);
                let released: Vec<_> = fences.map(released).collect();
                // What is not given back is claimed again when its lease ends.
                let _ = settle(&settles, &release, &released).await;
            }
        });
        let closed = || Failure::new(StoreErrorKind::Unavailable, "the call was cancelled");
        answered.await.unwrap_or_else(|_| Err(closed()))
    }

    async fn prune_batch(&self, age: Duration) -> Result<u64, StoreError> {
        let values = [
            (&span(age) as _, Type::INT8),
            (&MAX_PRUNED as _, Type::INT4),
        ];
        let row = self.settles.query_one(&self.sql.prune, &values).await?;
        Ok(number(get(&row, "pruned")?))
    }

    /// Prunes batch by batch until nothing is left.
    pub(crate) async fn prune_all(&self, age: Duration) -> Result<u64, StoreError> {
        let mut pruned: u64 = 0;
        loop {
            let some = self.prune_batch(age).await?;
            pruned = pruned.saturating_add(some);
            if some == 0 {
                return Ok(pruned);
            }
        }
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.announcing.abort();
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("target", &self.target)
            .field("retention", &self.retention)
            .finish_non_exhaustive()
    }
}

/// Notifies the workers of other processes, at most once in [`NOTIFY_PAUSE`].
async fn announce(connection: Connection, unannounced: Arc<Notify>, schema: String) {
    // Nobody waits for the disk.
    let sql = "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, '')";
    loop {
        unannounced.notified().await;
        // A notification that is lost costs a second: workers poll.
        let _ = connection.query(sql, &[(&schema, Type::TEXT)]).await;
        sleep(NOTIFY_PAUSE).await;
    }
}

#[async_trait]
impl Store for PostgresStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities::DURABLE
    }

    async fn append(&self, batch: Vec<Entry>) -> Result<Vec<Appended>, StoreError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let headers = || batch.iter().map(|entry| &entry.delivery.header);
        let keys: Vec<_> = batch
            .iter()
            .map(|entry| entry.key.as_deref().map(indexed))
            .collect();
        let apps: Vec<_> = headers()
            .map(|header| header.app_id.as_deref().map(text))
            .collect();
        let types: Vec<_> = headers().map(|header| text(&header.event_type)).collect();
        let ids: Vec<_> = headers()
            .map(|header| header.event_id.as_deref().map(indexed))
            .collect();
        let tenants: Vec<_> = headers()
            .map(|header| header.tenant_key.as_deref().map(text))
            .collect();
        let lanes: Vec<_> = batch
            .iter()
            .map(|entry| entry.lane.as_deref().map(indexed))
            .collect();
        let transports: Vec<_> = batch
            .iter()
            .map(|entry| entry.delivery.transport.as_str())
            .collect();
        let kept: Vec<_> = batch.iter().map(|entry| span(entry.kept)).collect();
        let traces: Vec<_> = batch
            .iter()
            .map(|entry| entry.trace.as_deref().map(text))
            .collect();
        let documents: Vec<_> = batch
            .iter()
            .map(|entry| entry.delivery.to_document())
            .collect();
        let documents: Vec<_> = documents.iter().map(|document| &**document).collect();
        let values = [
            (&keys as _, Type::TEXT_ARRAY),
            (&apps as _, Type::TEXT_ARRAY),
            (&types as _, Type::TEXT_ARRAY),
            (&ids as _, Type::TEXT_ARRAY),
            (&tenants as _, Type::TEXT_ARRAY),
            (&lanes as _, Type::TEXT_ARRAY),
            (&transports as _, Type::TEXT_ARRAY),
            (&kept as _, Type::INT8_ARRAY),
            (&traces as _, Type::TEXT_ARRAY),
            (&documents as _, Type::BYTEA_ARRAY),
        ];
        let row = self.appends.acknowledge(&self.sql.append, &values).await?;
        let appended = answers(&row)?;
        if appended.len() != batch.len() {
            return Err(StoreError::with_source(
                StoreErrorKind::Corrupt,
                "the append returned another number of results than it got events",
            ));
        }
        if appended.contains(&true) {
            self.wake();
        }
        let appended = appended.into_iter();
        Ok(appended
            .map(|is_new| {
                if is_new {
                    Appended::New
                } else {
                    Appended::Duplicate
                }
            })
            .collect())
    }

    async fn claim(&self, max: usize, lease: Duration) -> Result<Vec<Claimed>, StoreError> {
        let max = i32::try_from(max).unwrap_or(i32::MAX);
        let lane_is_first = self.turns.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
        let since = self.look().since();
        let began = Instant::now();
        let rows = self.claimed(max, lane_is_first, lease, since).await;
        let rows = rows.inspect_err(|_| *self.look() = Look::default())?;
        let (mut claimed, mut corrupt) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in rows {
            let Some(seq) = get::<Option<i64>>(&row, "seq")? else {
                let next = get(&row, "received_at")?;
                self.look().looked(began, since.is_none(), next);
                continue;
            };
            let fence = Fence::from_parts(number(seq), number(get(&row, "fence")?));
            let attempt: i32 = get(&row, "attempt")?;
            match entry(&row) {
                Ok(entry) => {
                    let mut one = Claimed::new(fence, attempt.unsigned_abs(), entry);
                    let sql = Arc::clone(&self.sql.complete);
                    one.extensions.insert(Completion::new(sql, fence));
                    claimed.push(one);
                }
                Err(error) => corrupt.push(dead_letter(fence, &error)),
            }
        }
        if !corrupt.is_empty() {
            // The others are handled meanwhile. If it fails, the next claim tries again.
            let (settles, sql) = (self.settles.clone(), self.sql.settle.clone());
            tokio::spawn(async move { settle(&settles, &sql, &corrupt).await });
        }
        if !claimed.is_empty() {
            self.look().claimed_at = Some(Instant::now());
        }
        Ok(claimed)
    }

    async fn extend(&self, held: &[Fence], lease: Duration) -> Result<Vec<bool>, StoreError> {
        let (seqs, nonces) = fences(held.iter().copied());
        let values = [
            (&seqs as _, Type::INT8_ARRAY),
            (&nonces as _, Type::INT8_ARRAY),
            (&span(lease) as _, Type::INT8),
        ];
        let row = self.claims.query_one(&self.sql.extend, &values).await?;
        Ok(answers(&row)?)
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<bool>, StoreError> {
        let settled = settle(&self.settles, &self.sql.settle, &settlements).await;
        let settled = match settled {
            Err(failure) if failure.is_locked() => {
                let mut settled = Vec::with_capacity(settlements.len());
                for one in settlements.chunks(1) {
                    match settle(&self.settles, &self.sql.settle, one).await {
                        // The handler has called `complete` in a transaction that is still open, and which decides.
                        Err(failure) if failure.is_locked() => settled.push(false),
                        one => settled.extend(one?),
                    }
                }
                settled
            }
            settled => settled?,
        };
        self.wake();
        Ok(settled)
    }

    async fn woken(&self) {
        if self.look().is_active() {
            let _ = timeout(ACTIVE_POLL, self.changed.notified()).await;
            return;
        }
        let due = async {
            let since: Box<dyn ToSql + Sync + Send> = Box::new(self.look().since);
            let sql = self.sql.next_visible.clone();
            let next = self
                .claims
                .look(sql, vec![(since, Type::TIMESTAMPTZ)])
                .await;
            match next.and_then(|row| get::<Option<i64>>(&row, "next")) {
                Ok(Some(next)) => sleep(duration(next).max(MIN_WAIT)).await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.changed.notified() => {}
            () = due => {}
        }
    }

    async fn status(&self) -> Result<Status, StoreError> {
        let row = self
            .settles
            .look(self.sql.status.clone(), Vec::new())
            .await?;
        let count = |column| get::<i64>(&row, column).map(number);
        let age = |column| get::<Option<i64>>(&row, column).map(|age| age.map(duration));
        let mut status = Status::default();
        status.ready = count("ready")?;
        status.waiting = count("waiting")?;
        status.leased = count("leased")?;
        status.dead = count("dead")?;
        status.blocked_lanes = count("blocked_lanes")?;
        status.oldest = age("oldest")?;
        status.lag = age("lag")?;
        status.workers = count("workers")?;
        status.worker_seen = age("worker_seen")?;
        Ok(status)
    }

    async fn heartbeat(&self, worker: WorkerId, state: WorkerState) -> Result<(), StoreError> {
        let is_running = match state {
            WorkerState::Running => Some(true),
            WorkerState::Stopped => None,
            _ => Some(false),
        };
        let values = [
            (&bits(worker.get()) as _, Type::INT8),
            (&is_running as _, Type::BOOL),
        ];
        self.settles.query(&self.sql.heartbeat, &values).await?;
        Ok(())
    }

    async fn prune_some(&self) -> Result<u64, StoreError> {
        self.prune_batch(self.retention).await
    }
}
