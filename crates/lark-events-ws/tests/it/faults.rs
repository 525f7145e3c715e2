//! Rounds of faults in a long connection, one alone or two at once, while events arrive and handlers
//! fail. An acknowledged event was handled, every event is acknowledged in the end and only once, and the
//! connection comes back and ends at a shutdown.
//!
//! A round that fails prints its seed. `FAULT_SEED` repeats its choices, except for the jitter of the
//! connection itself. `FAULT_ROUNDS` sets the number of rounds.

use std::collections::HashMap;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use lark_events::{Dispatcher, Event, LateHandler, RawJson};
use lark_events_sim::{ClientConfig, Document, Fault, Platform, ProtocolViolationKind};
use lark_events_ws::ConnectError;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::support::{Client, platform, to};

const ROUNDS: u64 = 2_000;
const EVENTS: usize = 4;
/// How long handlers may take to finish at a shutdown, and how much longer the end may take then.
const DRAIN: Duration = Duration::from_secs(5);
const AFTER_DRAIN: Duration = Duration::from_secs(3);
/// How often an event is delivered again: for longer than any outage here.
const REDELIVERIES: [Duration; 40] = [Duration::from_secs(5); 40];
/// By then a round has long been over, or never will be.
const PATIENCE: Duration = Duration::from_hours(1);

/// The kinds of faults that a long connection can have, each made with a value of its own.
const KINDS: [fn(&mut Rng) -> Fault; 23] = [
    |_| Fault::LoseEvent,
    |_| Fault::LoseAnswer,
    |rng| Fault::Delay(below(rng, 4_000)),
    |rng| Fault::Duplicate(below(rng, 4_000)),
    |_| Fault::Reorder,
    |_| Fault::GarbageFrame,
    |_| Fault::ShuffleFragments,
    |rng| Fault::SpreadFragments(below(rng, 900)),
    |_| Fault::LoseFragment,
    |_| Fault::RepeatFragment,
    |_| Fault::Disconnect,
    |_| Fault::Close,
    |_| Fault::HalfOpen,
    |_| Fault::AcceptHalfOpen,
    |rng| Fault::Endpoint(one_of(rng, [0, 1, 1_000_040_343])),
    |rng| Fault::EndpointStatus(one_of(rng, [200, 302, 404, 503])),
    |_| Fault::EndpointSilent,
    |rng| Fault::RefuseUpgrade(one_of(rng, [500, 514]), one_of(rng, [0, 1])),
    |rng| Fault::UpgradeStatus(one_of(rng, [200, 302, 404, 503])),
    |_| Fault::UpgradeSilent,
    // No retry helps against these.
    |rng| Fault::Endpoint(one_of(rng, [-1, 1_000_040_345, 1_000_040_350])),
    |_| Fault::RefuseUpgrade(403, 0),
    |_| Fault::RefuseUpgrade(514, 1_000_040_350),
];
/// From here on they happen to those that connect.
const CONNECTING: usize = 13;
/// From here on they end the run of a connection.
const FATAL: usize = 20;

fn below(rng: &mut Rng, ms: u64) -> Duration {
    Duration::from_millis(rng.u64(..ms))
}

fn one_of<T, const N: usize>(rng: &mut Rng, values: [T; N]) -> T {
    rng.choice(values).expect("there are some")
}

/// What the first handler of an event does; all others succeed at once.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Act {
    Succeed,
    TakeTime,
    BeLate,
    Fail,
    Panic,
    Hang,
    /// It hangs, and panics when it is cancelled.
    HangAndPanic,
}

/// Panics without output, as there are hundreds.
fn panic() -> ! {
    resume_unwind(Box::new("a planned panic"))
}

struct Explosive;

impl Drop for Explosive {
    fn drop(&mut self) {
        panic();
    }
}

#[derive(Serialize, Deserialize)]
struct Order {
    act: Act,
    padding: String,
}

/// How often the handlers of each event began and succeeded.
#[derive(Default)]
struct Ledger(Mutex<HashMap<String, (usize, usize)>>);

impl Ledger {
    fn begin(&self, event_id: &str) -> usize {
        let mut events = self.0.lock().unwrap();
        let (began, _) = events.entry(event_id.to_owned()).or_default();
        *began += 1;
        *began
    }

