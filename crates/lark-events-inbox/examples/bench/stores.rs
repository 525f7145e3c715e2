//! Measures a store, compared with its engine: the same rows, inserted in groups of the same size by one
//! connection, in turns in the same run.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use lark_events::{BoxError, Delivery, EventHeader, Outcome, RawJson};
use lark_events_inbox::{
    Appended, Capabilities, Claimed, Entry, Fence, Inbox, InboxBuilder, Settlement, Status, Store,
    StoreError, WorkerId, WorkerState,
};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt as _};

type Handler = BoxCloneSyncService<Delivery, Outcome, BoxError>;

const ROUNDS: usize = 5;
/// The senders, and the events of a round.
const LOADS: [(usize, usize); 3] = [(1, 1_000), (64, 20_000), (256, 40_000)];
pub(crate) const LANES: usize = 1_000;
/// About that of a message.
const BODY_BYTES: usize = 1_000;

/// An engine whose store is measured.
pub(crate) trait Engine {
    type Store: Store;
    /// Where a store keeps its events.
    type Place;

    /// A new place.
    fn place(&self) -> Self::Place;

    /// Opens a store. Another one at the same place is like that of another process.
    async fn open(&self, place: &Self::Place) -> Result<Self::Store, BoxError>;

    /// The rate of inserting rows at a new place in groups, without the store.
    async fn insert(&self, rows: Vec<Row>, batch: usize) -> Result<f64, BoxError>;
}

/// What a store keeps of an event.
pub(crate) struct Row {
    pub(crate) delivery: Delivery,
    pub(crate) document: bytes::Bytes,
    pub(crate) key: String,
    pub(crate) lane: Option<String>,
    pub(crate) is_head: bool,
}

fn rows(events: usize, has_lanes: bool) -> Vec<Row> {
    let rows = (0..events).map(|number| {
        let delivery = event(number);
        let header = &delivery.header;
        Row {
            key: format!(
                "{}:{}:{}",
                text(&header.app_id),
                header.event_type,
                id(&delivery)
            ),
            document: delivery.to_document(),
            lane: header.tenant_key.clone().filter(|_| has_lanes),
            is_head: !has_lanes || number < LANES,
            delivery,
        }
    });
    rows.collect()
}

fn text(value: &Option<String>) -> &str {
    value.as_deref().unwrap_or_default()
}

