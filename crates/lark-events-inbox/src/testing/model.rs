//! Any sequence of calls on a store, compared with a model of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::sleep;

use super::{LONG, LONGER, SHORT, assert_status, claim, employ, entry, id, ids, settle};
use crate::store::{Appended, Claimed, Settled, Status, Store};

/// One call of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Appends an event with this number, in one of the lanes.
    Append {
        /// The number, which is also the key.
        id: u64,
        /// The number of the lane.
        lane: Option<u8>,
    },
    /// Claims events.
    Claim {
        /// How many.
        max: usize,
    },
    /// Claims events, and lets their leases end.
    ClaimAndDie {
        /// How many.
        max: usize,
    },
    /// Settles a claim, held or lost.
    Settle {
        /// Which, counted round.
        claim: usize,
        /// How.
        settled: Settled,
    },
    /// Extends a claim, held or lost.
    Extend {
        /// Which, counted round.
        claim: usize,
    },
}

/// A strategy for sequences of up to `max` calls, with few numbers and lanes, so that calls affect each other.
pub fn calls(max: usize) -> impl Strategy<Value = Vec<Call>> {
    let now = Duration::ZERO;
    let settled = prop_oneof![
        4 => Just(Settled::Done),
        1 => Just(Settled::Dead),
        2 => Just(Settled::RetryIn(now)),
        1 => Just(Settled::RetryIn(LONG)),
        1 => Just(Settled::Release(now)),
        1 => Just(Settled::SetAside(now)),
    ];
    let lane = proptest::option::weighted(0.8, 0..4_u8);
    let call = prop_oneof![
        6 => (0..40_u64, lane).prop_map(|(id, lane)| Call::Append { id, lane }),
        4 => (1..5_usize).prop_map(|max| Call::Claim { max }),
        1 => (1..3_usize).prop_map(|max| Call::ClaimAndDie { max }),
        5 => (0..8_usize, settled).prop_map(|(claim, settled)| Call::Settle { claim, settled }),
        1 => (0..8_usize).prop_map(|claim| Call::Extend { claim }),
    ];
    proptest::collection::vec(call, 0..max)
}

/// What a store must hold after the calls so far.
#[derive(Debug, Default)]
pub struct Model {
    /// The events that are not finished, by their place in the order of appends.
    tasks: BTreeMap<u64, Task>,
    /// The numbers that the store knows.
    known: BTreeSet<u64>,
    dead: BTreeSet<u64>,
    appended: u64,
    /// All claims, the lost ones too.
    claims: Vec<Claimed>,
    /// Which claims are held, by the event's number.
    held: BTreeMap<u64, usize>,
    /// The order in which the events of each lane were finished or given up.
    left: BTreeMap<u8, Vec<u64>>,
}

#[derive(Debug)]
struct Task {
    id: u64,
    lane: Option<u8>,
    attempt: u32,
    is_visible: bool,
}

impl Model {
    /// Plays the calls on an empty store and on a model. Then it handles all events that are left, and checks that
    /// none is missing.
    ///
    /// # Panics
    ///
    /// When store and model differ.
    pub async fn play<S: Store>(store: Arc<S>, calls: &[Call]) {
        let mut model = Self::default();
        employ(&*store).await;
        for &call in calls {
            model.call(&*store, call).await;
            model.compare(&*store).await;
        }
        model.finish(&*store).await;
    }

    async fn call(&mut self, store: &impl Store, call: Call) {
        match call {
            Call::Append { id, lane } => self.append(store, id, lane).await,
            Call::Claim { max } => self.claim(store, max, LONG).await,
            Call::ClaimAndDie { max } => {
                let before = self.claims.len();
                self.claim(store, max, SHORT).await;
                // A claim whose lease has ended is held until the event is claimed again, unless the store cannot
                // tell whether it was.
                sleep(LONGER).await;
                if !store.capabilities().fences {
                    self.held.retain(|_, claim| *claim < before);
                }
            }
            Call::Settle { claim, settled } => self.settle(store, claim, settled).await,
            Call::Extend { claim } => {
                if let Some(claim) = self.round(claim) {
                    let fence = self.claims[claim].fence;
                    let held = self.is_held(claim);
                    assert_eq!(store.extend(&[fence], LONG).await.unwrap(), [held]);
                    let id = id(&self.claims[claim]);
                    let task = self.tasks.values_mut().find(|task| task.id == id);
                    if let Some(task) = task.filter(|_| held) {
                        task.is_visible = false;
                    }
                }
            }
        }
    }