    /// A handler is about to return its success.
    fn succeed(&self, event_id: &str) {
        self.0.lock().unwrap().get_mut(event_id).unwrap().1 += 1;
    }

    fn successes(&self, event_id: &str) -> usize {
        let events = self.0.lock().unwrap();
        events.get(event_id).map_or(0, |(_, successes)| *successes)
    }
}

fn dispatcher(ledger: &Arc<Ledger>) -> Dispatcher {
    let ledger = Arc::clone(ledger);
    let handler = move |event: Event<RawJson>| {
        let ledger = Arc::clone(&ledger);
        async move {
            let (event_id, order) = (event.header.event_id.unwrap(), event.body.decode::<Order>());
            let order = order.map_err(|_| "the event came mangled")?;
            let first = ledger.begin(&event_id) == 1;
            match order.act {
                Act::TakeTime if first => sleep(Duration::from_secs(1)).await,
                Act::BeLate if first => sleep(Duration::from_secs(4)).await,
                Act::Fail if first => return Err("a planned failure"),
                Act::Panic if first => panic(),
                Act::Hang if first => std::future::pending().await,
                Act::HangAndPanic if first => {
                    let _explosive = Explosive;
                    std::future::pending::<()>().await;
                }
                _ => {}
            }
            ledger.succeed(&event_id);
            Ok(())
        }
    };
    Dispatcher::builder()
        .on_raw("order_v1", handler)
        .build()
        .unwrap()
}

/// What a seed makes of a round: every kind of fault in turn, alone and then with another.
#[derive(Debug)]
struct Round {
    seed: u64,
    kinds: Vec<usize>,
    faults: Vec<Fault>,
    rng: Rng,
}

