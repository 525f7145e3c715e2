//! The contract of a store, call by call.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::{
    LONG, LONGER, SHORT, assert_none, assert_status, claim, employ, entry, id, ids, settle,
};
use crate::store::{Appended, Settled, Status, Store, WorkerState};

/// Checks the contract of a store. `open` returns a new, empty store for each check.
///
/// If the store uses tokio's clock, call this with that clock paused. Otherwise it takes a few seconds.
///
/// # Panics
///
/// When the store breaks the contract.
pub async fn conforms<S: Store>(open: impl AsyncFn() -> Arc<S>) {
    a_claim_returns_the_event_as_it_was_appended(&*open().await).await;
    a_key_is_new_once(&*open().await).await;
    an_event_without_a_key_is_always_new(&*open().await).await;
    a_duplicate_fails_no_other_entry_of_its_batch(&*open().await).await;
    a_claimed_event_is_invisible(&*open().await).await;
    an_expired_lease_is_claimed_again_and_counts(&*open().await).await;
    an_extended_lease_does_not_end(&*open().await).await;
    a_lost_claim_settles_nothing(&*open().await).await;
    a_retry_waits_for_its_time(&*open().await).await;
    a_release_counts_no_attempt(&*open().await).await;
    a_lane_is_handled_one_at_a_time_in_order(&*open().await).await;
    a_retry_holds_up_its_lane_alone(&*open().await).await;
    a_dead_letter_lets_its_lane_go_on(&*open().await).await;
    an_event_set_aside_leaves_its_lane(&*open().await).await;
    lanes_take_turns(&*open().await).await;
    lanes_and_events_without_one_share_each_claim(&*open().await).await;
    an_append_wakes_a_worker(&*open().await).await;
    the_status_counts_each_event_once(&*open().await).await;
    a_worker_is_seen(&*open().await).await;
}

async fn append<const N: usize>(
    store: &impl Store,
    entries: [(u64, Option<&str>); N],
) -> Vec<Appended> {
    let batch = entries.map(|(id, lane)| entry(id, lane));
    let appended = store.append(batch.into()).await.unwrap();
    assert_eq!(appended.len(), N, "one result for each entry");
    appended
}

async fn a_claim_returns_the_event_as_it_was_appended(store: &impl Store) {
    employ(store).await;
    let mut sent = entry(1, Some("lane"));
    sent.trace = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned());
    let appended = store.append(vec![sent.clone()]).await.unwrap();
    assert_eq!(appended, [Appended::New]);
    let claimed = claim(store, 8, 1, LONG).await;
    assert_eq!((ids(&claimed), claimed[0].attempt), (vec![1], 1));
    let got = &claimed[0].entry;
    assert_eq!((&got.key, &got.lane), (&sent.key, &sent.lane));
    assert_eq!(got.trace, sent.trace);
    assert_eq!(got.delivery.raw.as_str(), sent.delivery.raw.as_str());
    assert_eq!(got.delivery.to_document(), sent.delivery.to_document());
    assert_eq!(got.delivery.transport, sent.delivery.transport);
    assert!(settle(store, &claimed[0], Settled::Done).await);
    assert_none(store).await;
}

async fn a_key_is_new_once(store: &impl Store) {
    employ(store).await;
    assert_eq!(append(store, [(1, None)]).await, [Appended::New]);
    assert_eq!(append(store, [(1, None)]).await, [Appended::Duplicate]);
    let claimed = claim(store, 8, 1, LONG).await;
    assert_eq!(append(store, [(1, None)]).await, [Appended::Duplicate]);
    assert!(settle(store, &claimed[0], Settled::Done).await);
    assert_eq!(append(store, [(1, None)]).await, [Appended::Duplicate]);
    assert_none(store).await;
}

async fn an_event_without_a_key_is_always_new(store: &impl Store) {
    employ(store).await;
    let keyless = || {
        let mut entry = entry(1, None);
        entry.key = None;
        entry
    };
    let appended = store.append(vec![keyless(), keyless()]).await.unwrap();
    assert_eq!(appended, [Appended::New, Appended::New]);
    claim(store, 8, 2, LONG).await;
}

async fn a_duplicate_fails_no_other_entry_of_its_batch(store: &impl Store) {
    employ(store).await;
    append(store, [(1, Some("a"))]).await;
    let appended = append(
        store,
        [(2, Some("a")), (1, Some("a")), (3, None), (3, None)],
    )
    .await;
    let expected = [
        Appended::New,
        Appended::Duplicate,
        Appended::New,
        Appended::Duplicate,
    ];
    assert_eq!(appended, expected);
}

