//! Attempts that fail: retries, dead letters, and what does not count.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lark_events::callback::UrlPreviewGet;
use lark_events::{BoxError, Delivery, Dispatcher, EventType as _, Outcome, Reject, RetryAfter};
use lark_events_inbox::{Admin as _, AttemptOutcome, Filter, Listed, Page, State, VolatileStore};
use tokio::time::{Instant, sleep};
use tower::ServiceBuilder;

use crate::app::{SECOND, event, pass, recording, running, taking, volatile};

const ALL: Page = Page::first(100);

async fn listed(store: &VolatileStore) -> Vec<Listed> {
    store.list(&Filter::default(), ALL).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_fails_is_retried_with_a_growing_delay_until_it_succeeds() {
    let failures = Arc::new(AtomicUsize::new(3));
    let (service, record) = recording(move |_| {
        let left = failures.load(Ordering::Relaxed);
        failures.store(left.saturating_sub(1), Ordering::Relaxed);
        async move {
            if left > 0 {
                return Err("a failure's own text".into());
            }
            Ok(Outcome::Handled)
        }
    });
    let (store, builder) = volatile();
    let worked = running(builder, service).await;
    pass(&worked.inbox, event(None, "e")).await.unwrap();
    sleep(60 * SECOND).await;
    let called = record.called();
    let attempts: Vec<_> = called.iter().map(|called| called.attempt).collect();
    assert_eq!(attempts, [1, 2, 3, 4]);
    for (two, longest) in called.windows(2).zip([1, 3, 9]) {
        let delay = two[1].at.duration_since(two[0].at);
        let longest = longest * SECOND + Duration::from_millis(1);
        assert!(
            delay <= longest && delay >= longest / 2 - SECOND / 100,
            "{delay:?}"
        );
    }
    assert!(listed(&store).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn after_its_last_attempt_an_event_is_a_dead_letter_and_can_be_retried() {
    let works = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let working = Arc::clone(&works);
    let (service, record) = recording(move |_| {
        let works = working.load(Ordering::Relaxed);
        async move {
            let error: Result<_, BoxError> = Err("a failure's own text".into());
            if works { Ok(Outcome::Handled) } else { error }
        }
    });
    let (store, builder) = volatile();
    let worked = running(builder.attempts(3).lane_by_tenant(), service).await;
    for id in ["1", "2"] {
        pass(&worked.inbox, event(Some("t"), id)).await.unwrap();
    }
    sleep(100 * SECOND).await;
    let one = |id: &str| [1, 2, 3].map(|attempt| (id.to_owned(), attempt));
    assert_eq!(
        record.attempts(),
        [one("1"), one("2")].concat(),
        "the lane goes on"
    );
    let dead = listed(&store).await;
    assert_eq!(dead.len(), 2);
    assert_eq!((dead[0].state, dead[0].attempts), (State::Dead, 3));
    assert_eq!(dead[0].last_error.as_deref(), Some("a failure's own text"));
    let shown = store.show(dead[0].seq).await.unwrap().unwrap();
    let history: Vec<_> = shown
        .history
        .iter()
        .map(|one| (one.number, one.outcome))
        .collect();
    assert_eq!(
        history,
        [1, 2, 3].map(|number| (number, AttemptOutcome::Failed))
    );

    works.store(true, Ordering::Relaxed);
    let mut filter = Filter::default();
    filter.states = vec![State::Dead];
    filter.error = Some("own text".to_owned());
    assert_eq!(store.retry(&filter, 1).await.unwrap(), 1);
    sleep(SECOND).await;
    assert_eq!(record.attempts().last(), Some(&("1".to_owned(), 1)));
    assert_eq!(store.discard(&filter, 9).await.unwrap(), 1);
    assert!(listed(&store).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_verdict_means_what_it_means_everywhere() {
    let (service, record) = recording(|delivery: Delivery| async move {
        match delivery.header.event_id.as_deref() {
            Some("rejected") => Err(Reject::new("no room").into()),
            _ => Err(RetryAfter::new(100 * SECOND, "busy").into()),
        }
    });
    let (store, builder) = volatile();
    let worked = running(builder.attempts(2), service).await;
    let began = Instant::now();
    for id in ["rejected", "later"] {
        pass(&worked.inbox, event(None, id)).await.unwrap();
    }
    sleep(200 * SECOND).await;
    let called = record.called();
    let ids: Vec<_> = called.iter().map(|called| &*called.id).collect();
    assert_eq!(ids, ["rejected", "later", "later"]);
    let waited = called[2].at.duration_since(began);
    assert!(
        waited >= 100 * SECOND && waited < 111 * SECOND,
        "{waited:?}"
    );
    let dead = listed(&store).await;
    assert_eq!(dead.len(), 1, "RetryAfter counts as an attempt");
    assert_eq!(dead[0].event_id.as_deref(), Some("later"));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_a_handler_of_a_dispatcher_rejects_is_finished() {
    let dispatcher = Dispatcher::builder()
        .on_raw("testing.thing.happened_v1", |_| async {
            Err::<(), _>(Reject::new("no room"))
        })
        .build()
        .unwrap();
    let (store, builder) = volatile();
    let worked = running(builder, dispatcher).await;
    pass(&worked.inbox, event(None, "e")).await.unwrap();
    sleep(SECOND).await;
    assert!(listed(&store).await.is_empty());
    pass(&worked.inbox, event(None, "e")).await.unwrap();
    assert!(listed(&store).await.is_empty(), "its key is remembered");
}

#[tokio::test(start_paused = true)]
async fn a_panic_counts_as_an_attempt() {
    let (service, record) = recording(|_| async { panic!("a panic's own text") });
    let dispatcher = Dispatcher::builder()
        .on_raw("panicking_v1", |_| async {
            if true {
                panic!("a panic's own text");
            }
        })
        .build()
        .unwrap();
    let (store, builder) = volatile();
    let worked = running(builder.clone().attempts(2), service).await;
    pass(&worked.inbox, event(None, "e")).await.unwrap();
    sleep(10 * SECOND).await;
    assert_eq!(
        record.attempts(),
        [("e".to_owned(), 1), ("e".to_owned(), 2)]
    );
    worked.stop().await.unwrap();
    let worked = running(builder.attempts(2), dispatcher).await;
    let mut panicking = event(None, "f");
    panicking.header.event_type = "panicking_v1".to_owned();
    pass(&worked.inbox, panicking).await.unwrap();
    sleep(10 * SECOND).await;
    for dead in listed(&store).await {
        let shown = store.show(dead.seq).await.unwrap().unwrap();
        assert_eq!(shown.history[1].outcome, AttemptOutcome::Panicked);
    }
    assert_eq!(listed(&store).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_its_type_cannot_take_is_dead_at_once() {
    let dispatcher = Dispatcher::builder()
        .on_raw("testing.thing.happened_v1", |_| async {})
        .on::<UrlPreviewGet>(|_| async { lark_events::callback::UrlPreviewReply::default() })
        .build()
        .unwrap();
    let (store, builder) = volatile();
    let worked = running(builder, dispatcher).await;
    let mut odd = event(None, "odd");
    odd.header.event_type = UrlPreviewGet::EVENT_TYPE.to_owned();
    odd.raw = lark_events::RawJson::parse("[7]").unwrap();
    worked.inbox.queue().push(odd).await.unwrap();
    sleep(SECOND).await;
    let dead = listed(&store).await;
    assert_eq!((dead.len(), dead[0].attempts), (1, 1));
    let shown = store.show(dead[0].seq).await.unwrap().unwrap();
    assert_eq!(shown.history[0].outcome, AttemptOutcome::Undecodable);
}

#[tokio::test(start_paused = true)]
async fn an_event_without_a_handler_waits_for_a_newer_version_and_leaves_its_lane() {
    let (store, builder) = volatile();
    let old = Dispatcher::builder().on_raw("quick_v1", |_| async {});
    let old = old.build().unwrap();
    let worked = running(builder.clone().lane_by_tenant(), old).await;
    let of_type = |event_type: &str, id: &str| {
        let mut delivery = event(Some("t"), id);
        delivery.header.event_type = event_type.to_owned();
        delivery
    };
    pass(&worked.inbox, of_type("newer_v1", "1")).await.unwrap();
    pass(&worked.inbox, of_type("quick_v1", "2")).await.unwrap();
    sleep(600 * SECOND).await;
    let waiting = listed(&store).await;
    assert_eq!(waiting.len(), 1, "the lane went on");
    assert_eq!((waiting[0].state, waiting[0].attempts), (State::Waiting, 0));
    // The newer version starts before the older one stops.
    let (newer, record) = taking(SECOND);
    let replaced = running(builder, newer).await;
    worked.kill();
    sleep(4_000 * SECOND).await;
    assert_eq!(record.attempts(), [("1".to_owned(), 1)]);
    drop(replaced);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_no_version_handles_is_dead_after_a_time() {
    let (store, builder) = volatile();
    let no_handlers = Dispatcher::builder().build().unwrap();
    let worked = running(builder.unhandled_for(Duration::ZERO), no_handlers).await;
    pass(&worked.inbox, event(None, "e")).await.unwrap();
    sleep(SECOND).await;
    let dead = listed(&store).await;
    assert_eq!((dead.len(), dead[0].state), (1, State::Dead));
    let error = dead[0].last_error.as_deref().unwrap();
    assert!(error.contains("no handler"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_killed_worker_costs_an_attempt_and_an_event_that_kills_its_workers_is_dead() {
    let (service, record) = taking(1_000 * SECOND);
    let (store, builder) = volatile();
    let builder = builder.attempts(2).lease(10 * SECOND);
    let worked = running(builder.clone(), service.clone()).await;
    pass(&worked.inbox, event(None, "e")).await.unwrap();
    sleep(SECOND).await;
    worked.kill();
    let worked = running(builder.clone(), service.clone()).await;
    sleep(20 * SECOND).await;
    assert_eq!(
        record.attempts(),
        [("e".to_owned(), 1), ("e".to_owned(), 2)]
    );
    worked.kill();
    let worked = running(builder, service).await;
    sleep(20 * SECOND).await;
    assert_eq!(record.called().len(), 2);
    let dead = listed(&store).await;
    assert_eq!(dead[0].state, State::Dead);
    let error = dead[0].last_error.as_deref();
    assert_eq!(error, Some("the worker died during each attempt"));
    drop(worked);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_a_limit_inside_does_not_let_start_does_not_count() {
    let (service, record) = taking(5 * SECOND);
    let service = ServiceBuilder::new()
        .load_shed()
        .concurrency_limit(1)
        .service(service);
    let (store, builder) = volatile();
    let worked = running(builder.attempts(1).workers(8), service).await;
    for id in 0..8 {
        pass(&worked.inbox, event(None, id)).await.unwrap();
    }
    sleep(200 * SECOND).await;
    assert!(listed(&store).await.is_empty());
    let attempts = record.attempts();
    assert!(attempts.len() == 8 && attempts.iter().all(|(_, attempt)| *attempt == 1));
}

#[tokio::test(start_paused = true)]
async fn a_time_out_inside_counts_as_an_attempt() {
    let (service, record) = taking(1_000 * SECOND);
    let service = ServiceBuilder::new().timeout(SECOND).service(service);
    let (store, builder) = volatile();
    let worked = running(builder.attempts(2), service).await;
    pass(&worked.inbox, event(None, "e")).await.unwrap();
    sleep(10 * SECOND).await;
    assert_eq!(record.called().len(), 2);
    assert_eq!(listed(&store).await[0].state, State::Dead);
    drop(worked);
}
