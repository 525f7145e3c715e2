//! The bytes of an event in a store, and the processor time that it takes: the figures of `docs/guide/sizing.md`.
//! Linux counts both in `/proc`.

use std::collections::HashMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use lark_events::{BoxError, Delivery, Outcome};
use lark_events_inbox::{Inbox, InboxBuilder, Store, WorkerId, WorkerState};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt as _};

use super::stores::{event, nothing};

const EVENTS: usize = 40_000;
const SENDERS: usize = 256;
/// The ticks of a second in `/proc`.
const TICKS: f64 = 100.0;

/// Stores events, then handles them. Prints the rate, the processor time and the bytes of both.
pub(crate) async fn run(
    store: Arc<dyn Store>,
    bytes: impl AsyncFn() -> Result<u64, BoxError>,
) -> Result<(), BoxError> {
    let before = bytes().await?;
    let document = event(0).to_document().len();
    println!("\n{EVENTS} events of {document} bytes, {SENDERS} senders, 16 workers\n");
    println!("| | events/s | app, µs per event | servers, µs per event | bytes per event |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    let began = Spent::now()?;
    append(&store, EVENTS, InboxBuilder::lane_by_tenant).await?;
    let spent = began.until_now()?;
    spent.print("stored", bytes().await?.saturating_sub(before));
    let began = Spent::now()?;
    handle(&store, EVENTS).await?;
    let spent = began.until_now()?;
    spent.print("handled", bytes().await?.saturating_sub(before));
    Ok(())
}

/// Appends events, in the lanes that are set.
pub(crate) async fn append(
    store: &Arc<dyn Store>,
    events: usize,
    set: fn(InboxBuilder) -> InboxBuilder,
) -> Result<(), BoxError> {
    // A store in memory takes no events before there is a worker.
    let worker = WorkerId::draw();
    store.heartbeat(worker, WorkerState::Running).await?;
    let receiver = set(Inbox::builder(Arc::clone(store))).receiver(nothing())?;
    let mut sending = JoinSet::new();
    for sender in 0..SENDERS {
        let numbers = (sender..events).step_by(SENDERS);
        sending.spawn(send(receiver.clone(), numbers));
    }
    for sent in sending.join_all().await {
        sent?;
    }
    Ok(())
}

async fn send<S>(service: S, numbers: impl Iterator<Item = usize>) -> Result<(), BoxError>
where
    S: Service<Delivery, Response = Outcome, Error = BoxError> + Clone,
{
    for number in numbers {
        service.clone().oneshot(event(number)).await?;
    }
    Ok(())
}

/// Handles events until so many are.
async fn handle(store: &Arc<dyn Store>, events: usize) -> Result<(), BoxError> {
    let (handled, all) = (AtomicUsize::new(0), Arc::new(Notify::new()));
    let (counted, notified) = (Arc::new(handled), Arc::clone(&all));
    let handler = BoxCloneSyncService::new(tower::service_fn(move |_: Delivery| {
        if counted.fetch_add(1, Ordering::Relaxed) + 1 == events {
            notified.notify_one();
        }
        std::future::ready(Ok::<_, BoxError>(Outcome::Handled))
    }));
    let worker = Inbox::builder(Arc::clone(store)).lane_by_tenant();
    let worker = worker.worker(handler)?;
    let (stop, stopped) = oneshot::channel::<()>();
    let worked = tokio::spawn(async move {
        let shutdown = async { stopped.await.unwrap_or_default() };
        worker.run(shutdown).await
    });
    all.notified().await;
    drop(stop);
    Ok(worked.await??)
}

/// What has been spent until a moment, in seconds.
struct Spent {
    at: Instant,
    app: f64,
    servers: f64,
}

/// What was spent in between, in seconds.
struct Used {
    time: f64,
    app: f64,
    servers: f64,
}

impl Spent {
    fn now() -> Result<Self, BoxError> {
        let (app, servers) = processor()?;
        Ok(Self {
            at: Instant::now(),
            app,
            servers,
        })
    }

    fn until_now(self) -> Result<Used, BoxError> {
        let time = self.at.elapsed().as_secs_f64();
        let now = Self::now()?;
        Ok(Used {
            time,
            app: now.app - self.app,
            servers: now.servers - self.servers,
        })
    }
}

impl Used {
    /// Prints it for each event.
    fn print(&self, name: &str, bytes: u64) {
        let events = EVENTS as f64;
        println!(
            "| {name} | {:.0} | {:.1} | {:.1} | {:.0} |",
            events / self.time,
            self.app * 1e6 / events,
            self.servers * 1e6 / events,
            bytes as f64 / events,
        );
    }
}

/// The processor time in seconds, of this process and of those that it has started.
fn processor() -> Result<(f64, f64), BoxError> {
    let own = std::process::id();
    let mut processes = HashMap::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // A process may end meanwhile.
        let Some(read) = fs::read_to_string(format!("/proc/{id}/stat")).ok() else {
            continue;
        };
        processes.extend(parsed(&read).map(|process| (id, process)));
    }
    let app = processes.get(&own).map_or(0.0, |process| process.time);
    let is_server = |mut id: u32| {
        while let Some(process) = processes.get(&id) {
            if process.parent == own {
                return true;
            }
            id = process.parent;
        }
        false
    };
    let servers = processes.iter().filter(|(id, _)| is_server(**id));
    let servers = servers.map(|(_, process)| process.time + process.ended);
    Ok((app, servers.sum()))
}

struct Process {
    parent: u32,
    time: f64,
    /// The time of its children that have ended.
    ended: f64,
}

fn parsed(stat: &str) -> Option<Process> {
    // The name, in parentheses, may contain anything.
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some(Process {
        parent: fields.get(1)?.parse().ok()?,
        time: (ticks(11)? + ticks(12)?) / TICKS,
        ended: (ticks(13)? + ticks(14)?) / TICKS,
    })
}

/// The memory of this process, in bytes.
pub(crate) fn resident() -> Result<u64, BoxError> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    let kilobytes: u64 = number.ok_or("no VmRSS in /proc/self/status")?.parse()?;
    Ok(kilobytes * 1024)
}