async fn a_claimed_event_is_invisible(store: &impl Store) {
    employ(store).await;
    append(store, [(1, None), (2, Some("a"))]).await;
    let mut claimed = ids(&claim(store, 8, 2, LONG).await);
    claimed.sort_unstable();
    assert_eq!(claimed, [1, 2]);
    assert_none(store).await;
}

async fn an_expired_lease_is_claimed_again_and_counts(store: &impl Store) {
    employ(store).await;
    append(store, [(1, Some("a")), (2, Some("a"))]).await;
    let first = claim(store, 8, 1, SHORT).await;
    assert_eq!((ids(&first), first[0].attempt), (vec![1], 1));
    sleep(LONGER).await;
    let second = claim(store, 8, 1, LONG).await;
    assert_eq!((ids(&second), second[0].attempt), (vec![1], 2));
    assert_ne!(first[0].fence, second[0].fence);
}

async fn an_extended_lease_does_not_end(store: &impl Store) {
    employ(store).await;
    append(store, [(1, None)]).await;
    let claimed = claim(store, 8, 1, LONGER).await;
    let fence = claimed[0].fence;
    assert_eq!(store.extend(&[fence], LONG).await.unwrap(), [true]);
    sleep(LONGER).await;
    assert_none(store).await;
    assert!(settle(store, &claimed[0], Settled::Done).await);
    assert_eq!(store.extend(&[fence], LONG).await.unwrap(), [false]);
}

async fn a_lost_claim_settles_nothing(store: &impl Store) {
    if !store.capabilities().fences {
        return;
    }
    employ(store).await;
    append(store, [(1, None)]).await;
    let lost = claim(store, 8, 1, SHORT).await;
    sleep(LONGER).await;
    let held = claim(store, 8, 1, LONG).await;
    assert_eq!(held.len(), 1);
    for settled in [Settled::Done, Settled::Dead, Settled::RetryIn(SHORT)] {
        assert!(!settle(store, &lost[0], settled).await, "{settled:?}");
    }
    let extended = store.extend(&[lost[0].fence, held[0].fence], LONG).await;
    assert_eq!(extended.unwrap(), [false, true]);
    assert_none(store).await;
    assert!(settle(store, &held[0], Settled::Done).await);
    assert!(!settle(store, &held[0], Settled::Done).await, "twice");
}

async fn a_retry_waits_for_its_time(store: &impl Store) {
    employ(store).await;
    append(store, [(1, None), (2, None)]).await;
    let claimed = claim(store, 8, 2, LONG).await;
    for one in &claimed {
        let delay = if id(one) == 1 { LONG } else { SHORT };
        assert!(settle(store, one, Settled::RetryIn(delay)).await);
    }
    sleep(LONGER).await;
    let again = claim(store, 8, 1, LONG).await;
    assert_eq!((ids(&again), again[0].attempt), (vec![2], 2));
}

async fn a_release_counts_no_attempt(store: &impl Store) {
    employ(store).await;
    append(store, [(1, Some("a"))]).await;
    for _ in 0..3 {
        let claimed = claim(store, 8, 1, LONG).await;
        assert_eq!((ids(&claimed), claimed[0].attempt), (vec![1], 1));
        assert!(settle(store, &claimed[0], Settled::Release(Duration::ZERO)).await);
    }
}

async fn a_lane_is_handled_one_at_a_time_in_order(store: &impl Store) {
    employ(store).await;
    append(store, [(1, Some("a")), (2, Some("a"))]).await;
    append(store, [(3, Some("a"))]).await;
    for expected in 1..=3 {
        let claimed = claim(store, 8, 1, LONG).await;
        assert_eq!(ids(&claimed), [expected]);
        assert_none(store).await;
        assert!(settle(store, &claimed[0], Settled::Done).await);
    }
}

async fn a_retry_holds_up_its_lane_alone(store: &impl Store) {
    employ(store).await;
    append(store, [(1, Some("a")), (2, Some("a")), (3, Some("b"))]).await;
    for one in &claim(store, 8, 2, LONG).await {
        let settled = match id(one) {
            1 => Settled::RetryIn(LONG),
            _ => Settled::Done,
        };
        assert!(settle(store, one, settled).await);
    }
    assert_none(store).await;
    append(store, [(4, Some("b")), (5, Some("a"))]).await;
    assert_eq!(ids(&claim(store, 8, 1, LONG).await), [4]);
}

async fn a_dead_letter_lets_its_lane_go_on(store: &impl Store) {
    employ(store).await;
    append(store, [(1, Some("a")), (2, Some("a"))]).await;
    let claimed = claim(store, 8, 1, LONG).await;
    assert!(settle(store, &claimed[0], Settled::Dead).await);
    assert_eq!(ids(&claim(store, 8, 1, LONG).await), [2]);
    assert_eq!(append(store, [(1, None)]).await, [Appended::Duplicate]);
}

