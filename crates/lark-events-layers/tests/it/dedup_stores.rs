//! The stores of de-duplication: what they hold, what they fail with, and what two processes share.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use lark_events::{BoxError, Outcome};
use lark_events_layers::{Claim, DedupLayer, DedupStore, LayerErrorKind, MemoryStore};
use lark_events_sim::{Attempt, Mode};
use tokio::time::{advance, sleep, timeout};
use tower::Layer as _;

use crate::dedup::{Act, acting};
use crate::passing::{delivery, pass, refusal};
use crate::support::event;
use crate::transports::{BOTH, answered, delivering};

const DEFAULT_LEASE: Duration = DedupLayer::DEFAULT_LEASE;
const KEPT: Duration = Duration::from_hours(8);

/// A store with room for so many events.
fn memory(capacity: usize) -> MemoryStore {
    MemoryStore::new(NonZeroUsize::new(capacity).unwrap())
}

#[tokio::test(start_paused = true)]
async fn the_store_in_memory_forgets_the_oldest_when_it_is_full() {
    let store = memory(2);
    for key in ["a", "b", "c"] {
        assert_eq!(
            store.claim(key, 1, DEFAULT_LEASE).await.unwrap(),
            Claim::Granted
        );
        store.done(key, Outcome::Handled, KEPT).await.unwrap();
        assert!(store.len() <= 2);
    }
    let done = Claim::Done(Outcome::Handled);
    assert_eq!(store.claim("b", 1, DEFAULT_LEASE).await.unwrap(), done);
    assert_eq!(store.claim("c", 1, DEFAULT_LEASE).await.unwrap(), done);
    assert_eq!(
        store.claim("a", 1, DEFAULT_LEASE).await.unwrap(),
        Claim::Granted
    );
    // To be asked for does not keep it longer.
    assert_eq!(
        store.claim("b", 1, DEFAULT_LEASE).await.unwrap(),
        Claim::Granted
    );
    assert_eq!((store.len(), memory(1).len()), (2, 0));

    let least = memory(1);
    least.done("a", Outcome::Handled, KEPT).await.unwrap();
    assert_eq!(least.claim("a", 1, DEFAULT_LEASE).await.unwrap(), done);
}

