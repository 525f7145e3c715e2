//! Receiving: what is acknowledged, what is refused, and what passes.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use lark_events::{BoxError, Delivery, Outcome, RawJson};
use lark_events_inbox::{Inbox, Pushed, VolatileStore};
use lark_events_layers::{LayerBuildErrorKind, LayerErrorKind};
use lark_events_sim::Mode;
use tokio::time::{Instant, sleep};

use crate::app::{SECOND, event, pass, recording, refusal, running, taking, volatile};
use crate::support::{event as document, watched};
use crate::transports::{BOTH, answered, delivering};

#[tokio::test(start_paused = true)]
async fn an_event_is_acknowledged_at_once_and_handled_afterwards() {
    for mode in BOTH {
        let (dispatcher, seen) = watched();
        let (_, builder) = volatile();
        let worked = running(builder, dispatcher).await;
        let platform = delivering(mode, worked.inbox.clone(), []).await;
        for event_type in [
            "slow_v1",
            "failing_v1",
            "panicking_v1",
            "hanging_v1",
            "quick_v1",
        ] {
            let answer = answered(&mut platform.push(document(event_type))).await;
            assert_eq!(answer, (200, 0), "{event_type} by {mode:?}");
        }
        sleep(Duration::from_millis(401)).await;
        assert_eq!((seen.started(), seen.finished()), (3, 2), "{mode:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_redelivery_is_acknowledged_and_not_handled_again() {
    for mode in BOTH {
        let (service, record) = taking(SECOND);
        let (_, builder) = volatile();
        let worked = running(builder, service).await;
        let platform = delivering(mode, worked.inbox.clone(), []).await;
        for wait in [Duration::ZERO, SECOND / 2, 60 * SECOND] {
            sleep(wait).await;
            let mut push = platform.push(document("x_v1").event_id("same"));
            assert_eq!(answered(&mut push).await.0, 200, "{mode:?}");
        }
        sleep(10 * SECOND).await;
        assert_eq!(record.ids(), ["same"], "{mode:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn callbacks_go_straight_to_the_service_whatever_the_workers_do() {
    for mode in BOTH {
        let (service, record) = recording(|delivery: Delivery| async move {
            if delivery.is_callback() {
                return Ok(Outcome::Replied(RawJson::default()));
            }
            sleep(1_000 * SECOND).await;
            Ok(Outcome::Handled)
        });
        let (_, builder) = volatile();
        let worked = running(builder.workers(1), service).await;
        let platform = delivering(mode, worked.inbox.clone(), []).await;
        for _ in 0..3 {
            answered(&mut platform.push(document("x_v1"))).await;
        }
        for _ in 0..3 {
            let mut push = platform.push(document("profile.view.get"));
            assert_eq!(answered(&mut push).await, (200, 0), "{mode:?}");
        }
        let attempts = record.attempts();
        let callbacks = attempts.iter().filter(|(_, attempt)| *attempt == 0);
        assert_eq!((attempts.len(), callbacks.count()), (4, 3));
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_store_refuses_and_takes_again() {
    for (mode, refused) in [(Mode::Webhook, 503), (Mode::LongConnection, 500)] {
        let (dispatcher, seen) = watched();
        let store = VolatileStore::builder().max_events(2).build().unwrap();
        let builder = Inbox::builder(Arc::new(store)).workers(1);
        let worked = running(builder, dispatcher).await;
        let platform = delivering(mode, worked.inbox.clone(), []).await;
        let code = async || answered(&mut platform.push(document("slow_v1"))).await.0;
        assert_eq!((code().await, code().await), (200, 200));
        assert_eq!(code().await, refused, "{mode:?}");
        sleep(Duration::from_millis(401)).await;
        assert_eq!(code().await, 200, "{mode:?}");
        sleep(SECOND).await;
        assert_eq!((seen.started(), seen.finished()), (3, 3));
    }
}

#[tokio::test(start_paused = true)]
async fn the_bytes_of_stored_events_are_bounded_and_given_back() {
    let store = VolatileStore::builder().max_bytes(10_000).build().unwrap();
    let builder = Inbox::builder(Arc::new(store));
    let worked = running(builder, watched().0).await;
    let of_length = |id: u32, length: usize| {
        let mut delivery = event(None, id);
        delivery.header.event_type = "slow_v1".to_owned();
        delivery.raw = RawJson::parse(" ".repeat(length - 2) + "{}").unwrap();
        delivery
    };
    pass(&worked.inbox, of_length(1, 8_000)).await.unwrap();
    let refused = pass(&worked.inbox, of_length(2, 2_000)).await;
    assert_eq!(refusal(refused), LayerErrorKind::Overloaded);
    sleep(Duration::from_millis(401)).await;
    pass(&worked.inbox, of_length(3, 8_000)).await.unwrap();
    sleep(Duration::from_millis(401)).await;
    let refused = pass(&worked.inbox, of_length(4, 10_000)).await;
    assert_eq!(refusal(refused), LayerErrorKind::Overloaded);
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_judged_event_by_event() {
    let store = VolatileStore::builder().max_events(2).build().unwrap();
    let builder = Inbox::builder(Arc::new(store));
    let worked = running(builder, taking(SECOND).0).await;
    // All five wait for the same append.
    let pass = |id: u32| pass(&worked.inbox, event(None, id));
    let (first, again, second, third, old) =
        tokio::join!(pass(1), pass(1), pass(2), pass(3), pass(2));
    assert!(first.is_ok() && again.is_ok() && second.is_ok() && old.is_ok());
    assert_eq!(refusal(third), LayerErrorKind::Overloaded);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_dies_with_the_process_takes_nothing_while_no_worker_runs() {
    let (service, record) = taking(SECOND);
    let (_, builder) = volatile();
    let worked = running(builder.clone(), service.clone()).await;
    let inbox = worked.inbox.clone();
    pass(&inbox, event(None, 1)).await.unwrap();
    let stopping = worked.begin_stop();
    tokio::task::yield_now().await;
    let refused = pass(&inbox, event(None, 2)).await;
    assert_eq!(refusal(refused), LayerErrorKind::Draining);
    stopping.await.unwrap().unwrap();
    let refused = pass(&inbox, event(None, 3)).await;
    assert_eq!(refusal(refused), LayerErrorKind::NoWorker);
    assert_eq!(record.ids(), ["1"]);

    let worked = running(builder.clone(), service.clone()).await;
    pass(&inbox, event(None, 4)).await.unwrap();
    worked.kill();
    tokio::task::yield_now().await;
    let refused = pass(&inbox, event(None, 5)).await;
    assert_eq!(refusal(refused), LayerErrorKind::NoWorker, "killed");
}

#[tokio::test(start_paused = true)]
async fn a_handler_puts_the_slow_half_of_a_callback_into_the_queue() {
    let (_, builder) = volatile();
    let queue = builder.clone().queue().unwrap();
    let (service, record) = recording(move |delivery: Delivery| {
        let queue = queue.clone();
        async move {
            if delivery.is_callback() {
                let pushed = queue.push(event(None, "slow half")).await?;
                assert_eq!(pushed, Pushed::New);
                return Ok(Outcome::Replied(RawJson::default()));
            }
            sleep(10 * SECOND).await;
            Ok::<_, BoxError>(Outcome::Handled)
        }
    });
    let worked = running(builder, service).await;
    let platform = delivering(Mode::Webhook, worked.inbox.clone(), []).await;
    let mut push = platform.push(document("card.action.trigger"));
    assert_eq!(answered(&mut push).await, (200, 0));
    sleep(SECOND).await;
    assert!(record.ids().contains(&"slow half".to_owned()));
    let again = worked.inbox.push(event(None, "slow half")).await;
    assert_eq!(again.unwrap(), Pushed::Duplicate);
}

#[tokio::test(start_paused = true)]
async fn a_callback_in_the_queue_is_handled_like_an_event() {
    let (service, record) = recording(|_| async { Ok(Outcome::Replied(RawJson::default())) });
    let (_, builder) = volatile();
    let worked = running(builder, service).await;
    let mut callback = event(None, "c");
    callback.header.event_type = "card.action.trigger".to_owned();
    callback.kind = lark_events::event::DeliveryKind::Callback;
    worked.inbox.queue().push(callback).await.unwrap();
    sleep(SECOND).await;
    assert_eq!(record.attempts(), [("c".to_owned(), 1)]);
    let status = worked.inbox.monitor().status().await.unwrap();
    assert_eq!((status.ready, status.waiting, status.dead), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn keys_are_remembered_for_hours_and_the_oldest_are_forgotten_first() {
    let one = NonZeroUsize::new(2).unwrap();
    let store = VolatileStore::builder().max_events(1).remembered(one);
    let builder = Inbox::builder(Arc::new(store.build().unwrap()));
    let worked = running(builder, taking(SECOND).0).await;
    let push = async |id: u32| {
        sleep(2 * SECOND).await;
        worked.inbox.queue().push(event(None, id)).await.unwrap()
    };
    assert_eq!((push(1).await, push(2).await), (Pushed::New, Pushed::New));
    assert_eq!(
        (push(1).await, push(2).await),
        (Pushed::Duplicate, Pushed::Duplicate)
    );
    assert_eq!(push(3).await, Pushed::New);
    assert_eq!(push(1).await, Pushed::New, "forgotten");
    assert_eq!(push(3).await, Pushed::Duplicate);
    sleep(Duration::from_hours(8)).await;
    assert_eq!(push(3).await, Pushed::New);
}

#[tokio::test(start_paused = true)]
async fn workers_bound_the_events_that_run_at_once() {
    let (service, record) = taking(SECOND);
    let (_, builder) = volatile();
    let worked = running(builder.workers(2), service).await;
    let began = Instant::now();
    for id in 0..6 {
        pass(&worked.inbox, event(None, id)).await.unwrap();
    }
    worked.stop().await.unwrap();
    assert_eq!(began.elapsed(), 3 * SECOND);
    assert_eq!(record.ids(), ["0", "1", "2", "3", "4", "5"]);
    assert_eq!(record.most_at_once(), 2);
}

#[test]
fn a_limit_or_a_time_of_0_is_an_error_that_names_it() {
    let builder = || Inbox::builder(Arc::new(VolatileStore::new()));
    for (builder, setting) in [
        (builder().workers(0), "workers"),
        (builder().attempts(0), "attempts"),
        (builder().lease(Duration::ZERO), "lease"),
        (builder().append_timeout(Duration::ZERO), "append_timeout"),
        (builder().backoff(Duration::ZERO, SECOND), "backoff"),
    ] {
        let error = builder.clone().build(()).unwrap_err();
        assert_eq!(error.kind(), LayerBuildErrorKind::Zero);
        let expected = format!("`{setting}` must be greater than 0, got 0");
        assert!(error.to_string().starts_with(&expected), "{error}");
        assert!(builder.queue().is_err());
    }
    for store in [
        VolatileStore::builder().max_events(0),
        VolatileStore::builder().max_bytes(0),
    ] {
        assert_eq!(store.build().unwrap_err().kind(), LayerBuildErrorKind::Zero);
    }
    let pointer = builder().lane_by_pointer("chat_id").build(()).unwrap_err();
    assert_eq!(pointer.kind(), LayerBuildErrorKind::InvalidPointer);
}