async fn an_event_set_aside_leaves_its_lane(store: &impl Store) {
    employ(store).await;
    append(store, [(1, Some("a")), (2, Some("a"))]).await;
    let claimed = claim(store, 8, 1, LONG).await;
    assert!(settle(store, &claimed[0], Settled::SetAside(LONG)).await);
    let claimed = claim(store, 8, 1, LONG).await;
    assert_eq!(ids(&claimed), [2], "the lane goes on");
    assert!(settle(store, &claimed[0], Settled::SetAside(SHORT)).await);
    sleep(LONGER).await;
    let again = claim(store, 8, 1, LONG).await;
    assert_eq!((ids(&again), again[0].attempt), (vec![2], 1));
}

async fn lanes_take_turns(store: &impl Store) {
    employ(store).await;
    let busy = (1..=6).map(|id| entry(id, Some("busy"))).collect();
    store.append(busy).await.unwrap();
    append(store, [(7, Some("quiet")), (8, Some("quiet"))]).await;
    let mut order = Vec::new();
    while !order.contains(&8) {
        let claimed = claim(store, 1, 1, LONG).await;
        order.push(id(&claimed[0]));
        assert!(settle(store, &claimed[0], Settled::Done).await);
    }
    // 1, 7, 2, 8, but for an event that a store on servers misses at first.
    assert!(
        order.len() < 7,
        "the busy lane delays the quiet one: {order:?}"
    );
    let (quiet, busy): (Vec<u64>, Vec<u64>) = order.iter().partition(|&&id| id > 6);
    assert!(quiet.is_sorted() && busy.is_sorted(), "{order:?}");
}

async fn lanes_and_events_without_one_share_each_claim(store: &impl Store) {
    employ(store).await;
    let free = (1..=8).map(|id| entry(id, None)).collect();
    store.append(free).await.unwrap();
    let lanes = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let lanes = lanes
        .into_iter()
        .zip(11..)
        .map(|(lane, id)| entry(id, Some(lane)));
    store.append(lanes.collect()).await.unwrap();
    let with_lane = |claimed: &[u64]| claimed.iter().filter(|&&id| id > 10).count();
    // Half of each, but for an event that a store on servers misses at first.
    let shares = 1..=3;
    let together = ids(&claim(store, 4, 4, LONG).await);
    assert!(shares.contains(&with_lane(&together)), "{together:?}");
    let mut singly = Vec::new();
    for _ in 0..4 {
        singly.extend(ids(&claim(store, 1, 1, LONG).await));
    }
    assert!(shares.contains(&with_lane(&singly)), "{singly:?}");
}

async fn an_append_wakes_a_worker(store: &impl Store) {
    employ(store).await;
    append(store, [(1, None)]).await;
    claim(store, 8, 1, LONG).await;
    let append = async {
        sleep(SHORT).await;
        append(store, [(2, None)]).await;
    };
    // A store whose wake-ups get lost on the way is polled by the inbox: a second.
    let (woken, ()) = tokio::join!(timeout(Duration::from_secs(30), store.woken()), append);
    woken.expect("an append wakes a worker that waits");
}

async fn the_status_counts_each_event_once(store: &impl Store) {
    employ(store).await;
    append(
        store,
        [(1, Some("a")), (2, Some("a")), (3, None), (4, Some("b"))],
    )
    .await;
    let undone = |status: &Status| (status.ready, status.waiting, status.leased);
    let rest = |status: &Status| (status.dead, status.blocked_lanes);
    assert_status(store, undone, (3, 1, 0)).await;
    assert_status(store, rest, (0, 0)).await;
    assert!(store.status().await.unwrap().oldest.is_some());
    for one in &claim(store, 8, 3, LONG).await {
        match id(one) {
            1 => assert!(settle(store, one, Settled::RetryIn(LONG)).await),
            3 => assert!(settle(store, one, Settled::Dead).await),
            _ => {}
        }
    }
    assert_status(store, undone, (0, 2, 1)).await;
    assert_status(store, rest, (1, 1)).await;
}

async fn a_worker_is_seen(store: &impl Store) {
    let status = store.status().await.unwrap();
    assert_eq!((status.worker_seen, status.workers), (None, 0));
    let worker = employ(store).await;
    let other = employ(store).await;
    let status = store.status().await.unwrap();
    assert!(status.worker_seen.is_some());
    assert_eq!(status.workers, 2);
    for (worker, state) in [
        (worker, WorkerState::Stopping),
        (other, WorkerState::Stopped),
    ] {
        store.heartbeat(worker, state).await.unwrap();
    }
    assert_eq!(store.status().await.unwrap().workers, 0);
}
