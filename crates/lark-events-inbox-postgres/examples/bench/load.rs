//! Loads that last: events at a fixed rate from two processes, a deep lane, and a transaction that is held open.

use std::env;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use lark_events::{BoxError, Delivery, Outcome};
use lark_events_inbox::{AttemptOutcome, Entry, Fence, Inbox, Settled, Settlement, Store};
use lark_events_inbox_postgres::PostgresStore;
use tokio::process::Command;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt as _};

use super::Schemas;
use super::stores::{Engine as _, event, nothing, quantile};

const URL: &str = "BENCH_URL";
const SCHEMA: &str = "BENCH_SCHEMA";
const FIRST: &str = "BENCH_FIRST";
/// The events of each second from each process.
const RATE: usize = 500;
const SECONDS: usize = 15;
/// Far from each other's numbers.
const APART: usize = 1_000_000;

/// Whether this is one of the two processes.
pub(crate) fn is_sender() -> bool {
    env::var_os(FIRST).is_some()
}

/// Passes an event that was due at a time. Returns how long after it the event was acknowledged.
async fn pass<S>(service: S, delivery: Delivery, due: Instant) -> Result<Duration, BoxError>
where
    S: Service<Delivery, Response = Outcome, Error = BoxError>,
{
    service.oneshot(delivery).await?;
    Ok(due.elapsed())
}

/// Sends events at a fixed rate. Prints the time until each was acknowledged, in microseconds.
pub(crate) async fn send() -> Result<(), BoxError> {
    let store = PostgresStore::builder(env::var(URL)?).schema(env::var(SCHEMA)?);
    let first: usize = env::var(FIRST)?.parse()?;
    let builder = Inbox::builder(Arc::new(store.connect().await?)).lane_by_tenant();
    let receiver = builder.receiver(nothing())?;
    let mut ticks = interval(Duration::from_secs(1) / u32::try_from(RATE)?);
    // Events that are late are sent at once, so that a pause of the server counts in full.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut sending = JoinSet::new();
    for number in 0..RATE * SECONDS {
        let due = ticks.tick().await;
        let receiver = receiver.clone();
        sending.spawn(pass(receiver, event(first + number), due.into_std()));
    }
    for took in sending.join_all().await {
        println!("{}", took?.as_micros());
    }
    Ok(())
}

/// The acknowledgements of two processes, while a third handles what they append.
pub(crate) async fn two_processes(engine: &Schemas) -> Result<(), BoxError> {
    let schema = engine.place();
    let store = engine.open(&schema).await?;
    let handler = tower::service_fn(async |_| Ok::<_, BoxError>(Outcome::Handled));
    let worker = Inbox::builder(Arc::new(store)).lane_by_tenant();
    let worker = worker.worker(BoxCloneSyncService::new(handler))?;
    let (stop, stopped) = oneshot::channel::<()>();
    let worked = tokio::spawn(async move {
        let shutdown = async { stopped.await.unwrap_or_default() };
        worker.run(shutdown).await
    });
    let start = |process: usize| {
        let mut command = Command::new(env::current_exe()?);
        command
            .env(URL, engine.server.url())
            .env(SCHEMA, &schema)
            .env(FIRST, (process * APART).to_string())
            .stdout(Stdio::piped());
        Ok::<_, BoxError>(command.spawn()?.wait_with_output())
    };
    let (first, second) = (start(1)?, start(2)?);
    let (first, second) = tokio::try_join!(first, second)?;
    drop(stop);
    worked.await??;
    let mut times = Vec::new();
    for output in [first, second] {
        if !output.status.success() {
            return Err("a process that sends failed".into());
        }
        for micros in String::from_utf8(output.stdout)?.lines() {
            times.push(Duration::from_micros(micros.parse()?));
        }
    }
    let (p50, p99) = (quantile(&mut times, 0.5), quantile(&mut times, 0.99));
    println!(
        "| acknowledgement, {} events/s from two processes | {p50:.1?} | {p99:.1?} |",
        2 * RATE
    );
    Ok(())
}

const DEEP: usize = 100_000;
const CLAIMS: usize = 500;

fn handled(fence: Fence) -> Settlement {
    Settlement::new(fence, Settled::Done, AttemptOutcome::Handled)
}

async fn fill(
    store: &PostgresStore,
    lane: &str,
    events: std::ops::Range<usize>,
) -> Result<(), BoxError> {
    let mut entries = events.map(|number| {
        let mut entry = Entry::new(event(number));
        entry.lane = Some(lane.to_owned());
        entry
    });
    loop {
        let batch: Vec<_> = entries.by_ref().take(2_000).collect();
        if batch.is_empty() {
            return Ok(());
        }
        store.append(batch).await?;
    }
}

