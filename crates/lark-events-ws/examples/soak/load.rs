//! What the platform does all the while: events, callbacks, and everything that can go wrong.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use lark_events::RawJson;
use lark_events_sim::{Document, Fault, Platform};
use serde_json::json;
use tokio::task::JoinSet;
use vc_events::ReserveConfigUpdatedV1;

use crate::app::{CALLBACK, LARGE, Large};
use crate::ledger::{Act, Ledger, Plan};
use crate::settings::{EVENTS_PER_TICK, LARGE_BYTES, MAX_OPEN, TICK};

/// Callbacks a second.
const CALLBACKS: f64 = 2.0;
/// How often all connections are lost at once, per second.
const LOSE_ALL: f64 = 1.0 / 60.0;
/// How often a connection is lost, per second: every second time what comes next is not smooth
/// either.
const DISCONNECT: f64 = 1.0 / 3.0;

/// More than the 4096 ended messages that the platform remembers.
const WARM_UP_EVENTS: usize = 5000;
/// As many as are open after five seconds without a connection: memory that was needed once stays
/// resident, and such a time may come after the mark only.
const WARM_UP_AT_ONCE: usize = 1000;
/// Handled at once.
const PROMPT: Plan = Plan {
    first: Act::Succeed(Duration::ZERO),
    first_runs: 0,
    then: Act::Succeed(Duration::ZERO),
};

/// What happens to events, and how often per second.
const FAULTS: [(f64, Fault); 12] = [
    (2.0, Fault::GarbageFrame),
    (4.0, Fault::ShuffleFragments),
    (2.0, Fault::RepeatFragment),
    (1.0, Fault::LoseFragment),
    (1.0, Fault::LoseEvent),
    (2.0, Fault::LoseAnswer),
    (1.0, Fault::Delay(Duration::from_millis(300))),
    (1.0, Fault::Duplicate(Duration::ZERO)),
    (1.0, Fault::Duplicate(Duration::from_millis(700))),
    (1.0, Fault::Reorder),
    (1.0 / 20.0, Fault::HalfOpen),
    (1.0 / 40.0, Fault::AcceptHalfOpen),
];

/// What happens on the way to a connection. None of it is fatal.
const CONNECTING_FAULTS: [Fault; 7] = [
    Fault::Endpoint(1),
    Fault::Endpoint(1_000_040_343),
    Fault::EndpointStatus(503),
    Fault::EndpointStatus(200),
    Fault::RefuseUpgrade(514, 0),
    Fault::RefuseUpgrade(514, 1),
    Fault::RefuseUpgrade(500, 0),
];

pub(crate) struct Load {
    platform: Arc<Platform>,
    ledger: Arc<Ledger>,
    rng: Rng,
    pushed: usize,
    /// What was pushed and has not come to its end.
    open: JoinSet<()>,
}

impl Load {
    pub(crate) fn new(platform: Arc<Platform>, ledger: Arc<Ledger>, seed: u64) -> Self {
        Self {
            platform,
            ledger,
            rng: Rng::with_seed(seed),
            pushed: 0,
            open: JoinSet::new(),
        }
    }

    /// Has the platform remember as many ended messages as it ever does, so that its memory does
    /// not grow by that later.
    pub(crate) async fn warm_up(&mut self) {
        for _ in 0..WARM_UP_EVENTS {
            self.push_event(PROMPT);
            if self.open.len() >= WARM_UP_AT_ONCE {
                self.open.join_next().await;
            }
        }
        self.end().await;
    }

    /// What a tick brings.
    pub(crate) fn tick(&mut self) {
        self.go_wrong();
        for _ in 0..EVENTS_PER_TICK {
            let plan = self.plan();
            self.push_event(plan);
        }
        if self.happens(CALLBACKS) {
            self.push_callback();
        }
        while let Some(ended) = self.open.try_join_next() {
            ended.expect("settling does not panic");
        }
    }

    /// How many pushes have not come to their end.
    pub(crate) fn open(&self) -> usize {
        self.open.len()
    }

    /// Waits for all pushes to come to their end.
    pub(crate) async fn end(&mut self) {
        self.platform.clear_faults();
        while let Some(ended) = self.open.join_next().await {
            ended.expect("settling does not panic");
        }
    }

    fn happens(&mut self, per_second: f64) -> bool {
        self.rng.f64() < per_second * TICK.as_secs_f64()
    }

    fn go_wrong(&mut self) {
        for (per_second, fault) in FAULTS {
            if self.happens(per_second) {
                self.platform.inject(fault);
            }
        }
        if self.happens(DISCONNECT) {
            if self.rng.bool() {
                let fault = self.rng.choice(CONNECTING_FAULTS);
                self.platform.inject(fault.expect("there are some"));
            }
            self.platform.inject(Fault::Disconnect);
        }
        if self.happens(LOSE_ALL) {
            self.platform.disconnect();
        }
    }

    fn push_event(&mut self, plan: Plan) {
        if self.open.len() >= MAX_OPEN {
            self.ledger.figures.held_back.one();
            return;
        }
        self.pushed += 1;
        let event_id = format!("soak-{}", self.pushed);
        let document = if self.rng.u8(..10) == 0 {
            let body = Large::new(self.pushed, self.rng.usize(LARGE_BYTES));
            Document::v2(LARGE, &body).expect("a string and a number can be written")
        } else {
            Document::sample::<ReserveConfigUpdatedV1>()
        };
        self.ledger.push(&event_id, plan);
        let push = self.platform.push(document.event_id(&event_id));
        let ledger = Arc::clone(&self.ledger);
        self.open.spawn(async move { ledger.settle(&push.await) });
    }

    fn plan(&mut self) -> Plan {
        let rng = &mut self.rng;
        let slow = rng.u8(..10) == 0;
        let takes = if slow { rng.u64(50..900) } else { rng.u64(..5) };
        let then = Act::Succeed(Duration::from_millis(takes));
        let (first, first_runs) = match rng.u8(..100) {
            // Some are never handled.
            0 => (Act::Fail, u32::MAX),
            1..4 => (Act::Fail, rng.u32(1..4)),
            4..6 => (Act::Panic, rng.u32(1..4)),
            6..8 => (Act::BeLate, 1),
            8 => (Act::Hang, 1),
            _ => (then, 0),
        };
        Plan {
            first,
            first_runs,
            then,
        }
    }

    fn push_callback(&mut self) {
        self.ledger.figures.callbacks.one();
        let body = json!({"order": self.rng.u64(..)});
        let expected = RawJson::encode(&body).expect("a number can be written");
        let document = Document::v2(CALLBACK, &body).expect("a number can be written");
        let push = self.platform.push_callback(document);
        let ledger = Arc::clone(&self.ledger);
        let settling = async move { ledger.settle_callback(&expected, push.await) };
        self.open.spawn(settling);
    }
}
