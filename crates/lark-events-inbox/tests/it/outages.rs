//! A store that fails or hangs, and one that nobody works on.

use std::sync::atomic::Ordering;
use std::time::Duration;

use lark_events_inbox::{Inbox, Store};
use lark_events_layers::{LayerError, LayerErrorKind};
use tokio::time::{Instant, sleep};

use crate::app::{SECOND, event, pass, refusal, running, taking};
use crate::faulty::{Fault, FaultyStore};
use crate::logs::logged;
use crate::support::event as document;
use crate::transports::{BOTH, answered, delivering};

#[tokio::test(start_paused = true)]
async fn an_event_that_the_store_does_not_append_is_not_acknowledged() {
    for mode in BOTH {
        let (service, record) = taking(SECOND);
        let (_, faults, builder) = FaultyStore::durable();
        let worked = running(builder, service).await;
        let platform = delivering(mode, worked.inbox.clone(), [10 * SECOND]).await;
        faults.append(Fault::Fails);
        let mut push = platform.push(document("x_v1").event_id("e"));
        assert_eq!(answered(&mut push).await, (500, 0), "{mode:?}");
        faults.append(Fault::None);
        assert_eq!(answered(&mut push).await.0, 200, "redelivered");
        sleep(2 * SECOND).await;
        assert_eq!(record.ids(), ["e"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_append_that_takes_too_long_goes_on_and_the_redelivery_is_a_duplicate() {
    let (service, record) = taking(SECOND);
    let (_, faults, builder) = FaultyStore::durable();
    let worked = running(builder, service).await;
    faults.append(Fault::Hangs);
    let began = Instant::now();
    let refused = pass(&worked.inbox, event(None, "e")).await;
    assert_eq!(refusal(refused), LayerErrorKind::Store);
    assert_eq!(began.elapsed(), 2 * SECOND);
    faults.append(Fault::None);
    sleep(2 * SECOND).await;
    assert_eq!(record.ids(), ["e"], "handled, though not acknowledged");
    pass(&worked.inbox, event(None, "e")).await.unwrap();
    sleep(2 * SECOND).await;
    assert_eq!(record.ids(), ["e"]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_behind_a_store_that_hangs_is_bounded_and_given_up() {
    let (_, faults, builder) = FaultyStore::durable();
    let worked = running(builder, taking(SECOND).0).await;
    let inbox = worked.inbox.clone();
    faults.append(Fault::Hangs);
    let mut waiting = Vec::new();
    for id in 0..4_200 {
        let (inbox, delivery) = (inbox.clone(), event(None, id));
        waiting.push(tokio::spawn(async move { pass(&inbox, delivery).await }));
    }
    let mut overloaded = 0;
    for waiting in waiting {
        let error = waiting.await.unwrap().unwrap_err();
        let kind = error.downcast_ref::<LayerError>().unwrap().kind();
        overloaded += usize::from(kind == LayerErrorKind::Overloaded);
    }
    // Two batches are being appended, 4,096 events wait.
    assert!(overloaded >= 100, "{overloaded}");
    faults.append(Fault::None);
    sleep(SECOND).await;
    // Nobody waits for the others any more.
    assert_eq!(faults.appends.load(Ordering::Relaxed), 2);
    pass(&inbox, event(None, "next")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_logged_once_and_works_again() {
    let (log, _guard) = logged();
    let (service, record) = taking(SECOND);
    let (_, faults, builder) = FaultyStore::durable();
    let worked = running(builder, service).await;
    faults.append(Fault::Fails);
    faults.claim(Fault::Fails);
    for id in 0..3 {
        pass(&worked.inbox, event(None, id)).await.unwrap_err();
        sleep(20 * SECOND).await;
    }
    faults.append(Fault::None);
    faults.claim(Fault::None);
    pass(&worked.inbox, event(None, "after")).await.unwrap();
    sleep(60 * SECOND).await;
    assert_eq!(record.ids(), ["after"]);
    let log = log.text();
    let count = |part: &str| log.matches(part).count();
    assert_eq!(count("events are not acknowledged"), 1, "{log}");
    assert_eq!(count("no events are claimed"), 1, "{log}");
    assert_eq!(count("the store works again"), 2, "{log}");
    assert_eq!(count("the disk is full"), 2, "{log}");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_logged_once_and_works_again() {
    let (log, _guard) = logged();
    let (_, faults, builder) = FaultyStore::durable();
    let worked = running(builder, taking(SECOND).0).await;
    faults.append(Fault::Hangs);
    for id in 0..3 {
        pass(&worked.inbox, event(None, id)).await.unwrap_err();
    }
    let count = |part: &str| log.text().matches(part).count();
    assert_eq!(count("events are not acknowledged"), 1, "{}", log.text());
    assert_eq!(count("did not answer in time"), 1, "{}", log.text());
    faults.append(Fault::None);
    pass(&worked.inbox, event(None, "after")).await.unwrap();
    assert_eq!(count("the store works again"), 1, "{}", log.text());
    assert_eq!(count("events are not acknowledged"), 1, "{}", log.text());
}

#[tokio::test(start_paused = true)]
async fn a_settlement_that_fails_is_repeated_while_the_lease_is_extended() {
    let (service, record) = taking(SECOND);
    let (store, faults, builder) = FaultyStore::durable();
    let worked = running(builder.lease(3 * SECOND), service).await;
    faults.settle(Fault::Fails);
    pass(&worked.inbox, event(None, "e")).await.unwrap();
    sleep(60 * SECOND).await;
    faults.settle(Fault::None);
    sleep(10 * SECOND).await;
    assert_eq!(record.ids(), ["e"]);
    assert!(faults.settles.load(Ordering::Relaxed) > 10);
    let status = store.inner.status().await.unwrap();
    assert_eq!((status.ready, status.waiting, status.leased), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_extension_that_fails_is_logged_once_and_works_again() {
    for (fault, error) in [
        (Fault::Fails, "the disk is full"),
        (Fault::Hangs, "did not answer in time"),
    ] {
        let (log, _guard) = logged();
        let (_, faults, builder) = FaultyStore::durable();
        let (service, record) = taking(60 * SECOND);
        // Nothing is claimed while the worker is busy.
        let worked = running(builder.workers(1).lease(3 * SECOND), service).await;
        pass(&worked.inbox, event(None, "e")).await.unwrap();
        sleep(SECOND / 2).await;
        assert_eq!(record.running(), 1);
        faults.claim(fault);
        sleep(10 * SECOND).await;
        faults.claim(Fault::None);
        sleep(10 * SECOND).await;
        let log = log.text();
        for part in [
            "events that are being handled may be handled again",
            error,
            "the store works again",
        ] {
            assert_eq!(log.matches(part).count(), 1, "{part}: {log}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_though_the_store_hangs() {
    let (service, _) = taking(SECOND);
    let (_, faults, builder) = FaultyStore::durable();
    let worked = running(builder.drain_timeout(5 * SECOND), service).await;
    pass(&worked.inbox, event(None, "e")).await.unwrap();
    sleep(SECOND / 2).await;
    faults.settle(Fault::Hangs);
    let began = Instant::now();
    let error = worked.stop().await.unwrap_err();
    assert_eq!(error.cancelled(), 1, "its end is not stored");
    assert!(began.elapsed() <= 10 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn an_inbox_without_a_worker_for_a_minute_is_not_ready_and_logs_it_once() {
    let (log, _guard) = logged();
    let (store, faults, _) = FaultyStore::durable();
    let store = store as std::sync::Arc<dyn Store>;
    let receiver = Inbox::receiver(std::sync::Arc::clone(&store), taking(SECOND).0).unwrap();
    let monitor = receiver.monitor().clone();
    assert!(monitor.is_ready().await, "workers may start later");
    sleep(Duration::from_secs(61)).await;
    for _ in 0..3 {
        assert!(!monitor.is_ready().await);
    }
    let (service, _) = taking(SECOND);
    let worker = Inbox::worker(store, service).unwrap();
    let worked = tokio::spawn(async move { worker.run(sleep(100 * SECOND)).await });
    sleep(90 * SECOND).await;
    assert!(monitor.is_ready().await, "heartbeats go on");
    worked.await.unwrap().unwrap();
    faults.claim(Fault::Hangs);
    assert!(!monitor.is_ready().await, "the store does not answer");
    let log = log.text();
    assert_eq!(
        log.matches("no worker has run for a minute").count(),
        1,
        "{log}"
    );
    assert_eq!(log.matches("a worker runs again").count(), 1, "{log}");
}

#[tokio::test(start_paused = true)]
async fn a_receiver_learns_from_its_events_that_nobody_works() {
    let (log, _guard) = logged();
    let (store, _, builder) = FaultyStore::durable();
    let worker = lark_events_inbox::WorkerId::draw();
    let beat = store.heartbeat(worker, lark_events_inbox::WorkerState::Running);
    beat.await.unwrap(); // its last one
    let receiver = builder.receiver(taking(SECOND).0).unwrap();
    for id in 0..5 {
        pass(&receiver, event(None, id)).await.unwrap();
        sleep(40 * SECOND).await;
    }
    assert_eq!(
        log.text().matches("no worker has run for a minute").count(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn a_store_that_panics_acknowledges_nothing_and_the_next_event_is_appended() {
    let (service, record) = taking(SECOND);
    let (_, faults, builder) = FaultyStore::durable();
    let worked = running(builder, service).await;
    faults.append(Fault::Panics);
    let refused = pass(&worked.inbox, event(None, "e")).await;
    assert_eq!(refusal(refused), LayerErrorKind::Store);
    faults.append(Fault::None);
    pass(&worked.inbox, event(None, "e")).await.unwrap();
    sleep(2 * SECOND).await;
    assert_eq!(record.ids(), ["e"]);
}