#[tokio::test(start_paused = true)]
async fn the_store_in_memory_gives_back_the_room_of_what_is_past() {
    let store = memory(1_000);
    for key in 0..100 {
        store
            .done(&key.to_string(), Outcome::Handled, KEPT)
            .await
            .unwrap();
    }
    advance(KEPT / 2).await;
    store.done("later", Outcome::Handled, KEPT).await.unwrap();
    assert_eq!(store.len(), 101);
    advance(KEPT / 2).await;
    store.claim("new", 1, DEFAULT_LEASE).await.unwrap();
    assert_eq!(store.len(), 2);
    assert!(!store.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_store_in_memory_keeps_a_key_for_the_longer_of_two_times() {
    let store = memory(10);
    for (kept, again) in [(KEPT, KEPT / 2), (KEPT / 2, KEPT)] {
        store.done("a", Outcome::Handled, kept).await.unwrap();
        store.done("a", Outcome::Handled, again).await.unwrap();
        advance(KEPT - Duration::from_millis(1)).await;
        let done = Claim::Done(Outcome::Handled);
        assert_eq!(store.claim("a", 1, DEFAULT_LEASE).await.unwrap(), done);
        advance(Duration::from_millis(1)).await;
        let granted = store.claim("a", 1, Duration::ZERO).await.unwrap();
        assert_eq!(granted, Claim::Granted);
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_is_its_owners_until_released_or_until_its_lease_is_over() {
    let store = memory(10);
    // Older, and yet kept for longer.
    let kept = store.done("older", Outcome::Handled, KEPT);
    kept.await.unwrap();
    let claim = async |owner| store.claim("a", owner, DEFAULT_LEASE).await.unwrap();
    assert_eq!(claim(1).await, Claim::Granted);
    assert_eq!(claim(2).await, Claim::Held);
    assert_eq!(claim(1).await, Claim::Granted, "again, of one owner");
    store.release("a", 2).await.unwrap();
    assert_eq!(claim(2).await, Claim::Held, "not another's to release");
    store.release("a", 1).await.unwrap();
    assert_eq!(claim(2).await, Claim::Granted);
    advance(DEFAULT_LEASE - Duration::from_millis(1)).await;
    assert_eq!(claim(1).await, Claim::Held);
    advance(Duration::from_millis(1)).await;
    assert_eq!(claim(1).await, Claim::Granted);
    store.done("a", Outcome::Unhandled, KEPT).await.unwrap();
    store.release("a", 1).await.unwrap();
    assert_eq!(
        claim(1).await,
        Claim::Done(Outcome::Unhandled),
        "done stays done"
    );
    store
        .done("a", Outcome::Handled, Duration::MAX)
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn two_processes_with_one_store_handle_an_event_once() {
    let store = Arc::new(memory(10));
    let (service, count) = acting([Act::Fail]);
    let one = DedupLayer::builder().store(store.clone()).build().unwrap();
    let other = DedupLayer::builder().store(store).build().unwrap();
    let (one_service, other_service) = (one.layer(service.clone()), other.layer(service));
    let (failed, held) = tokio::join!(
        pass(&one_service, delivery("x_v1", "1")),
        pass(&other_service, delivery("x_v1", "1")),
    );
    assert!(failed.is_err());
    assert_eq!(refusal(held), LayerErrorKind::Held);
    pass(&other_service, delivery("x_v1", "1")).await.unwrap();
    pass(&one_service, delivery("x_v1", "1")).await.unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 2);
    assert_eq!((one.stats().duplicates, other.stats().held), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_claim_lasts_for_as_long_as_it_is_set_to() {
    let lease = Duration::from_secs(1);
    let store = Arc::new(memory(10));
    let died = DedupLayer::builder()
        .store(store.clone())
        .lease(lease)
        .build()
        .unwrap();
    let died = died.layer(tower::service_fn(|_| {
        std::future::pending::<Result<Outcome, BoxError>>()
    }));
    let started = tower::ServiceExt::oneshot(died, delivery("x_v1", "1"));
    let mut started = std::pin::pin!(started);
    assert!(timeout(Duration::ZERO, started.as_mut()).await.is_err());

    let (service, count) = acting([]);
    let other = DedupLayer::builder()
        .store(store)
        .build()
        .unwrap()
        .layer(service);
    advance(lease - Duration::from_millis(1)).await;
    let held = pass(&other, delivery("x_v1", "1")).await;
    assert_eq!(refusal(held), LayerErrorKind::Held);
    advance(Duration::from_millis(1)).await;
    pass(&other, delivery("x_v1", "1")).await.unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_process_that_died_was_at_is_free_before_the_second_redelivery() {
    let store = Arc::new(memory(10));
    for mode in BOTH {
        store
            .claim("cli_a1b2c3d4e5f60718:x_v1:e", 1, DEFAULT_LEASE)
            .await
            .unwrap();
        let (service, count) = acting([]);
        let service = DedupLayer::builder()
            .store(store.clone())
            .build()
            .unwrap()
            .layer(service);
        let again = lark_events_sim::REDELIVERIES;
        let platform = delivering(mode, service, again).await;
        let event = event("x_v1")
            .event_id("e")
            .header("app_id", "cli_a1b2c3d4e5f60718");
        let report = platform.push(event).await;
        let accepted = report.attempts.iter().map(Attempt::accepted);
        assert_eq!(
            accepted.collect::<Vec<_>>(),
            [false, false, true],
            "{mode:?}"
        );
        assert_eq!(count.load(Ordering::Relaxed), 1);
        advance(2 * KEPT).await;
    }
}

/// A store in memory with failures on demand. Each call takes 100 ms.
struct Unsteady {
    store: MemoryStore,
    claims_fail: AtomicBool,
    dones_fail: AtomicBool,
    releases_fail: AtomicBool,
    releases: AtomicUsize,
}

impl Unsteady {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            store: memory(10),
            claims_fail: false.into(),
            dones_fail: false.into(),
            releases_fail: false.into(),
            releases: 0.into(),
        })
    }
}

async fn unless(fails: &AtomicBool) -> Result<(), BoxError> {
    sleep(Duration::from_millis(100)).await;
    match fails.load(Ordering::Relaxed) {
        true => Err("a store's own text".into()),
        false => Ok(()),
    }
}

#[async_trait]
impl DedupStore for Unsteady {
    async fn claim(&self, key: &str, owner: u64, lease: Duration) -> Result<Claim, BoxError> {
        let claim = self.store.claim(key, owner, lease).await;
        unless(&self.claims_fail).await?;
        claim
    }

    async fn done(&self, key: &str, outcome: Outcome, kept: Duration) -> Result<(), BoxError> {
        unless(&self.dones_fail).await?;
        self.store.done(key, outcome, kept).await
    }

    async fn release(&self, key: &str, owner: u64) -> Result<(), BoxError> {
        self.releases.fetch_add(1, Ordering::Relaxed);
        unless(&self.releases_fail).await?;
        self.store.release(key, owner).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_tell_fails_the_delivery_and_frees_what_it_may_have_claimed() {
    for mode in BOTH {
        let store = Unsteady::new();
        let (service, count) = acting([]);
        let dedup = DedupLayer::builder().store(store.clone()).build().unwrap();
        let platform = delivering(mode, dedup.layer(service), []).await;
        store.claims_fail.store(true, Ordering::Relaxed);
        let failed = answered(&mut platform.push(event("x_v1").event_id("e"))).await;
        assert_eq!(failed, (500, 100), "{mode:?}");
        assert_eq!(count.load(Ordering::Relaxed), 0);
        store.claims_fail.store(false, Ordering::Relaxed);
        // Behind the release, which is under way.
        let handled = answered(&mut platform.push(event("x_v1").event_id("e"))).await;
        assert_eq!(handled.0, 200, "{mode:?}");
        assert_eq!(count.load(Ordering::Relaxed), 1);
        assert_eq!(store.releases.load(Ordering::Relaxed), 1);
        assert_eq!((dedup.stats().store_errors, dedup.stats().waited), (1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_success_that_cannot_be_remembered_is_a_success() {
    let store = Unsteady::new();
    store.dones_fail.store(true, Ordering::Relaxed);
    let (service, count) = acting([]);
    let dedup = DedupLayer::builder().store(store.clone()).build().unwrap();
    let service = dedup.layer(service);
    for expected in [1, 2] {
        pass(&service, delivery("x_v1", "1")).await.unwrap();
        assert_eq!(count.load(Ordering::Relaxed), expected);
    }
    assert_eq!(dedup.stats().store_errors, 2);
    assert_eq!(store.releases.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_failure_whose_claim_cannot_be_released_is_handled_again_by_the_same_process() {
    let store = Unsteady::new();
    store.releases_fail.store(true, Ordering::Relaxed);
    let (service, count) = acting([Act::Fail]);
    let dedup = DedupLayer::builder().store(store).build().unwrap();
    let service = dedup.layer(service);
    let error = pass(&service, delivery("x_v1", "1")).await.unwrap_err();
    assert_eq!(error.to_string(), "a failure's own text");
    pass(&service, delivery("x_v1", "1")).await.unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 2);
    assert_eq!(dedup.stats().store_errors, 1);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_dropped_at_any_moment_leaves_its_key_free_or_done() {
    // The claim takes 100 ms, and so do the handler and marking.
    for (after, handled_again) in [(50, 1), (150, 2), (250, 1)] {
        let (service, count) = acting([]);
        let store = Unsteady::new();
        let service = DedupLayer::builder()
            .store(store.clone())
            .build()
            .unwrap()
            .layer(service);
        let dropped = pass(&service, delivery("x_v1", "1"));
        assert!(
            timeout(Duration::from_millis(after), dropped)
                .await
                .is_err()
        );
        pass(&service, delivery("x_v1", "1")).await.unwrap();
        assert_eq!(
            count.load(Ordering::Relaxed),
            handled_again,
            "after {after} ms"
        );
        // Also for another process.
        let (service, count) = acting([]);
        let other = DedupLayer::builder()
            .store(store)
            .build()
            .unwrap()
            .layer(service);
        pass(&other, delivery("x_v1", "1")).await.unwrap();
        assert_eq!(count.load(Ordering::Relaxed), 0, "after {after} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_of_another_process_is_503_and_the_next_event_is_served() {
    for (mode, refused) in [(Mode::Webhook, 503), (Mode::LongConnection, 500)] {
        let store = Arc::new(memory(10));
        store
            .claim("cli_a1b2c3d4e5f60718:x_v1:e", 1, KEPT)
            .await
            .unwrap();
        let service = DedupLayer::builder()
            .store(store)
            .build()
            .unwrap()
            .layer(acting([]).0);
        let platform = delivering(mode, service, []).await;
        let of = |id| {
            event("x_v1")
                .event_id(id)
                .header("app_id", "cli_a1b2c3d4e5f60718")
        };
        assert_eq!(answered(&mut platform.push(of("e"))).await, (refused, 0));
        assert_eq!(answered(&mut platform.push(of("f"))).await, (200, 100));
    }
}

/// Takes a second to hear of what is released.
struct Slow(MemoryStore);

#[async_trait]
impl DedupStore for Slow {
    async fn claim(&self, key: &str, owner: u64, lease: Duration) -> Result<Claim, BoxError> {
        self.0.claim(key, owner, lease).await
    }

    async fn done(&self, key: &str, outcome: Outcome, kept: Duration) -> Result<(), BoxError> {
        self.0.done(key, outcome, kept).await
    }

    async fn release(&self, key: &str, owner: u64) -> Result<(), BoxError> {
        sleep(Duration::from_secs(1)).await;
        self.0.release(key, owner).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_program_can_wait_for_its_store_to_hear_of_what_was_cut_off() {
    let store = Arc::new(Slow(memory(10)));
    let dedup = DedupLayer::builder()
        .store(Arc::<Slow>::clone(&store))
        .build()
        .unwrap();
    let (service, _) = acting([]);
    let service = dedup.layer(service);
    for _ in 0..2 {
        let cut_off = pass(&service, delivery("x_v1", "1"));
        let cut_off = timeout(Duration::from_millis(10), cut_off);
        assert!(cut_off.await.is_err());
        assert_eq!(store.0.len(), 1, "claimed");
        dedup.settled().await;
        assert_eq!(store.0.len(), 0, "and released");
    }
    dedup.settled().await;
}