/// Claims and settles event by event of one lane.
pub(crate) async fn deep_lane(engine: &Schemas) -> Result<(), BoxError> {
    for depth in [2 * CLAIMS, DEEP] {
        let store = engine.open(&engine.place()).await?;
        fill(&store, "deep", 0..depth).await?;
        let mut times = Vec::with_capacity(CLAIMS);
        for _ in 0..CLAIMS {
            let began = Instant::now();
            for claimed in store.claim(1, Duration::from_hours(1)).await? {
                store.settle(vec![handled(claimed.fence)]).await?;
            }
            times.push(began.elapsed());
        }
        let (p50, p99) = (quantile(&mut times, 0.5), quantile(&mut times, 0.99));
        println!("| claim and settlement in a lane {depth} deep | {p50:.1?} | {p99:.1?} |");
    }
    Ok(())
}

/// The seconds for which the transaction is held.
const HELD: &str = "HELD_SECONDS";
const DEFAULT_HELD: u64 = 120;
const BEFORE: u64 = 15;
const SENDERS: usize = 64;
const MAX_WAITING: u64 = 2_000;

/// Sends events while fewer than some thousands wait, or the queue would grow.
async fn stream<S>(
    service: S,
    sender: usize,
    handled: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
) -> Result<(), BoxError>
where
    S: Service<Delivery, Response = Outcome, Error = BoxError> + Clone,
{
    let mut sent = 0;
    while !is_over.load(Ordering::Relaxed) {
        if handled.load(Ordering::Relaxed) + MAX_WAITING < (sent * SENDERS) as u64 {
            tokio::time::sleep(Duration::from_millis(2)).await;
            continue;
        }
        service
            .clone()
            .oneshot(event(sender + SENDERS * sent))
            .await?;
        sent += 1;
    }
    Ok(())
}

/// Events that pass through while a transaction holds a snapshot, which keeps all dead rows.
pub(crate) async fn held_transaction(engine: &Schemas) -> Result<(), BoxError> {
    let held = env::var(HELD).map_or(Ok(DEFAULT_HELD), |seconds| seconds.parse())?;
    let schema = engine.place();
    let handled = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&handled);
    let handler = tower::service_fn(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        std::future::ready(Ok::<_, BoxError>(Outcome::Handled))
    });
    let open = async || Ok::<_, BoxError>(Arc::new(engine.open(&schema).await?));
    let worker = Inbox::builder(open().await?).lane_by_tenant();
    let worker = worker.worker(BoxCloneSyncService::new(handler))?;
    let receiver = Inbox::builder(open().await?)
        .lane_by_tenant()
        .receiver(nothing())?;
    let (stop, stopped) = oneshot::channel::<()>();
    let worked = tokio::spawn(async move {
        let shutdown = async { stopped.await.unwrap_or_default() };
        worker.run(shutdown).await
    });
    let is_over = Arc::new(AtomicBool::new(false));
    let mut sending = JoinSet::new();
    for sender in 0..SENDERS {
        let (receiver, is_over) = (receiver.clone(), Arc::clone(&is_over));
        sending.spawn(stream(receiver, sender, Arc::clone(&handled), is_over));
    }
    let rate = async |seconds: u64| {
        let (before, began) = (handled.load(Ordering::Relaxed), Instant::now());
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let passed = handled.load(Ordering::Relaxed) - before;
        passed as f64 / began.elapsed().as_secs_f64()
    };
    rate(3).await;
    let before = rate(BEFORE).await;
    let (client, connection) =
        tokio_postgres::connect(&engine.server.url(), tokio_postgres::NoTls).await?;
    let connection = tokio::spawn(connection);
    client
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        .await?;
    rate(held.saturating_sub(BEFORE)).await;
    let during = rate(BEFORE).await;
    client.batch_execute("ROLLBACK").await?;
    drop(client);
    connection.await??;
    // The server looks for dead rows once a minute.
    rate(75).await;
    let after = rate(BEFORE).await;
    is_over.store(true, Ordering::Relaxed);
    for sent in sending.join_all().await {
        sent?;
    }
    drop(stop);
    worked.await??;
    println!(
        "\nevents/s through the inbox before, at the end of {held} s with a transaction held open, and after: \
         {before:.0}, {during:.0} ({:.2}), {after:.0} ({:.2})",
        during / before,
        after / before
    );
    Ok(())
}
