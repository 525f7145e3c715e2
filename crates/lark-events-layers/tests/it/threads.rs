//! Many threads at once: whatever is delivered twice, given up, fails or panics meanwhile, no event is
//! handled twice after a success, none is forgotten, and no place is left taken.
//!
//! What threads may do to the turns by key is tried in all orders beside the code; here the layers and
//! the service are whole. `THREADS_SEED` repeats the choices of a test that failed, but not what threads
//! make of them.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use lark_events::{BoxError, Delivery, Dispatcher, Outcome};
use lark_events_layers::{DedupLayer, InOrderLayer};
use lark_events_tower::EventService;
use tokio::sync::{Semaphore, TryAcquireError};
use tokio::task::{JoinSet, yield_now};
use tokio::time::timeout;
use tower::{Service, ServiceBuilder};

use crate::passing::{delivery, pass};
use crate::support::{post, status, webhook};

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

/// What handlers did, and everything that they should not have.
#[derive(Default)]
struct Handled {
    running: HashSet<String>,
    succeeded: HashSet<String>,
    started: Vec<String>,
    wrong: Vec<String>,
}

/// That of one tenant's event, from its start to its end, however it ends.
struct Handling {
    handled: Arc<Mutex<Handled>>,
    tenant: String,
}

impl Handling {
    fn start(handled: &Arc<Mutex<Handled>>, delivery: &Delivery) -> Self {
        let header = &delivery.header;
        let [tenant, id] = [&header.tenant_key, &header.event_id].map(|it| it.as_ref().unwrap());
        let mut all = handled.lock().unwrap();
        if !all.running.insert(tenant.clone()) {
            all.wrong.push(format!("two of {tenant} at once"));
        }
        if all.succeeded.contains(id) {
            all.wrong.push(format!("{id} after its success"));
        }
        all.started.push(id.clone());
        drop(all);
        Self {
            handled: Arc::clone(handled),
            tenant: tenant.clone(),
        }
    }
}

impl Drop for Handling {
    fn drop(&mut self) {
        self.handled.lock().unwrap().running.remove(&self.tenant);
    }
}

/// Takes a moment, and by choice fails, panics or hangs, until it is `calm`.
async fn handle(
    handled: Arc<Mutex<Handled>>,
    delivery: Delivery,
    mut choices: Rng,
    calm: bool,
) -> Result<Outcome, BoxError> {
    let handling = Handling::start(&handled, &delivery);
    for _ in 0..choices.u8(..4) {
        yield_now().await;
    }
    match choices.u8(..32) {
        0..4 if !calm => return Err("a failure".into()),
        4..8 if !calm => resume_unwind(Box::new("a panic without a line on stderr")),
        8 if !calm => std::future::pending().await,
        _ => {}
    }
    let id = delivery.header.event_id.unwrap();
    handled.lock().unwrap().succeeded.insert(id);
    drop(handling);
    Ok(Outcome::Handled)
}

