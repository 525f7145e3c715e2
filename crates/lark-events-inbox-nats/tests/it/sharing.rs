//! Two stores that share the partitions of a stream, as two processes do: each handles some of the events, whichever
//! comes and goes, and each lane stays in order.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use lark_events::{BoxError, Delivery, Outcome};
use lark_events_inbox::{Entry, Inbox, Store};
use lark_events_inbox_nats::{NatsStore, NatsStoreBuilder};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::app::{SECOND, Worked, event, running};
use crate::server::{builder, server};

const LANES: usize = 24;
/// The events of each lane in each of three parts of the test.
const EVENTS: usize = 10;
const PATIENCE: Duration = Duration::from_secs(60);

/// What the workers have handled, in order, with the worker's name.
#[derive(Default)]
struct Handled {
    all: Mutex<Vec<(&'static str, String)>>,
    /// The number of different events.
    changed: watch::Sender<usize>,
}

impl Handled {
    fn add(&self, worker: &'static str, id: String) {
        let mut all = self.all.lock().unwrap();
        let is_new = !all.iter().any(|(_, handled)| *handled == id);
        all.push((worker, id));
        self.changed
            .send_modify(|handled| *handled += usize::from(is_new));
    }

    /// Waits until so many different events are handled.
    async fn are(&self, count: usize) {
        let mut changed = self.changed.subscribe();
        let handled = timeout(PATIENCE, changed.wait_for(|handled| *handled >= count)).await;
        assert!(handled.is_ok(), "{:?}", self.all.lock().unwrap());
    }

    /// The events of a worker from some place on.
    fn of(&self, worker: &str, from: usize) -> usize {
        let all = self.all.lock().unwrap();
        all[from..].iter().filter(|(by, _)| *by == worker).count()
    }
}

type Service = tower::util::BoxCloneSyncService<Delivery, Outcome, BoxError>;

/// A worker with a store of its own.
async fn worker(
    name: &'static str,
    builder: &NatsStoreBuilder,
    handled: &Arc<Handled>,
) -> Worked<Service> {
    let store = builder.clone().connect().await.unwrap();
    let handled = Arc::clone(handled);
    let service = tower::service_fn(move |delivery: Delivery| {
        let handled = Arc::clone(&handled);
        async move {
            // Long enough for another worker to connect and take its share.
            sleep(Duration::from_millis(20)).await;
            handled.add(name, delivery.header.event_id.unwrap_or_default());
            Ok(Outcome::Handled)
        }
    });
    let inbox = Inbox::builder(Arc::new(store) as Arc<dyn Store>);
    let inbox = inbox.lane_by_tenant().workers(4).lease(10 * SECOND);
    running(inbox, Service::new(service)).await
}

/// Appends some events to each lane.
async fn append(store: &NatsStore, part: usize) {
    for number in 0..EVENTS {
        let entries = (0..LANES).map(|lane| {
            let id = format!("{lane}: {}", part * EVENTS + number);
            let mut entry = Entry::new(event(None, id));
            entry.lane = Some(format!("lane {lane}"));
            entry
        });
        store.append(entries.collect()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_stores_share_the_partitions_as_workers_come_and_go() {
    let Some(server) = server("two stores on one stream of NATS") else {
        return;
    };
    let builder = builder(server.url()).partitions(16);
    let builder = builder.ack_wait(NatsStore::MIN_ACK_WAIT);
    let store = builder.clone().connect().await.unwrap();
    let handled = Arc::new(Handled::default());
    let part = LANES * EVENTS;

    // One that comes later gets a share.
    append(&store, 0).await;
    let first = worker("first", &builder, &handled).await;
    handled.are(part / 10).await;
    let second = worker("second", &builder, &handled).await;
    handled.are(part).await;
    assert!(handled.of("second", 0) > 0, "the second starves");

    // Both that wait get a share.
    append(&store, 1).await;
    handled.are(2 * part).await;
    for one in ["first", "second"] {
        let share = handled.of(one, part);
        assert!(share >= part / 20, "{one} handles {share} of {part}");
    }

    // The other handles the rest of one that stops, and of one that dies.
    append(&store, 2).await;
    handled.are(2 * part + part / 10).await;
    first.stop().await.unwrap();
    let third = worker("third", &builder, &handled).await;
    second.kill();
    handled.are(3 * part).await;
    third.stop().await.unwrap();

    // In order: an event of the dead worker may be handled again.
    let mut lanes = HashMap::<String, Vec<usize>>::new();
    for (_, id) in handled.all.lock().unwrap().iter() {
        let (lane, number) = id.split_once(": ").unwrap();
        let lane = lanes.entry(lane.to_owned()).or_default();
        let number = number.parse().unwrap();
        if !lane.contains(&number) {
            lane.push(number);
        }
    }
    assert_eq!(lanes.len(), LANES);
    for (lane, numbers) in lanes {
        assert!(
            numbers.iter().copied().eq(0..3 * EVENTS),
            "{lane}: {numbers:?}"
        );
    }
}
