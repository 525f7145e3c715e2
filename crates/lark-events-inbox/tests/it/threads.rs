//! Many threads at once: the events of a lane start in the order of their calls, and each acknowledged event
//! is handled, dead or counted as lost, whenever a shutdown comes.
//!
//! `THREADS_SEED` repeats the choices of a test that failed, but not how threads interleave.

use std::hash::{BuildHasher as _, RandomState};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use lark_events::{BoxError, Delivery, Outcome};
use lark_events_inbox::{Inbox, InboxError, VolatileStore};
use tokio::task::{JoinSet, yield_now};
use tokio::time::{sleep, timeout};
use tower::{Service as _, service_fn};

use crate::app::{Worked, event, running};

/// Any wait that takes longer is for something that will never happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// Choices, whose seed a failed test has printed.
fn choices() -> Rng {
    let seed = std::env::var("THREADS_SEED").ok();
    let seed = seed.map_or_else(
        || RandomState::new().hash_one(()),
        |seed| seed.parse().unwrap(),
    );
    println!("seed {seed}");
    Rng::with_seed(seed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn each_lane_starts_in_order_and_a_shutdown_counts_each_acknowledged_event_that_is_left() {
    const EVENTS: usize = 200;
    // Each fifth event has no lane. Two appends run at once, so only events of one lane have an order.
    const LANES: [Option<&str>; 5] = [Some("a"), Some("b"), Some("c"), Some("d"), None];

    let mut choices = choices();
    let mut left_in_all = 0;
    for round in 0..40 {
        let started: Arc<Mutex<Vec<usize>>> = Arc::default();
        let handled = Arc::new(AtomicU64::new(0));
        let (record, rng) = (Arc::clone(&started), Arc::new(Mutex::new(choices.fork())));
        let counted = Arc::clone(&handled);
        let handler = service_fn(move |delivery: Delivery| {
            let id = delivery.header.event_id.unwrap();
            record.lock().unwrap().push(id.parse().unwrap());
            let choice = rng.lock().unwrap().u8(..8);
            let handled = Arc::clone(&counted);
            async move {
                match choice {
                    0 => return Err::<_, BoxError>("a failure".into()),
                    1 => resume_unwind(Box::new("a panic without a line on stderr")),
                    2 => sleep(Duration::from_micros(300)).await,
                    _ => yield_now().await,
                }
                handled.fetch_add(1, Ordering::Relaxed);
                Ok(Outcome::Handled)
            }
        });
        // Some shutdowns have no time, and some have as much as they need.
        let within = Duration::from_micros(choices.u64(..2_000));
        let within = if choices.bool() { within } else { PATIENCE };
        let store = VolatileStore::builder().max_events(100).build().unwrap();
        let builder = Inbox::builder(Arc::new(store)).workers(3).attempts(1);
        let builder = builder.lane_by_tenant();
        let worked = running(builder.drain_timeout(within), handler).await;
        let inbox = worked.inbox.clone();
        while inbox
            .monitor()
            .status()
            .await
            .unwrap()
            .worker_seen
            .is_none()
        {
            yield_now().await;
        }
        // Called and written down at once, so that the order of the calls is known.
        let calling = Arc::new(Mutex::new((inbox.clone(), 0)));
        let stopped_at = choices.usize(..EVENTS);
        let (mut pushes, mut stopping) = (JoinSet::new(), None);
        let mut worked = Some(worked);
        for id in 0..EVENTS {
            let called = Arc::clone(&calling);
            pushes.spawn(async move {
                let (call, place) = {
                    let (service, calls) = &mut *called.lock().unwrap();
                    *calls += 1;
                    (service.call(event(LANES[id % LANES.len()], id)), *calls)
                };
                call.await.is_ok().then_some((place, id))
            });
            if id == stopped_at {
                stopping = worked.take().map(Worked::begin_stop);
            }
        }
        let stopped = timeout(PATIENCE, stopping.unwrap()).await.unwrap();
        let at_the_end = started.lock().unwrap().len();
        let stopped: Result<(), InboxError> = stopped.unwrap();
        let acknowledged = timeout(PATIENCE, pushes.join_all()).await.unwrap();
        let mut acknowledged: Vec<_> = acknowledged.into_iter().flatten().collect();
        acknowledged.sort_unstable();
        let acknowledged: Vec<_> = acknowledged.into_iter().map(|(_, id)| id).collect();

        let status = inbox.monitor().status().await.unwrap();
        let left = status.ready + status.waiting + status.leased;
        let counted = handled.load(Ordering::Relaxed) + status.dead + left;
        assert_eq!(counted, acknowledged.len() as u64, "round {round}");
        let lost = stopped.map_or_else(|error| error.left(), |()| 0);
        assert_eq!(lost, left, "round {round}");
        let started = started.lock().unwrap();
        assert_eq!(started.len(), at_the_end, "round {round}: after the end");
        for (lane, name) in LANES.iter().enumerate() {
            let of_lane = |ids: &[usize]| -> Vec<usize> {
                let ids = ids.iter().copied();
                ids.filter(|id| id % LANES.len() == lane).collect()
            };
            let (mut started, mut acknowledged) = (of_lane(&started), of_lane(&acknowledged));
            if name.is_none() {
                acknowledged.retain(|id| started.contains(id));
                started.sort_unstable();
                acknowledged.sort_unstable();
            }
            let begin = &acknowledged[..started.len()];
            assert_eq!(started, begin, "round {round}, lane {name:?}");
        }
        left_in_all += left;
    }
    println!("{left_in_all} left");
    assert!(left_in_all > 0);
}
