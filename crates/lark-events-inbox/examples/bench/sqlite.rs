//! The store in a file, compared with SQLite itself: the same rows, inserted in groups of the same size
//! by one thread, in turns in the same run.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use lark_events::{BoxError, Delivery, EventHeader, Outcome, RawJson};
use lark_events_inbox::{
    Appended, Capabilities, Claimed, Entry, Fence, Inbox, InboxBuilder, Settlement, SqliteStore,
    Status, Store, StoreError, WorkerId, WorkerState,
};
use rusqlite::{Connection, params};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tower::{Service, ServiceExt as _};

use super::Handler;

const ROUNDS: usize = 5;
/// The senders, and the events of a round.
const LOADS: [(usize, usize); 3] = [(1, 1_000), (64, 20_000), (256, 40_000)];
const LANES: usize = 1_000;
/// About that of a message.
const BODY_BYTES: usize = 1_000;

fn event(number: usize) -> Delivery {
    let mut header = EventHeader::new("testing.bench_v1");
    header.app_id = Some("cli_a1b2c3d4e5f60718".to_owned());
    header.event_id = Some(format!("{number:032}"));
    header.tenant_key = Some(format!("tenant {}", number % LANES));
    let body = format!(r#"{{"text":"{}"}}"#, "x".repeat(BODY_BYTES));
    Delivery::new(header, RawJson::parse(body).unwrap_or_default())
}

/// A folder that is removed with its files at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> std::io::Result<Self> {
        // Beside the program: the temporary folder may be in memory.
        let program = std::env::current_exe()?;
        let path = program.with_file_name(format!("bench-inbox-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    fn file(&self) -> PathBuf {
        self.0.join(format!("{}.db", fastrand::u64(..)))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Counts batches, and remembers when each event was committed.
struct Watched {
    inner: SqliteStore,
    batches: AtomicUsize,
    committed: Mutex<HashMap<String, Instant>>,
}

impl Watched {
    async fn open(path: &Path) -> Result<Arc<Self>, StoreError> {
        Ok(Arc::new(Self {
            inner: SqliteStore::open(path).await?,
            batches: AtomicUsize::new(0),
            committed: Mutex::default(),
        }))
    }
}

fn id(delivery: &Delivery) -> String {
    delivery.header.event_id.clone().unwrap_or_default()
}

#[async_trait]
impl Store for Watched {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn append(&self, batch: Vec<Entry>) -> Result<Vec<Appended>, StoreError> {
        self.batches.fetch_add(1, Ordering::Relaxed);
        let ids: Vec<_> = batch.iter().map(|entry| id(&entry.delivery)).collect();
        let appended = self.inner.append(batch).await?;
        let now = Instant::now();
        let mut committed = self
            .committed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        committed.extend(ids.into_iter().map(|id| (id, now)));
        Ok(appended)
    }

    async fn claim(&self, max: usize, lease: Duration) -> Result<Vec<Claimed>, StoreError> {
        self.inner.claim(max, lease).await
    }

    async fn extend(&self, fences: &[Fence], lease: Duration) -> Result<Vec<bool>, StoreError> {
        self.inner.extend(fences, lease).await
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<bool>, StoreError> {
        self.inner.settle(settlements).await
    }

    async fn woken(&self) {
        self.inner.woken().await;
    }

    async fn status(&self) -> Result<Status, StoreError> {
        self.inner.status().await
    }

    async fn heartbeat(&self, worker: WorkerId, state: WorkerState) -> Result<(), StoreError> {
        self.inner.heartbeat(worker, state).await
    }
}

/// Nothing but the acknowledgement is measured.
fn nothing() -> Handler {
    Handler::new(tower::service_fn(async |_: Delivery| Ok(Outcome::Handled)))
}

/// One round of appends.
struct Appends {
    rate: f64,
    batch: f64,
    times: Vec<Duration>,
}

/// Sends one event after the other. Returns the times until they were acknowledged.
async fn send<S>(service: S, deliveries: Vec<Delivery>) -> Result<Vec<Duration>, BoxError>
where
    S: Service<Delivery, Response = Outcome, Error = BoxError> + Clone,
{
    let mut times = Vec::with_capacity(deliveries.len());
    for delivery in deliveries {
        let began = Instant::now();
        service.clone().oneshot(delivery).await?;
        times.push(began.elapsed());
    }
    Ok(times)
}

async fn append(
    folder: &Folder,
    set: fn(InboxBuilder) -> InboxBuilder,
    (senders, events): (usize, usize),
) -> Result<Appends, BoxError> {
    let store = Watched::open(&folder.file()).await?;
    let builder = set(Inbox::builder(Arc::clone(&store) as Arc<dyn Store>));
    let receiver = builder.receiver(nothing())?;
    let deliveries: Vec<Vec<_>> = (0..senders)
        .map(|sender| (sender..events).step_by(senders).map(event).collect())
        .collect();
    let began = Instant::now();
    let mut sending = JoinSet::new();
    for deliveries in deliveries {
        sending.spawn(send(receiver.clone(), deliveries));
    }
    let mut times = Vec::with_capacity(events);
    for sent in sending.join_all().await {
        times.extend(sent?);
    }
    let batches = store.batches.load(Ordering::Relaxed);
    Ok(Appends {
        rate: events as f64 / began.elapsed().as_secs_f64(),
        batch: events as f64 / batches as f64,
        times,
    })
}

/// The rate of inserting the same rows in groups of this size.
async fn insert(
    folder: &Folder,
    has_lanes: bool,
    events: usize,
    batch: f64,
) -> Result<f64, BoxError> {
    let path = folder.file();
    drop(SqliteStore::open(&path).await?);
    let insert = move || {
        let connection = Connection::open(path)?;
        for (name, value) in [("synchronous", "FULL"), ("foreign_keys", "ON")] {
            connection.pragma_update(None, name, value)?;
        }
        let deliveries: Vec<_> = (0..events).map(event).collect();
        let rows = deliveries.iter();
        let rows: Vec<_> = rows
            .map(|delivery| (delivery, delivery.to_document()))
            .collect();
        let mut event = connection.prepare(
            "INSERT INTO event (dedup_key, app_id, event_type, event_id, tenant_key, lane, transport,
                received_at, keep_until, document)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'local', ?7, ?7, ?8)",
        )?;
        let mut task = connection
            .prepare("INSERT INTO task (seq, lane, is_head, visible_at) VALUES (?1, ?2, ?3, ?4)")?;
        let began = Instant::now();
        for (number, rows) in rows.chunks((batch.round() as usize).max(1)).enumerate() {
            connection.execute_batch("BEGIN IMMEDIATE")?;
            for (delivery, document) in rows {
                let header = &delivery.header;
                let (app, kind, id) = (&header.app_id, &header.event_type, &header.event_id);
                let key = format!(
                    "{}:{kind}:{}",
                    app.as_deref().unwrap_or_default(),
                    id.as_deref().unwrap_or_default()
                );
                let lane = header.tenant_key.as_deref().filter(|_| has_lanes);
                let now = i64::try_from(number)?;
                event.execute(params![
                    key,
                    app,
                    kind,
                    id,
                    header.tenant_key,
                    lane,
                    now,
                    &**document
                ])?;
                let seq = connection.last_insert_rowid();
                let is_head = !has_lanes || seq <= i64::try_from(LANES)?;
                task.execute(params![seq, lane, is_head, now])?;
            }
            connection.execute_batch("COMMIT")?;
        }
        Ok(events as f64 / began.elapsed().as_secs_f64())
    };
    tokio::task::spawn_blocking(insert).await?
}

/// The value that this share of the values does not exceed.
fn quantile(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    let index = (times.len() as f64 * share) as usize;
    let last = times.len().saturating_sub(1);
    times.get(index.min(last)).copied().unwrap_or_default()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

async fn appends(folder: &Folder) -> Result<(), BoxError> {
    println!("\nappending to a file, median of {ROUNDS} rounds\n");
    println!("| senders | lanes | events/s | batch | inserted rows/s | ratio | p50 | p99 |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for (senders, events) in LOADS {
        for has_lanes in [false, true] {
            let set: fn(InboxBuilder) -> InboxBuilder = if has_lanes {
                InboxBuilder::lane_by_tenant
            } else {
                |builder| builder
            };
            let (mut rates, mut batches, mut times) = (Vec::new(), Vec::new(), Vec::new());
            let (mut inserted, mut ratios) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                let round = append(folder, set, (senders, events)).await?;
                let raw = insert(folder, has_lanes, events, round.batch).await?;
                ratios.push(round.rate / raw);
                rates.push(round.rate);
                batches.push(round.batch);
                times.extend(round.times);
                inserted.push(raw);
            }
            println!(
                "| {senders} | {} | {:.0} | {:.0} | {:.0} | {:.2} | {:.1?} | {:.1?} |",
                if has_lanes { LANES } else { 0 },
                median(&mut rates),
                median(&mut batches),
                median(&mut inserted),
                median(&mut ratios),
                quantile(&mut times, 0.5),
                quantile(&mut times, 0.99),
            );
        }
    }
    Ok(())
}

const LAG_EVENTS: usize = 2_000;
const LAG_PAUSE: Duration = Duration::from_millis(3);

/// The time from the commit of an event to the start of its handler.
async fn lag(folder: &Folder, in_one_process: bool) -> Result<Vec<Duration>, BoxError> {
    let path = folder.file();
    let store = Watched::open(&path).await?;
    let working: Arc<dyn Store> = if in_one_process {
        Arc::clone(&store) as Arc<dyn Store>
    } else {
        Arc::new(SqliteStore::open(&path).await?)
    };
    let started = Arc::new(Mutex::new(HashMap::new()));
    let starts = Arc::clone(&started);
    let handler = Handler::new(tower::service_fn(move |delivery: Delivery| {
        let now = Instant::now();
        let mut starts = starts.lock().unwrap_or_else(PoisonError::into_inner);
        starts.insert(id(&delivery), now);
        std::future::ready(Ok(Outcome::Handled))
    }));
    let worker = Inbox::builder(working).lane_by_tenant().worker(handler)?;
    let receiver = Inbox::builder(Arc::clone(&store) as Arc<dyn Store>).lane_by_tenant();
    let receiver = receiver.receiver(nothing())?;
    let (stop, stopped) = oneshot::channel::<()>();
    let worked = tokio::spawn(async move {
        let shutdown = async { stopped.await.unwrap_or_default() };
        worker.run(shutdown).await
    });
    for number in 0..LAG_EVENTS {
        receiver.clone().oneshot(event(number)).await?;
        tokio::time::sleep(LAG_PAUSE.mul_f64(2.0 * fastrand::f64())).await;
    }
    while store.status().await?.ready > 0 {
        tokio::time::sleep(LAG_PAUSE).await;
    }
    drop(stop);
    worked.await??;
    let started = started.lock().unwrap_or_else(PoisonError::into_inner);
    let committed = store
        .committed
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let lags = started.iter().filter_map(|(id, start)| {
        let commit = committed.get(id)?;
        Some(start.saturating_duration_since(*commit))
    });
    Ok(lags.collect())
}

const WAITING: usize = 100_000;
const CLAIMS: usize = 100;

/// The times of claims of a number of events while many wait, most of them in lanes.
async fn claims(folder: &Folder) -> Result<Vec<(usize, Vec<Duration>)>, BoxError> {
    let store = SqliteStore::open(folder.file()).await?;
    let entries = (0..WAITING).map(|number| {
        let delivery = event(number);
        let lane = delivery.header.tenant_key.clone();
        let mut entry = Entry::new(delivery);
        entry.key = Some(number.to_string());
        entry.lane = lane.filter(|_| number % 10 > 0);
        entry
    });
    let mut entries = entries.peekable();
    while entries.peek().is_some() {
        store.append(entries.by_ref().take(2_000).collect()).await?;
    }
    let mut all = Vec::new();
    for max in [1, 16] {
        let mut times = Vec::with_capacity(CLAIMS);
        for _ in 0..CLAIMS {
            let began = Instant::now();
            let claimed = Store::claim(&store, max, Duration::from_hours(1)).await?;
            times.push(began.elapsed());
            if claimed.len() < max {
                return Err("too few events are waiting".into());
            }
        }
        all.push((max, times));
    }
    Ok(all)
}

/// Measures the store in a file.
pub(crate) async fn run() -> Result<(), BoxError> {
    let folder = Folder::new()?;
    appends(&folder).await?;
    println!("\n| | p50 | p99 |");
    println!("| --- | ---: | ---: |");
    for (name, in_one_process) in [
        ("commit to the start of the handler", true),
        ("the same, the worker in another process", false),
    ] {
        let mut times = lag(&folder, in_one_process).await?;
        let (p50, p99) = (quantile(&mut times, 0.5), quantile(&mut times, 0.99));
        println!("| {name} | {p50:.1?} | {p99:.1?} |");
    }
    for (max, mut times) in claims(&folder).await? {
        let (p50, p99) = (quantile(&mut times, 0.5), quantile(&mut times, 0.99));
        println!("| claim of {max} with {WAITING} waiting | {p50:.1?} | {p99:.1?} |");
    }
    Ok(())
}