    async fn append(&mut self, store: &impl Store, id: u64, lane: Option<u8>) {
        let name = lane.map(|lane| format!("lane {lane}"));
        let appended = store
            .append(vec![entry(id, name.as_deref())])
            .await
            .unwrap();
        if !self.known.insert(id) {
            assert_eq!(appended, [Appended::Duplicate], "event {id}");
            return;
        }
        assert_eq!(appended, [Appended::New], "event {id}");
        self.appended += 1;
        let task = Task {
            id,
            lane,
            attempt: 0,
            is_visible: true,
        };
        self.tasks.insert(self.appended, task);
    }

    /// The events that can be claimed: visible, and the first of their lane.
    fn claimable(&self) -> BTreeSet<u64> {
        let mut seen = BTreeSet::new();
        let heads = self.tasks.values().filter(|task| match task.lane {
            Some(lane) => seen.insert(lane),
            None => true,
        });
        heads
            .filter(|task| task.is_visible)
            .map(|task| task.id)
            .collect()
    }

    async fn claim(&mut self, store: &impl Store, max: usize, lease: Duration) {
        let claimable = self.claimable();
        let claimed = claim(store, max, max.min(claimable.len()), lease).await;
        let distinct: BTreeSet<_> = ids(&claimed).into_iter().collect();
        assert_eq!(distinct.len(), claimed.len(), "claimed twice: {distinct:?}");
        for one in claimed {
            let id = id(&one);
            assert!(
                claimable.contains(&id),
                "event {id} is none of {claimable:?}"
            );
            let task = self.tasks.values_mut().find(|task| task.id == id).unwrap();
            task.attempt += 1;
            task.is_visible = false;
            assert_eq!(one.attempt, task.attempt, "event {id}");
            self.held.insert(id, self.claims.len());
            self.claims.push(one);
            if lease == SHORT {
                task.is_visible = true;
            }
        }
    }

    fn round(&self, claim: usize) -> Option<usize> {
        claim.checked_rem(self.claims.len())
    }

    fn is_held(&self, claim: usize) -> bool {
        self.held.get(&id(&self.claims[claim])) == Some(&claim)
    }

    async fn settle(&mut self, store: &impl Store, claim: usize, settled: Settled) {
        let Some(claim) = self.round(claim) else {
            return;
        };
        let held = self.is_held(claim);
        assert_eq!(settle(store, &self.claims[claim], settled).await, held);
        if !held {
            return;
        }
        let id = id(&self.claims[claim]);
        self.held.remove(&id);
        let (&place, task) = self
            .tasks
            .iter_mut()
            .find(|(_, task)| task.id == id)
            .unwrap();
        match settled {
            Settled::Done | Settled::Dead => {
                let task = self.tasks.remove(&place).unwrap();
                if let Some(lane) = task.lane {
                    self.left.entry(lane).or_default().push(place);
                }
                if settled == Settled::Dead {
                    self.dead.insert(id);
                }
            }
            Settled::RetryIn(delay) => task.is_visible = delay.is_zero(),
            Settled::Release(_) => {
                task.attempt -= 1;
                task.is_visible = true;
            }
            Settled::SetAside(_) => {
                task.attempt -= 1;
                task.is_visible = true;
                task.lane = None;
            }
        }
    }

    async fn compare(&self, store: &impl Store) {
        let counts = |status: &Status| {
            let undone = status.ready + status.waiting + status.leased;
            (undone, status.ready, status.dead)
        };
        let expected = (self.tasks.len(), self.claimable().len(), self.dead.len());
        let expected = (expected.0 as u64, expected.1 as u64, expected.2 as u64);
        assert_status(store, counts, expected).await;
    }

    /// Handles everything that is not finished, and looks at the order of each lane.
    async fn finish(mut self, store: &impl Store) {
        for claim in 0..self.claims.len() {
            if self.is_held(claim) {
                self.settle(store, claim, Settled::Release(Duration::ZERO))
                    .await;
            }
        }
        // What waits for the time of a retry holds up its lane.
        let stuck = |model: &Self| model.claimable().is_empty();
        while !stuck(&self) {
            let before = self.claims.len();
            self.claim(store, 3, LONG).await;
            for claim in before..self.claims.len() {
                self.settle(store, claim, Settled::Done).await;
            }
            self.compare(store).await;
        }
        for (lane, left) in &self.left {
            assert!(left.is_sorted(), "lane {lane} was handled as {left:?}");
        }
    }
}
