//! The memory of a store in memory, and of events that are being handled.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lark_events::{BoxError, Delivery, Outcome};
use lark_events_inbox::{
    AttemptOutcome, Entry, Inbox, Settled, Settlement, Store, VolatileStore, WorkerId, WorkerState,
};
use tokio::sync::oneshot;
use tower::util::BoxCloneSyncService;

use super::sizes::{self, resident};
use super::stores::event;

/// Enough for all events of a part.
const MAX_BYTES: usize = 1 << 30;
const RUNNING: usize = 10_000;
const KEYS: usize = 500_000;
const BATCH: usize = 1_000;

/// Prints the sizes of a store in memory.
pub(crate) async fn run() -> Result<(), BoxError> {
    running().await?;
    keys().await?;
    let store = VolatileStore::builder().max_events(200_000);
    let store = Arc::new(store.max_bytes(MAX_BYTES).build()?);
    sizes::run(store, async || resident()).await
}

/// The memory of a handler that runs, with its event.
async fn running() -> Result<(), BoxError> {
    let store = VolatileStore::builder().max_events(RUNNING);
    let store: Arc<dyn Store> = Arc::new(store.max_bytes(MAX_BYTES).build()?);
    sizes::append(&store, RUNNING, |builder| builder).await?;
    let before = resident()?;
    let called = Arc::new(AtomicUsize::new(0));
    let calls = Arc::clone(&called);
    let handler = BoxCloneSyncService::new(tower::service_fn(move |_: Delivery| {
        calls.fetch_add(1, Ordering::Relaxed);
        std::future::pending::<Result<Outcome, BoxError>>()
    }));
    let worker = Inbox::builder(store).workers(RUNNING).worker(handler)?;
    let (stop, stopped) = oneshot::channel::<()>();
    let worked = tokio::spawn(async move {
        let shutdown = async { stopped.await.unwrap_or_default() };
        worker.run(shutdown).await
    });
    while called.load(Ordering::Relaxed) < RUNNING {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let grown = resident()?.saturating_sub(before);
    println!("\nbytes of a handler that runs: {}", grown / RUNNING as u64);
    worked.abort();
    drop((stop, worked.await));
    Ok(())
}

/// The memory of a key that a store in memory remembers after its event is finished.
async fn keys() -> Result<(), BoxError> {
    let remembered = NonZeroUsize::MIN.saturating_add(2 * KEYS);
    let store = VolatileStore::builder().remembered(remembered).build()?;
    store
        .heartbeat(WorkerId::draw(), WorkerState::Running)
        .await?;
    finish(&store, 0..BATCH).await?;
    let before = resident()?;
    for first in (BATCH..KEYS + BATCH).step_by(BATCH) {
        finish(&store, first..first + BATCH).await?;
    }
    let grown = resident()?.saturating_sub(before);
    println!("bytes of a key that is remembered: {}", grown / KEYS as u64);
    Ok(())
}

/// Stores events and finishes them.
async fn finish(store: &VolatileStore, numbers: Range<usize>) -> Result<(), BoxError> {
    let (lease, count) = (Duration::from_secs(60), numbers.len());
    let entries = numbers.map(|number| {
        let delivery = event(number);
        let mut entry = Entry::new(delivery);
        entry.key = Some(format!(
            "cli_a1b2c3d4e5f60718:testing.bench_v1:{number:032}"
        ));
        entry
    });
    store.append(entries.collect()).await?;
    let claimed = Store::claim(store, count, lease).await?.into_iter();
    let done = |fence| Settlement::new(fence, Settled::Done, AttemptOutcome::Handled);
    store
        .settle(claimed.map(|claimed| done(claimed.fence)).collect())
        .await?;
    Ok(())
}