pub(crate) fn event(number: usize) -> Delivery {
    let mut header = EventHeader::new("testing.bench_v1");
    header.app_id = Some("cli_a1b2c3d4e5f60718".to_owned());
    header.event_id = Some(format!("{number:032}"));
    header.tenant_key = Some(format!("tenant {}", number % LANES));
    let body = format!(r#"{{"text":"{}"}}"#, "x".repeat(BODY_BYTES));
    Delivery::new(header, RawJson::parse(body).unwrap_or_default())
}

/// Counts batches, and remembers when each event was committed.
struct Watched<S> {
    inner: S,
    batches: AtomicUsize,
    committed: Mutex<HashMap<String, Instant>>,
}

impl<S> Watched<S> {
    fn new(inner: S) -> Arc<Self> {
        Arc::new(Self {
            inner,
            batches: AtomicUsize::new(0),
            committed: Mutex::default(),
        })
    }
}

pub(crate) fn id(delivery: &Delivery) -> String {
    delivery.header.event_id.clone().unwrap_or_default()
}

#[async_trait]
impl<S: Store> Store for Watched<S> {
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
pub(crate) fn nothing() -> Handler {
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

/// The events of each sender.
fn deliveries((senders, events): (usize, usize)) -> Vec<Vec<Delivery>> {
    (0..senders)
        .map(|sender| (sender..events).step_by(senders).map(event).collect())
        .collect()
}

/// Sends the events of each sender in a task of its own. Returns the times of all.
async fn send_all<S>(service: &S, deliveries: Vec<Vec<Delivery>>) -> Result<Vec<Duration>, BoxError>
where
    S: Service<Delivery, Response = Outcome, Error = BoxError, Future: Send>
        + Clone
        + Send
        + 'static,
{
    let mut times = Vec::with_capacity(deliveries.iter().map(Vec::len).sum());
    let mut sending = JoinSet::new();
    for deliveries in deliveries {
        sending.spawn(send(service.clone(), deliveries));
    }
    for sent in sending.join_all().await {
        times.extend(sent?);
    }
    Ok(times)
}

async fn append<E: Engine>(
    engine: &E,
    set: fn(InboxBuilder) -> InboxBuilder,
    (senders, events): (usize, usize),
) -> Result<Appends, BoxError> {
    let store = Watched::new(engine.open(&engine.place()).await?);
    let builder = set(Inbox::builder(Arc::clone(&store) as Arc<dyn Store>));
    let receiver = builder.receiver(nothing())?;
    let deliveries = deliveries((senders, events));
    let began = Instant::now();
    let times = send_all(&receiver, deliveries).await?;
    let batches = store.batches.load(Ordering::Relaxed);
    Ok(Appends {
        rate: events as f64 / began.elapsed().as_secs_f64(),
        batch: events as f64 / batches as f64,
        times,
    })
}

/// The value that this share of the values does not exceed.
pub(crate) fn quantile(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    let index = (times.len() as f64 * share) as usize;
    let last = times.len().saturating_sub(1);
    times.get(index.min(last)).copied().unwrap_or_default()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

pub(crate) async fn appends<E: Engine>(engine: &E) -> Result<(), BoxError> {
    println!("\nappending, median of {ROUNDS} rounds\n");
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
                let round = append(engine, set, (senders, events)).await?;
                let batch = (round.batch.round() as usize).max(1);
                let raw = engine.insert(rows(events, has_lanes), batch).await?;
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

/// The rate of events that are stored and handled, until the last one is.
async fn handle<E: Engine>(engine: &E) -> Result<f64, BoxError> {
    let (senders, events) = LOADS[1];
    let store: Arc<dyn Store> = Arc::new(engine.open(&engine.place()).await?);
    let left = Arc::new(AtomicUsize::new(events));
    let all = Arc::new(Notify::new());
    let all_handled = Arc::clone(&all);
    let handler = Handler::new(tower::service_fn(move |_: Delivery| {
        if left.fetch_sub(1, Ordering::Relaxed) == 1 {
            all_handled.notify_one();
        }
        std::future::ready(Ok(Outcome::Handled))
    }));
    let worker = Inbox::worker(Arc::clone(&store), handler)?;
    let receiver = Inbox::receiver(store, nothing())?;
    let (stop, stopped) = oneshot::channel::<()>();
    let worked = tokio::spawn(async move {
        let shutdown = async { stopped.await.unwrap_or_default() };
        worker.run(shutdown).await
    });
    let deliveries = deliveries((senders, events));
    let began = Instant::now();
    send_all(&receiver, deliveries).await?;
    all.notified().await;
    let rate = events as f64 / began.elapsed().as_secs_f64();
    drop(stop);
    worked.await??;
    Ok(rate)
}

pub(crate) async fn handled<E: Engine>(engine: &E) -> Result<(), BoxError> {
    let mut rates = Vec::new();
    for _ in 0..ROUNDS {
        rates.push(handle(engine).await?);
    }
    let rate = median(&mut rates);
    let (senders, events) = LOADS[1];
    println!("\n{events} events from {senders} senders, stored and handled: {rate:.0} events/s");
    Ok(())
}

const LAG_EVENTS: usize = 2_000;
const LAG_PAUSE: Duration = Duration::from_millis(3);

/// The time from the commit of an event to the start of its handler.
async fn lag<E: Engine>(engine: &E, in_one_process: bool) -> Result<Vec<Duration>, BoxError> {
    let place = engine.place();
    let store = Watched::new(engine.open(&place).await?);
    let working: Arc<dyn Store> = if in_one_process {
        Arc::clone(&store) as Arc<dyn Store>
    } else {
        Arc::new(engine.open(&place).await?)
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
async fn claims<E: Engine>(engine: &E) -> Result<Vec<(usize, Vec<Duration>)>, BoxError> {
    let store = engine.open(&engine.place()).await?;
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

/// Measures the store of an engine.
pub(crate) async fn run<E: Engine>(engine: &E) -> Result<(), BoxError> {
    appends(engine).await?;
    println!("\n| | p50 | p99 |");
    println!("| --- | ---: | ---: |");
    for (name, in_one_process) in [
        ("commit to the start of the handler", true),
        ("the same, the worker in another process", false),
    ] {
        let mut times = lag(engine, in_one_process).await?;
        let (p50, p99) = (quantile(&mut times, 0.5), quantile(&mut times, 0.99));
        println!("| {name} | {p50:.1?} | {p99:.1?} |");
    }
    for (max, mut times) in claims(engine).await? {
        let (p50, p99) = (quantile(&mut times, 0.5), quantile(&mut times, 0.99));
        println!("| claim of {max} with {WAITING} waiting | {p50:.1?} | {p99:.1?} |");
    }
    Ok(())
}
