//! Measures the times of one event at a time, each sent when the one before has been settled: what an event
//! waits for where nothing is busy.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lark_events::{BoxError, Delivery, Outcome};
use lark_events_inbox::{AttemptOutcome, Entry, Inbox, Settled, Settlement, Store};
use lark_events_inbox::{WorkerId, WorkerState};
use tokio::sync::{mpsc, oneshot};
use tower::util::BoxCloneSyncService;
use tower::{ServiceExt as _, service_fn};

use super::stores::{event, nothing, quantile};

const EVENTS: usize = 1_000;
/// Longer than a claim and a settlement, so that the next event finds an idle inbox.
const PAUSE: Duration = Duration::from_millis(2);
const LEASE: Duration = Duration::from_mins(1);

/// The times of one step.
struct Step {
    name: &'static str,
    times: Vec<Duration>,
}

impl Step {
    fn new(name: &'static str) -> Self {
        let times = Vec::with_capacity(EVENTS);
        Self { name, times }
    }

    fn add(&mut self, began: Instant) {
        self.times.push(began.elapsed());
    }
}

/// Measures each call to the store by itself, and then whole inboxes. Both get a store of their own.
pub(crate) async fn run(calls: Arc<dyn Store>, whole: Arc<dyn Store>) -> Result<(), BoxError> {
    // Two tasks, as the requests of a server are.
    let steps = tokio::spawn(of_calls(calls)).await??;
    let steps = steps
        .into_iter()
        .chain(tokio::spawn(of_an_inbox(whole)).await??);
    println!("\none event at a time\n");
    println!("| | p50 | p99 |");
    println!("| --- | ---: | ---: |");
    for Step { name, mut times } in steps {
        let (p50, p99) = (quantile(&mut times, 0.5), quantile(&mut times, 0.99));
        println!("| {name} | {p50:.1?} | {p99:.1?} |");
    }
    Ok(())
}

async fn of_calls(store: Arc<dyn Store>) -> Result<Vec<Step>, BoxError> {
    let mut append = Step::new("append");
    let mut claim = Step::new("claim");
    let mut settle = Step::new("settle");
    // A store in memory accepts no events without a worker.
    store
        .heartbeat(WorkerId::draw(), WorkerState::Running)
        .await?;
    for number in 0..EVENTS {
        let entry = Entry::new(event(number));
        let began = Instant::now();
        store.append(vec![entry]).await?;
        append.add(began);
        let began = Instant::now();
        let claimed = store.claim(1, LEASE).await?;
        claim.add(began);
        let claimed = claimed.first().ok_or("the event was not claimed")?;
        let done = Settlement::new(claimed.fence, Settled::Done, AttemptOutcome::Handled);
        let began = Instant::now();
        store.settle(vec![done]).await?;
        settle.add(began);
        tokio::time::sleep(PAUSE).await;
    }
    Ok(vec![append, claim, settle])
}

async fn of_an_inbox(store: Arc<dyn Store>) -> Result<Vec<Step>, BoxError> {
    let mut acknowledged = Step::new("acknowledged");
    let mut from_append = Step::new("arrival to the start of the handler");
    let mut from_commit = Step::new("acknowledgement to the start of the handler");
    let (starts, mut started) = mpsc::unbounded_channel();
    let handler = BoxCloneSyncService::new(service_fn(move |_: Delivery| {
        let _ = starts.send(Instant::now());
        std::future::ready(Ok::<_, BoxError>(Outcome::Handled))
    }));
    let worker = Inbox::worker(Arc::clone(&store), handler)?;
    let receiver = Inbox::receiver(Arc::clone(&store), nothing())?;
    let receiver = BoxCloneSyncService::new(receiver);
    let (stop, stopped) = oneshot::channel::<()>();
    let worked = tokio::spawn(async move {
        let shutdown = async { stopped.await.unwrap_or_default() };
        worker.run(shutdown).await
    });
    while store.status().await?.workers == 0 {
        tokio::time::sleep(PAUSE).await;
    }
    for number in 0..EVENTS {
        let (receiver, delivery) = (receiver.clone(), event(number));
        let arrived = Instant::now();
        let queued = receiver.oneshot(delivery).await;
        let answered = Instant::now();
        queued.map_err(|error| error.to_string())?;
        let start = started.recv().await.ok_or("the worker has ended")?;
        acknowledged.times.push(answered.duration_since(arrived));
        from_append.times.push(start.duration_since(arrived));
        let waited = start.saturating_duration_since(answered);
        from_commit.times.push(waited);
        tokio::time::sleep(PAUSE).await;
    }
    drop(stop);
    worked.await??;
    Ok(vec![acknowledged, from_append, from_commit])
}
