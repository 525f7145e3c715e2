//! Measures events through an inbox, compared with a task for each event. `cargo xtask bench-inbox` runs
//! it. Arguments name the parts to run: `tasks`, `latency`, `handled`, `store`, `size`.
//!
//! All rows are measured in turns in one run, so that their ratios hold on a machine that does other
//! things too. Each round passes its events from several senders and ends when the last is handled.

#[cfg(feature = "sqlite")]
mod latency;
mod memory;
mod sizes;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg_attr(not(feature = "sqlite"), expect(dead_code, reason = "no engine is measured"))]
mod stores;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lark_events::{BoxError, Delivery, EventHeader, Outcome, RawJson};
use lark_events_inbox::{Inbox, InboxBuilder, VolatileStore};
use lark_events_layers::DedupLayer;
use tokio::sync::{Notify, Semaphore, oneshot};
use tokio::task::JoinSet;
use tower::util::BoxCloneSyncService;
use tower::{Layer as _, Service, ServiceExt as _};

#[cfg(feature = "sqlite")]
use self::stores::Engine as _;

const ROUNDS: usize = 9;
const SENDERS: usize = 64;
const EVENTS: usize = 64_000;
const WORKERS: usize = 16;

type Handler = BoxCloneSyncService<Delivery, Outcome, BoxError>;

/// Counts handled events, and tells when all are.
#[derive(Default)]
struct Counted {
    handled: AtomicUsize,
    all: Notify,
}

fn handler(counted: &Arc<Counted>) -> Handler {
    let counted = Arc::clone(counted);
    BoxCloneSyncService::new(tower::service_fn(move |_: Delivery| {
        let counted = Arc::clone(&counted);
        async move {
            if counted.handled.fetch_add(1, Ordering::Relaxed) + 1 == EVENTS {
                counted.all.notify_one();
            }
            Ok(Outcome::Handled)
        }
    }))
}

fn event(round: usize, number: usize) -> Delivery {
    let mut header = EventHeader::new("testing.bench_v1");
    header.app_id = Some("cli_a1b2c3d4e5f60718".to_owned());
    header.event_id = Some(format!("{round}-{number}"));
    header.tenant_key = Some(format!("tenant {}", number % 1_000));
    Delivery::new(header, RawJson::default())
}

/// Acknowledges each event and handles it in a task of its own: what is possible without an inbox.
fn tasks(handler: Handler) -> Handler {
    let running = Arc::new(Semaphore::new(WORKERS));
    BoxCloneSyncService::new(tower::service_fn(move |delivery: Delivery| {
        let (running, handler) = (Arc::clone(&running), handler.clone());
        async move {
            tokio::spawn(async move {
                let _running = running.acquire().await;
                handler.oneshot(delivery).await
            });
            Ok(Outcome::Handled)
        }
    }))
}

/// Sends all events of a round. Returns the time per event until the last is handled.
async fn pass<S>(service: S, counted: &Counted, round: usize) -> Result<Duration, BoxError>
where
    S: Service<Delivery, Response = Outcome, Error = BoxError, Future: Send>
        + Clone
        + Send
        + 'static,
{
    let batches: Vec<Vec<_>> = (0..SENDERS)
        .map(|sender| (sender..EVENTS).step_by(SENDERS))
        .map(|numbers| numbers.map(|number| event(round, number)).collect())
        .collect();
    let began = Instant::now();
    let mut senders = JoinSet::new();
    for batch in batches {
        let service = service.clone();
        senders.spawn(async move {
            for delivery in batch {
                service.clone().oneshot(delivery).await?;
            }
            Ok::<(), BoxError>(())
        });
    }
    for sent in senders.join_all().await {
        sent?;
    }
    counted.all.notified().await;
    Ok(began.elapsed() / u32::try_from(EVENTS)?)
}

/// One round through an inbox on a new store in memory.
async fn inbox(
    set: fn(InboxBuilder) -> InboxBuilder,
    handler: Handler,
    counted: &Counted,
    round: usize,
) -> Result<Duration, BoxError> {
    let store = VolatileStore::builder().max_events(2 * EVENTS).build()?;
    let builder = set(Inbox::builder(Arc::new(store)).workers(WORKERS));
    let inbox = builder.build(handler)?;
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = inbox.clone();
    let worked = tokio::spawn(async move {
        let shutdown = async { stopped.await.unwrap_or_default() };
        worker.run(shutdown).await
    });
    while inbox.monitor().status().await?.worker_seen.is_none() {
        tokio::task::yield_now().await;
    }
    let took = pass(inbox, counted, round).await;
    drop(stop);
    worked.await??;
    took
}

async fn measure(name: &str, round: usize) -> Result<Duration, BoxError> {
    let counted = Arc::new(Counted::default());
    let handler = handler(&counted);
    match name {
        "a task for each event" => pass(tasks(handler), &counted, round).await,
        "the same, de-duplicated" => {
            let service = DedupLayer::new().layer(tasks(handler));
            pass(service, &counted, round).await
        }
        "inbox in memory" => inbox(|builder| builder, handler, &counted, round).await,
        _ => inbox(InboxBuilder::lane_by_tenant, handler, &counted, round).await,
    }
}

const ROWS: [&str; 4] = [
    "a task for each event",
    "the same, de-duplicated",
    "inbox in memory",
    "the same, 1,000 lanes",
];

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), BoxError> {
    // The parts that are named, or all.
    let parts: Vec<_> = std::env::args().skip(1).collect();
    let runs = |part: &str| parts.is_empty() || parts.iter().any(|named| named == part);
    // First, while the process is small.
    if runs("size") {
        println!("in memory");
        memory::run().await?;
    }
    if runs("tasks") {
        tasks_and_inboxes().await?;
    }
    #[cfg(feature = "sqlite")]
    {
        if runs("latency") {
            println!("\nin memory");
            let store = || Arc::new(VolatileStore::new());
            latency::run(store(), store()).await?;
        }
        println!("\na file of SQLite");
        let files = sqlite::Files::new()?;
        if runs("latency") {
            let store = async || files.open(&files.place()).await.map(Arc::new);
            latency::run(store().await?, store().await?).await?;
        }
        if runs("handled") {
            stores::handled(&files).await?;
        }
        if runs("store") {
            stores::run(&files).await?;
        }
        if runs("size") {
            files.sizes().await?;
        }
    }
    Ok(())
}

async fn tasks_and_inboxes() -> Result<(), BoxError> {
    let mut times = BTreeMap::<usize, Vec<Duration>>::new();
    for round in 0..ROUNDS {
        for (row, name) in ROWS.iter().enumerate() {
            let took = measure(name, round).await?;
            times.entry(row).or_default().push(took);
        }
    }
    let floor = median(&mut times, 1);
    println!(
        "\n{EVENTS} events from {SENDERS} senders, {WORKERS} workers, median of {ROUNDS} rounds\n"
    );
    println!("| | per event | events/s | of the de-duplicated tasks |");
    println!("| --- | ---: | ---: | ---: |");
    for (row, name) in ROWS.iter().enumerate() {
        let time = median(&mut times, row);
        let (nanos, ratio) = (time.as_nanos(), time.as_secs_f64() / floor.as_secs_f64());
        println!(
            "| {name} | {nanos} ns | {:.0} | {ratio:.2} |",
            1.0 / time.as_secs_f64()
        );
    }
    Ok(())
}

fn median(times: &mut BTreeMap<usize, Vec<Duration>>, row: usize) -> Duration {
    let times = times.entry(row).or_default();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
