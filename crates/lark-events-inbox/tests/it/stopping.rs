//! The end of a worker: what is finished, what is left, and what is lost.

use std::time::Duration;

use lark_events::{Delivery, Dispatcher, RawJson};
use lark_events_inbox::{Capabilities, InboxErrorKind};
use lark_events_layers::{InOrderLayer, LayerErrorKind};
use lark_events_sim::Mode;
use tokio::time::{Instant, sleep};
use tower::{Layer as _, ServiceBuilder};
use tracing::Level;

use crate::app::{SECOND, event, pass, recording, refusal, running, taking, volatile};
use crate::faulty::FaultyStore;
use crate::logs::logged_at;
use crate::support::{event as document, watched};
use crate::transports::{answered, delivering};

#[tokio::test(start_paused = true)]
async fn a_store_that_dies_with_the_process_is_emptied_and_takes_no_more() {
    for (mode, refused) in [(Mode::Webhook, 503), (Mode::LongConnection, 500)] {
        let (dispatcher, seen) = watched();
        let (_, builder) = volatile();
        let worked = running(builder.workers(1), dispatcher).await;
        let platform = delivering(mode, worked.inbox.clone(), []).await;
        for _ in 0..3 {
            answered(&mut platform.push(document("slow_v1"))).await;
        }
        let began = Instant::now();
        let (stopped, code) = tokio::join!(worked.stop(), async {
            sleep(Duration::from_millis(1)).await;
            answered(&mut platform.push(document("quick_v1"))).await.0
        });
        assert_eq!((stopped, code), (Ok(()), refused), "{mode:?}");
        assert_eq!(began.elapsed(), Duration::from_millis(1_200));
        assert_eq!((seen.started(), seen.finished()), (3, 3));
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_waits_for_a_retry_gets_its_attempts_before_the_process_ends() {
    let (service, record) = recording(|_| async { Err("a failure's own text".into()) });
    let (_, builder) = volatile();
    let hour = Duration::from_hours(1);
    let worked = running(builder.attempts(4).backoff(hour, hour), service).await;
    pass(&worked.inbox, event(None, "e")).await.unwrap();
    sleep(SECOND).await;
    assert_eq!(record.called().len(), 1);
    worked.stop().await.unwrap();
    assert_eq!(record.called().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_shutdown_is_bounded_and_the_error_counts_what_is_lost() {
    let (dispatcher, seen) = watched();
    let (_, builder) = volatile();
    let builder = builder.workers(2).drain_timeout(SECOND);
    let worked = running(builder, dispatcher).await;
    for (id, event_type) in ["hanging_v1", "slow_v1", "hanging_v1", "quick_v1"]
        .into_iter()
        .enumerate()
    {
        let mut delivery = event(None, id);
        delivery.header.event_type = event_type.to_owned();
        pass(&worked.inbox, delivery).await.unwrap();
    }
    tokio::task::yield_now().await;
    let inbox = worked.inbox.clone();
    let began = Instant::now();
    let error = worked.stop().await.unwrap_err();
    assert_eq!(error.kind(), InboxErrorKind::TimedOut);
    assert_eq!((error.cancelled(), error.left()), (2, 3));
    assert_eq!(began.elapsed(), SECOND);
    assert_eq!((seen.started(), seen.finished()), (3, 1));
    let refused = pass(&inbox, event(None, "late")).await;
    assert_eq!(refusal(refused), LayerErrorKind::NoWorker);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_outlives_the_process_keeps_what_does_not_run() {
    let (service, record) = taking(SECOND);
    let (store, _, builder) = FaultyStore::durable();
    let worked = running(builder.workers(2), service).await;
    for id in 0..6 {
        pass(&worked.inbox, event(None, id)).await.unwrap();
    }
    sleep(SECOND / 2).await;
    let began = Instant::now();
    worked.stop().await.unwrap();
    assert_eq!(began.elapsed(), SECOND / 2);
    assert_eq!(record.called().len(), 2);
    let status = lark_events_inbox::Store::status(&store.inner)
        .await
        .unwrap();
    assert_eq!((status.ready, status.leased), (4, 0));
}

#[tokio::test(start_paused = true)]
async fn a_handler_cancelled_by_a_shutdown_costs_no_attempt() {
    let (service, record) = taking(1_000 * SECOND);
    let (_, _, builder) = FaultyStore::durable();
    let builder = builder.attempts(1).drain_timeout(SECOND);
    let worked = running(builder.clone(), service.clone()).await;
    pass(&worked.inbox, event(None, "e")).await.unwrap();
    sleep(SECOND).await;
    let error = worked.stop().await.unwrap_err();
    assert_eq!((error.cancelled(), error.left()), (1, 0));
    let worked = running(builder, service).await;
    sleep(SECOND).await;
    assert_eq!(
        record.attempts(),
        [("e".to_owned(), 1), ("e".to_owned(), 1)]
    );
    drop(worked);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_is_dropped_cancels_its_handlers() {
    let (service, record) = taking(SECOND);
    let (_, _, builder) = FaultyStore::with(Capabilities::DURABLE);
    let worked = running(builder.lease(10 * SECOND), service).await;
    let inbox = worked.inbox.clone();
    pass(&inbox, event(None, "e")).await.unwrap();
    sleep(SECOND / 2).await;
    worked.kill();
    sleep(SECOND).await;
    assert_eq!(record.running(), 0);
    let stop = sleep(20 * SECOND);
    inbox.run(stop).await.unwrap();
    assert_eq!(
        record.attempts(),
        [("e".to_owned(), 1), ("e".to_owned(), 2)]
    );
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_that_ends_the_first_of_a_lane_inside_starts_none_of_the_others() {
    let (service, record) = taking(1_000 * SECOND);
    let service = InOrderLayer::by_tenant().layer(service);
    let (_, builder) = volatile();
    let worked = running(builder.drain_timeout(SECOND), service).await;
    for id in ["1", "2", "3"] {
        pass(&worked.inbox, event(Some("a"), id)).await.unwrap();
    }
    sleep(SECOND / 2).await;
    let error = worked.stop().await.unwrap_err();
    assert_eq!((error.cancelled(), error.left()), (1, 3));
    assert_eq!(record.ids(), ["1"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_is_handled_though_its_receiver_is_dropped() {
    let (service, record) = taking(SECOND);
    let (_, builder) = volatile();
    let receiver = builder.clone().receiver(service.clone()).unwrap();
    let worked = running(builder.workers(1), service).await;
    for id in 0..3 {
        pass(&receiver, event(None, id)).await.unwrap();
    }
    drop(receiver);
    sleep(4 * SECOND).await;
    assert_eq!(record.ids(), ["0", "1", "2"]);
    worked.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn each_event_that_is_lost_is_logged_by_its_name_without_its_body() {
    let (log, _guard) = logged_at(Level::TRACE);
    let dispatcher = Dispatcher::builder()
        .on_raw("failing_v1", |_| async {
            Err::<(), _>("a failure's own text")
        })
        .on_raw("hanging_v1", |_| std::future::pending::<()>())
        .build()
        .unwrap();
    let panicking = ServiceBuilder::new().map_request(|delivery: Delivery| {
        assert_ne!(delivery.header.event_type, "panicking_v1");
        delivery
    });
    let (_, builder) = volatile();
    let builder = builder.attempts(2).drain_timeout(5 * SECOND);
    let worked = running(builder, panicking.service(dispatcher)).await;
    let of = |event_type: &str| {
        let mut delivery = event(None, format!("id-of-{event_type}"));
        delivery.header.event_type = event_type.to_owned();
        delivery.raw = RawJson::parse(r#"{"a":"marked-body"}"#).unwrap();
        delivery
    };
    for event_type in ["failing_v1", "panicking_v1", "hanging_v1", "hanging_v1"] {
        pass(&worked.inbox, of(event_type)).await.unwrap();
    }
    sleep(60 * SECOND).await;
    worked.stop().await.unwrap_err();
    let log = log.text();
    for (event_type, expected) in [
        (
            "failing_v1",
            "ERROR lark_events_inbox::worker::ending: the event is a dead letter now",
        ),
        ("failing_v1", "a failure's own text"),
        (
            "panicking_v1",
            "WARN lark_events_inbox::worker::ending: the attempt failed",
        ),
        (
            "panicking_v1",
            "ERROR lark_events_inbox::worker::ending: the event is a dead letter now",
        ),
        (
            "hanging_v1",
            "WARN lark_events_inbox::volatile: acknowledged, but not handled when the last worker stopped: the event is lost when the process ends",
        ),
        (
            "hanging_v1",
            "DEBUG lark_events_inbox::queue: duplicate: acknowledged, not stored again",
        ),
    ] {
        let named = format!("event_type=\"{event_type}\" event_id=\"id-of-{event_type}\"");
        let found = |line: &str| line.contains(expected) && line.contains(&named);
        assert!(log.lines().any(found), "{event_type}: {expected}\n{log}");
    }
    assert!(!log.contains("marked-body"), "{log}");
}

#[tokio::test(start_paused = true)]
async fn of_two_workers_the_first_leaves_the_events_to_the_other() {
    let (service, record) = taking(SECOND);
    let (_, builder) = volatile();
    let builder = builder.workers(1);
    let first = running(builder.clone(), service.clone()).await;
    let second = running(builder, service).await;
    let inbox = second.inbox.clone();
    for id in 0..10 {
        pass(&inbox, event(None, id)).await.unwrap();
    }
    sleep(SECOND / 2).await;
    let began = Instant::now();
    first.stop().await.unwrap();
    assert_eq!(began.elapsed(), SECOND / 2, "it finishes what it runs");
    pass(&inbox, event(None, 10)).await.unwrap();
    second.stop().await.unwrap();
    assert_eq!(record.called().len(), 11);
}
