//! The checks that every store passes, for tests of a store of your own.
//!
//! [`conforms`] checks the contract of [`Store`] call by call, and [`conforms_for_operators`] checks the lists and
//! counts of an `Admin`. [`Model`] plays a sequence of calls on a store and on a model, and compares the results:
//!
//! ```
//! use std::sync::Arc;
//!
//! use lark_events_inbox::VolatileStore;
//! use lark_events_inbox::testing::{Call, Model, conforms};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?.block_on(async {
//! conforms(async || Arc::new(VolatileStore::new())).await;
//!
//! let append = Call::Append { id: 1, lane: Some(0) };
//! let calls = [append, append, Call::Claim { max: 2 }];
//! Model::play(Arc::new(VolatileStore::new()), &calls).await;
//! # });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! All functions panic where a store breaks the contract.

#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a check fails by panicking"
)]

mod contract;
#[doc(hidden)]
pub mod first_pages;
mod model;
mod operators;

use std::fmt::Debug;
use std::panic::Location;
use std::time::Duration;

use lark_events::{Delivery, EventHeader, RawJson};

use tokio::time::sleep;

pub use self::contract::conforms;
pub use self::model::{Call, Model, calls};
pub use self::operators::conforms_for_operators;
use crate::store::{
    AttemptOutcome, Claimed, Entry, Settled, Settlement, Status, Store, WorkerId, WorkerState,
};

/// Longer than any test takes.
const LONG: Duration = Duration::from_hours(1);
/// Over soon.
const SHORT: Duration = Duration::from_millis(20);
/// The looks at a status until it is the expected one.
const MAX_LOOKS: usize = 50;
/// The claims without an event after which there is none.
const MAX_CLAIMS: usize = 5;
/// Longer than [`SHORT`], for stores with clocks of their own.
const LONGER: Duration = Duration::from_millis(60);

/// An entry with a key of its own, named by its number.
fn entry(id: u64, lane: Option<&str>) -> Entry {
    let mut header = EventHeader::new("testing.contract_v1");
    header.event_id = Some(id.to_string());
    header.app_id = Some("cli_testing".to_owned());
    header.tenant_key = Some("tenant".to_owned());
    let body = RawJson::parse(format!(r#"{{"id": {id}, "odd": 1e400}}"#)).unwrap();
    let mut entry = Entry::new(Delivery::new(header, body));
    entry.key = Some(format!("cli_testing:testing.contract_v1:{id}"));
    entry.kept = LONG;
    entry.lane = lane.map(ToOwned::to_owned);
    entry
}

/// The number of an event.
fn id(claimed: &Claimed) -> u64 {
    let id = claimed.entry.delivery.header.event_id.as_deref();
    id.unwrap().parse().unwrap()
}

fn ids(claimed: &[Claimed]) -> Vec<u64> {
    claimed.iter().map(id).collect()
}

/// Claims up to `max` events, and asserts that there are `expected` ones. A claim of a store on servers may miss an event
/// that has just come: the next one finds it.
#[track_caller]
fn claim(
    store: &impl Store,
    max: usize,
    expected: usize,
    lease: Duration,
) -> impl Future<Output = Vec<Claimed>> {
    let check = Location::caller();
    async move {
        let mut claimed = store.claim(max, lease).await.unwrap();
        let mut tries = 0;
        while claimed.len() < expected && tries < MAX_CLAIMS {
            let more = store.claim(max - claimed.len(), lease).await.unwrap();
            if more.is_empty() {
                tries += 1;
                // A short lease would end meanwhile.
                if lease == LONG || claimed.is_empty() {
                    sleep(SHORT).await;
                }
            }
            claimed.extend(more);
        }
        if lease == LONG && claimed.len() < max {
            // An event that should not be there.
            claimed.extend(store.claim(max - claimed.len(), lease).await.unwrap());
        }
        let ids = ids(&claimed);
        assert_eq!(claimed.len(), expected, "claimed {ids:?} at {check}");
        claimed
    }
}

/// Asserts that there is nothing to claim, and that nothing comes late.
#[track_caller]
fn assert_none(store: &impl Store) -> impl Future<Output = ()> {
    let check = Location::caller();
    async move {
        for _ in 0..=MAX_CLAIMS {
            let claimed = ids(&store.claim(8, LONG).await.unwrap());
            assert!(claimed.is_empty(), "claimed {claimed:?} at {check}");
            sleep(SHORT).await;
        }
    }
}

/// Settles one claim.
async fn settle(store: &impl Store, claimed: &Claimed, settled: Settled) -> bool {
    let outcome = match settled {
        Settled::Done => AttemptOutcome::Handled,
        _ => AttemptOutcome::Failed,
    };
    let mut settlement = Settlement::new(claimed.fence, settled, outcome);
    if outcome == AttemptOutcome::Failed {
        settlement.error = Some("a failure's own text".to_owned());
    }
    let settled = store.settle(vec![settlement]).await.unwrap();
    assert_eq!(settled.len(), 1);
    settled[0]
}

/// Waits until a fact of the status is the expected one, and asserts that it is: the status of a store on servers may
/// lag a moment behind its events.
async fn assert_status<T: PartialEq + Debug>(
    store: &impl Store,
    fact: impl Fn(&Status) -> T,
    expected: T,
) {
    for _ in 0..MAX_LOOKS {
        if fact(&store.status().await.unwrap()) == expected {
            return;
        }
        sleep(SHORT).await;
    }
    assert_eq!(fact(&store.status().await.unwrap()), expected);
}

/// Records a running worker, without which some stores take no events.
async fn employ(store: &impl Store) -> WorkerId {
    let worker = WorkerId::draw();
    store.heartbeat(worker, WorkerState::Running).await.unwrap();
    worker
}