fn of_tenant(tenant: usize, id: String) -> Delivery {
    let mut delivery = delivery("x_v1", &id);
    delivery.header.tenant_key = Some(tenant.to_string());
    delivery
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn whoever_gives_up_fails_or_panics_no_event_runs_twice_and_no_place_is_left_taken() {
    const TENANTS: usize = 12;
    const EVENTS: usize = 60;
    const DELIVERIES: usize = 5;
    const LIMIT: usize = 6;

    let mut choices = choices();
    let handled: Arc<Mutex<Handled>> = Arc::default();
    let calm = Arc::new(AtomicBool::new(false));
    let handler = {
        let (handled, calm) = (Arc::clone(&handled), Arc::clone(&calm));
        let rng = Arc::new(Mutex::new(choices.fork()));
        tower::service_fn(move |delivery| {
            let choices = rng.lock().unwrap().fork();
            let calm = calm.load(Ordering::Relaxed);
            handle(Arc::clone(&handled), delivery, choices, calm)
        })
    };
    let in_order = InOrderLayer::builder().max_waiting_per_key(1_000);
    let in_order = in_order.max_waiting(1_000).build().unwrap();
    let dedup = DedupLayer::new();
    let service = ServiceBuilder::new()
        .layer(dedup.clone())
        .layer(in_order.clone())
        .concurrency_limit(LIMIT)
        .service(handler);

    let mut deliveries: Vec<_> = (0..TENANTS * EVENTS * DELIVERIES)
        .map(|number| (number % TENANTS, number % (TENANTS * EVENTS)))
        .collect();
    choices.shuffle(&mut deliveries);
    let mut tasks = JoinSet::new();
    for (tenant, id) in deliveries {
        let (mut service, gives_up) = (service.clone(), choices.u8(..4));
        let within = Duration::from_micros(choices.u64(..100_000));
        tasks.spawn(async move {
            let passing = service.call(of_tenant(tenant, id.to_string()));
            match gives_up {
                0 => drop(passing),
                // What hangs ends by this.
                _ => drop(timeout(within, passing).await),
            }
        });
        if choices.u8(..64) == 0 {
            yield_now().await;
        }
    }
    let all = async { while tasks.join_next().await.is_some() {} };
    timeout(PATIENCE, all).await.unwrap();
    timeout(PATIENCE, dedup.settled()).await.unwrap();
    assert_eq!((in_order.stats().keys, in_order.stats().waiting), (0, 0));

    // Every event once more: whatever was lost of turns, claims and permits would now be missing.
    calm.store(true, Ordering::Relaxed);
    let before = handled.lock().unwrap().succeeded.len();
    let mut tasks = JoinSet::new();
    for id in 0..TENANTS * EVENTS {
        let service = service.clone();
        let delivery = of_tenant(id % TENANTS, id.to_string());
        tasks.spawn(async move { pass(&service, delivery).await.map_err(|e| e.to_string()) });
    }
    let ended = timeout(PATIENCE, tasks.join_all()).await.unwrap();
    assert!(ended.iter().all(|one| *one == Ok(Outcome::Handled)));
    assert_eq!((in_order.stats().keys, in_order.stats().waiting), (0, 0));

    let all = handled.lock().unwrap();
    assert_eq!(all.wrong, Vec::<String>::new());
    assert_eq!(all.succeeded.len(), TENANTS * EVENTS);
    assert!(all.running.is_empty());
    // All of it did happen: successes before the end, and attempts that were none.
    println!("{before} before, {} started", all.started.len());
    assert!(before > 0 && all.started.len() > all.succeeded.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_drain_among_requests_leaves_no_handler_running_and_starts_none() {
    const REQUESTS: usize = 48;

    let (mut choices, request) = (choices(), post("x_v1"));
    let mut answers: HashMap<u16, usize> = HashMap::new();
    for round in 0..200 {
        // Those in there have started and not ended.
        let inside = Arc::new(Semaphore::new(REQUESTS));
        let entered = Arc::clone(&inside);
        let dispatcher = Dispatcher::builder().on_raw("x_v1", move |_| {
            let place = Arc::clone(&entered).try_acquire_owned();
            async move {
                let _place = place?;
                yield_now().await;
                Ok::<_, TryAcquireError>(())
            }
        });
        let service = EventService::new(webhook(), dispatcher.build().unwrap());
        let drained_at = choices.usize(..REQUESTS);
        let (mut tasks, mut drain) = (JoinSet::new(), None);
        for number in 0..REQUESTS {
            let (served, request) = (service.clone(), request.clone());
            tasks.spawn(async move { status(&served, request).await });
            if number == drained_at {
                let (service, inside) = (service.clone(), Arc::clone(&inside));
                drain = Some(tokio::spawn(async move {
                    let drained = service.drain(PATIENCE).await;
                    // A request from now on would fail with 500.
                    inside.close();
                    (drained.is_ok(), inside.available_permits())
                }));
            }
        }
        let drained = timeout(PATIENCE, drain.unwrap()).await.unwrap();
        assert_eq!(drained.unwrap(), (true, REQUESTS), "round {round}");
        for status in timeout(PATIENCE, tasks.join_all()).await.unwrap() {
            assert!(matches!(status, 200 | 503), "{status} in round {round}");
            *answers.entry(status).or_default() += 1;
        }
    }
    println!("{answers:?}");
    assert_eq!(answers.len(), 2, "some before the drain, and some after");
}