impl Round {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let all = KINDS.len() as u64;
        let mut kinds = vec![(seed % all) as usize];
        if seed / all % 2 == 1 {
            kinds.push(rng.usize(..KINDS.len()));
        }
        Self {
            seed,
            faults: kinds.iter().map(|kind| KINDS[*kind](&mut rng)).collect(),
            kinds,
            rng,
        }
    }

    fn any_from(&self, first: usize) -> bool {
        self.kinds.iter().any(|kind| *kind >= first)
    }

    fn order(&mut self, number: usize) -> Document {
        let acts = [
            Act::Succeed,
            Act::Succeed,
            Act::TakeTime,
            Act::BeLate,
            Act::Fail,
            Act::Panic,
            Act::Hang,
            Act::HangAndPanic,
        ];
        let act = one_of(&mut self.rng, acts);
        // The first comes in fragments, for the faults that need some.
        let bytes = if number == 0 || self.rng.bool() {
            2_000
        } else {
            0
        };
        let padding = "x".repeat(bytes);
        Document::v2("order_v1", &Order { act, padding }).unwrap()
    }

    /// Runs it, and says which kinds of faults have struck.
    async fn run(mut self) -> Vec<usize> {
        let platform = platform()
            .fragment_above(400)
            .redeliver_after(REDELIVERIES)
            .client_config(
                ClientConfig::default()
                    .reconnect_nonce(1)
                    .reconnect_interval(1)
                    .ping_interval(5),
            )
            .seed(self.seed);
        let platform = Arc::new(platform.start().await.unwrap());
        let ledger = Arc::new(Ledger::default());
        let late = one_of(&mut self.rng, [LateHandler::Finish, LateHandler::Cancel]);
        let start = || {
            let connection = to(&platform).late(late).drain_timeout(DRAIN);
            Client::start(connection, dispatcher(&ledger))
        };

        let mut client = start();
        if self.rng.bool() {
            platform.until(|stats| stats.upgrades > 0).await;
        }
        for fault in &self.faults {
            platform.inject(*fault);
        }
        let mut pushed = JoinSet::new();
        for number in 0..EVENTS {
            sleep(below(&mut self.rng, 1_500)).await;
            pushed.spawn(platform.push(self.order(number)));
        }
        match self.rng.u8(..3) {
            0 if !self.any_from(CONNECTING) => {}
            1 => platform.close_connections(),
            _ => platform.disconnect(),
        }
        // A deployment, in the middle of it all.
        if self.rng.bool() {
            sleep(below(&mut self.rng, 6_000)).await;
            self.end(client).await;
            client = start();
        }
        loop {
            tokio::select! {
                report = pushed.join_next() => match report {
                    Some(report) => assert!(report.unwrap().acknowledged(), "an event is lost"),
                    None => break,
                },
                ended = &mut client.task => {
                    self.judge(ended.unwrap());
                    client = start();
                }
            }
        }

        // All is well again.
        let left = platform.clear_faults();
        if client.task.is_finished() {
            self.judge(client.task.await.unwrap());
            client = start();
        }
        let act = Act::Succeed;
        let padding = String::new();
        let order = Document::v2("order_v1", &Order { act, padding }).unwrap();
        assert!(platform.push(order).await.acknowledged());
        self.end(client).await;
        self.check(&platform, &ledger);
        let platform = Arc::into_inner(platform).expect("nobody else holds the platform");
        platform.shutdown().await;
        let struck = |(kind, fault)| (!left.contains(fault)).then_some(kind);
        self.kinds
            .into_iter()
            .zip(&self.faults)
            .filter_map(struck)
            .collect()
    }

    /// Ends a connection, within the time that it may take.
    async fn end(&self, mut client: Client) {
        let asked = Instant::now();
        // A fatal fault may have been faster.
        if !client.task.is_finished() {
            client.shut_down();
        }
        let ended = timeout(PATIENCE, client.task).await;
        self.judge(ended.expect("the connection has not ended").unwrap());
        let took = asked.elapsed();
        assert!(took <= DRAIN + AFTER_DRAIN, "the end took {took:?}");
        let stats = client.monitor.stats();
        let answered = stats.acked + stats.failed + stats.unsent;
        assert_eq!((stats.events, stats.running), (answered, 0), "{stats:?}");
    }

    /// A run ends by itself for a fatal fault only.
    fn judge(&self, ended: Result<(), ConnectError>) {
        if let Err(error) = ended {
            assert!(error.is_fatal() && self.any_from(FATAL), "{error}");
        }
    }

    fn check(&self, platform: &Platform, ledger: &Ledger) {
        // An event without a message id is one of the kinds of garbage: its answer has none either.
        let mut violations = platform.violations();
        violations.retain(|violation| violation.kind != ProtocolViolationKind::NoMessageId);
        assert_eq!(violations, []);
        let mut acked = HashMap::<_, usize>::new();
        for ack in platform.acks().into_iter().filter(|ack| ack.code == 200) {
            *acked.entry(ack.event_id).or_default() += 1;
        }
        for (event_id, acks) in acked {
            let successes = ledger.successes(&event_id);
            assert!(acks <= successes, "{acks} acks, {successes} successes");
        }
    }
}

/// Tells what was going on when a round fails.
struct Telling(String);

impl Drop for Telling {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the round that failed: {}", self.0);
        }
    }
}

fn setting(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().expect("a setting that is a number"))
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_nothing_is_lost_or_said_wrongly_and_the_end_comes_in_time() {
    let (only, began) = (setting("FAULT_SEED"), std::time::Instant::now());
    let rounds = only.map_or_else(|| setting("FAULT_ROUNDS").unwrap_or(ROUNDS), |_| 1);
    let first = only.unwrap_or_else(|| fastrand::u64(..u64::MAX / 2));
    let alive = || Handle::current().metrics().num_alive_tasks();
    let mut struck = [0; KINDS.len()];
    for seed in first..first + rounds {
        let round = Round::new(seed);
        let _telling = Telling(format!("FAULT_SEED={seed} {:?}", round.faults));
        let before = alive();
        let kinds = timeout(PATIENCE, round.run()).await;
        for kind in kinds.expect("the round does not end") {
            struck[kind] += 1;
        }
        assert_eq!(alive(), before, "tasks are left over");
    }
    println!(
        "{rounds} rounds in {:?}; of each kind struck: {struck:?}",
        began.elapsed()
    );
    let all = rounds >= 2 * KINDS.len() as u64;
    assert!(!all || struck.iter().all(|count| *count > 0), "{struck:?}");
}
