//! Acknowledging first: what is taken, in which order and how much of it at once is handled, and
//! what becomes of it at the end.

use std::time::Duration;

use lark_events::{Outcome, RawJson};
use lark_events_layers::{
    AckFirstLayer, DedupLayer, InOrderLayer, LayerBuildErrorKind, LayerError, LayerErrorKind,
};
use lark_events_sim::{Mode, Platform};
use tokio::time::{Instant, sleep};
use tower::{Layer as _, ServiceBuilder};

use crate::in_order::recording;
use crate::passing::{delivery, pass, refusal};
use crate::support::{Seen, event, watched};
use crate::transports::{BOTH, answered, delivering};

fn counts(seen: &Seen) -> (usize, usize) {
    (seen.started(), seen.finished())
}

async fn refused_with<S>(service: &S, event_type: &str) -> LayerErrorKind
where
    S: tower::Service<lark_events::Delivery, Response = Outcome> + Clone,
    S::Error: Into<lark_events::BoxError>,
{
    refusal(
        pass(service, delivery(event_type, "e"))
            .await
            .map_err(Into::into),
    )
}

#[tokio::test(start_paused = true)]
async fn an_event_is_acknowledged_at_once_and_handled_afterwards() {
    for mode in BOTH {
        let (dispatcher, seen) = watched();
        let ack_first = AckFirstLayer::new();
        let platform = delivering(mode, ack_first.layer(dispatcher), []).await;
        for event_type in [
            "slow_v1",
            "failing_v1",
            "panicking_v1",
            "hanging_v1",
            "quick_v1",
        ] {
            let answer = answered(&mut platform.push(event(event_type))).await;
            assert_eq!(answer, (200, 0), "{event_type} by {mode:?}");
        }
        sleep(Duration::from_millis(401)).await;
        assert_eq!(counts(&seen), (3, 2));
        let stats = ack_first.stats();
        assert_eq!((stats.handled, stats.failed), (2, 2));
        assert_eq!((stats.waiting, stats.running), (0, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_and_serves_on() {
    for (mode, refused) in [(Mode::Webhook, 503), (Mode::LongConnection, 500)] {
        let (dispatcher, seen) = watched();
        let ack_first = AckFirstLayer::builder()
            .max_waiting(1)
            .max_running(1)
            .build()
            .unwrap();
        let platform = delivering(mode, ack_first.layer(dispatcher), []).await;
        let code =
            async |platform: &Platform| answered(&mut platform.push(event("slow_v1"))).await.0;
        assert_eq!(code(&platform).await, 200);
        assert_eq!(code(&platform).await, 200);
        assert_eq!(
            (ack_first.stats().waiting, ack_first.stats().running),
            (1, 1)
        );
        assert_eq!(code(&platform).await, refused, "{mode:?}");
        sleep(Duration::from_millis(401)).await;
        assert_eq!(code(&platform).await, 200, "{mode:?}");
        sleep(Duration::from_secs(1)).await;
        assert_eq!(counts(&seen), (3, 3));
        assert_eq!(
            (ack_first.stats().overloaded, ack_first.stats().handled),
            (1, 3)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn callbacks_are_refused_as_they_need_their_answer() {
    for mode in BOTH {
        let (dispatcher, seen) = watched();
        let ack_first = AckFirstLayer::new();
        let platform = delivering(mode, ack_first.layer(dispatcher), []).await;
        assert_eq!(
            answered(&mut platform.push(event("profile.view.get"))).await,
            (500, 0)
        );
        assert_eq!(
            answered(&mut platform.push(event("quick_v1"))).await,
            (200, 0)
        );
        sleep(Duration::from_millis(1)).await;
        assert_eq!(counts(&seen), (1, 1));
        assert_eq!(ack_first.stats().overloaded, 0);
    }
    let service = AckFirstLayer::new().layer(watched().0);
    assert_eq!(
        refused_with(&service, "profile.view.get").await,
        LayerErrorKind::Callback
    );
    // An event of the old envelope is none, in the new one either.
    let old = pass(&service, delivery("approval_instance", "e")).await;
    assert_eq!(old.unwrap(), Outcome::Handled);
}

#[tokio::test(start_paused = true)]
async fn events_start_in_the_order_of_their_acknowledgement_as_workers_get_free() {
    let (service, record) = recording(Duration::from_secs(1));
    let ack_first = AckFirstLayer::builder().max_running(2).build().unwrap();
    let service = ack_first.layer(service);
    let began = Instant::now();
    for id in 0..6 {
        pass(&service, delivery("x_v1", &id.to_string()))
            .await
            .unwrap();
    }
    assert_eq!(
        (ack_first.stats().waiting, ack_first.stats().running),
        (6, 0)
    );
    ack_first.drain(Duration::from_secs(10)).await.unwrap();
    assert_eq!(began.elapsed(), Duration::from_secs(3));
    assert_eq!(record.started(), ["0", "1", "2", "3", "4", "5"]);
    assert_eq!(record.most_at_once(), 2);
    assert_eq!(ack_first.stats().handled, 6);
}

#[tokio::test(start_paused = true)]
async fn the_bytes_of_waiting_events_are_bounded_and_given_back() {
    let ack_first = AckFirstLayer::builder()
        .max_bytes_in_flight(20)
        .build()
        .unwrap();
    let service = ack_first.layer(watched().0);
    let of_length = |length: usize| {
        let mut delivery = delivery("slow_v1", "e");
        delivery.raw = RawJson::parse(" ".repeat(length - 2) + "{}").unwrap();
        delivery
    };
    pass(&service, of_length(10)).await.unwrap();
    let refused = pass(&service, of_length(11)).await.unwrap_err();
    let refused = refused.downcast_ref::<LayerError>().unwrap();
    assert_eq!(refused.kind(), LayerErrorKind::Overloaded);
    pass(&service, of_length(10)).await.unwrap();
    sleep(Duration::from_millis(401)).await;
    pass(&service, of_length(20)).await.unwrap();
    sleep(Duration::from_millis(401)).await;
    assert!(pass(&service, of_length(21)).await.is_err());
    assert_eq!(ack_first.stats().handled, 3);
}

#[tokio::test(start_paused = true)]
async fn a_drain_handles_what_was_acknowledged_and_takes_no_more() {
    for (mode, refused) in [(Mode::Webhook, 503), (Mode::LongConnection, 500)] {
        let (dispatcher, seen) = watched();
        let ack_first = AckFirstLayer::builder().max_running(1).build().unwrap();
        let platform = delivering(mode, ack_first.layer(dispatcher), []).await;
        for _ in 0..3 {
            answered(&mut platform.push(event("slow_v1"))).await;
        }
        let began = Instant::now();
        let (drained, code) = tokio::join!(ack_first.drain(Duration::from_secs(10)), async {
            sleep(Duration::from_millis(1)).await;
            answered(&mut platform.push(event("quick_v1"))).await.0
        });
        assert_eq!((drained, code), (Ok(()), refused), "{mode:?}");
        assert_eq!(began.elapsed(), Duration::from_millis(1_200));
        assert_eq!(counts(&seen), (3, 3));
        assert_eq!(ack_first.drain(Duration::ZERO).await, Ok(()), "again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_is_bounded_and_says_how_much_is_lost() {
    let (dispatcher, seen) = watched();
    let ack_first = AckFirstLayer::builder().max_running(2).build().unwrap();
    let service = ack_first.layer(dispatcher);
    for event_type in ["hanging_v1", "slow_v1", "hanging_v1", "quick_v1"] {
        pass(&service, delivery(event_type, "e")).await.unwrap();
    }
    let began = Instant::now();
    let error = ack_first.drain(Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(
        (error.cancelled(), began.elapsed()),
        (3, Duration::from_secs(1))
    );
    assert_eq!(counts(&seen), (3, 1), "the last was not started");
    let stats = ack_first.stats();
    assert_eq!((stats.handled, stats.cancelled, stats.failed), (1, 3, 0));
    assert_eq!((stats.waiting, stats.running), (0, 0));
    assert_eq!(
        refused_with(&service, "quick_v1").await,
        LayerErrorKind::Draining
    );
}

#[tokio::test(start_paused = true)]
async fn of_two_drains_both_hear_of_what_is_lost() {
    let (dispatcher, _) = watched();
    let ack_first = AckFirstLayer::new();
    let service = ack_first.layer(dispatcher);
    for _ in 0..3 {
        pass(&service, delivery("hanging_v1", "")).await.unwrap();
    }
    let (soon, late) = tokio::join!(
        ack_first.drain(Duration::from_secs(1)),
        ack_first.drain(Duration::from_secs(60))
    );
    assert_eq!(soon.unwrap_err().cancelled(), 3);
    assert_eq!(late.unwrap_err().cancelled(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_was_acknowledged_is_handled_even_when_everything_is_dropped() {
    let (dispatcher, seen) = watched();
    let service = AckFirstLayer::builder()
        .max_running(1)
        .build()
        .unwrap()
        .layer(dispatcher);
    for _ in 0..3 {
        pass(&service, delivery("slow_v1", "e")).await.unwrap();
    }
    drop(service);
    sleep(Duration::from_millis(1_201)).await;
    assert_eq!(counts(&seen), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_failing_or_panicking_handler_frees_its_worker() {
    let (dispatcher, seen) = watched();
    let ack_first = AckFirstLayer::builder().max_running(1).build().unwrap();
    let service = ack_first.layer(dispatcher);
    let timed = ServiceBuilder::new()
        .layer(ack_first.clone())
        .timeout(Duration::from_secs(1));
    let timed = timed.service(watched().0);
    for event_type in ["failing_v1", "panicking_v1"] {
        pass(&service, delivery(event_type, "e")).await.unwrap();
    }
    // Not even the dispatcher is there to catch this one.
    let defective = ack_first.layer(tower::service_fn(|_| async {
        if true {
            panic!("a layer's own panic");
        }
        Ok::<_, lark_events::BoxError>(Outcome::Handled)
    }));
    pass(&defective, delivery("x_v1", "e")).await.unwrap();
    pass(&timed, delivery("hanging_v1", "e")).await.unwrap();
    pass(&service, delivery("quick_v1", "e")).await.unwrap();
    ack_first.drain(Duration::from_secs(2)).await.unwrap();
    assert_eq!(counts(&seen), (1, 1));
    let stats = ack_first.stats();
    assert_eq!((stats.handled, stats.failed, stats.running), (1, 4, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn inside_of_it_events_of_one_key_keep_the_order_of_their_acknowledgement() {
    let (service, record) = recording(Duration::ZERO);
    let ack_first = AckFirstLayer::builder()
        .max_waiting(10_000)
        .max_running(64)
        .build()
        .unwrap();
    let in_order = InOrderLayer::by(|delivery| Some(delivery.header.event_type.clone()));
    let layers = ServiceBuilder::new()
        .layer(ack_first.clone())
        .layer(in_order);
    let service = layers.service(service);
    let ids: Vec<_> = (0..5_000).map(|id: u32| id.to_string()).collect();
    for id in &ids {
        pass(&service, delivery("x_v1", id)).await.unwrap();
    }
    ack_first.drain(Duration::from_secs(60)).await.unwrap();
    assert_eq!(record.started(), ids);
    assert_eq!(record.most_at_once(), 1);
}

#[tokio::test]
async fn none_may_wait_and_one_is_handled() {
    let builder = AckFirstLayer::builder().max_running(1);
    let ack_first = builder.max_waiting(0).build().unwrap();
    let service = ack_first.layer(watched().0);
    pass(&service, delivery("quick_v1", "e")).await.unwrap();
    let error = pass(&service, delivery("quick_v1", "f")).await.unwrap_err();
    let error = error.downcast_ref::<LayerError>().unwrap();
    assert_eq!(error.kind(), LayerErrorKind::Overloaded);
    ack_first.drain(Duration::from_secs(1)).await.unwrap();
    assert_eq!(ack_first.stats().handled, 1);
}

#[test]
fn a_bound_or_a_time_of_0_is_an_error_that_names_it() {
    let ack_first = AckFirstLayer::builder();
    let bytes = ack_first.clone().max_bytes_in_flight(0).build();
    let lease = DedupLayer::builder().lease(Duration::ZERO).build();
    for (error, setting) in [
        (ack_first.max_running(0).build().unwrap_err(), "max_running"),
        (bytes.unwrap_err(), "max_bytes_in_flight"),
        (lease.unwrap_err(), "lease"),
    ] {
        assert_eq!(error.kind(), LayerBuildErrorKind::Zero);
        let said = format!("`{setting}` must be greater than 0, got 0");
        assert!(error.to_string().starts_with(&said), "{error}");
    }
}

#[tokio::test]
async fn clones_of_a_layer_share_its_events_and_those_of_a_builder_do_not() {
    let builder = AckFirstLayer::builder().max_running(2);
    let (ack_first, other) = (builder.clone().build().unwrap(), builder.build().unwrap());
    let clone = ack_first.clone();
    pass(&ack_first.layer(watched().0), delivery("quick_v1", "e"))
        .await
        .unwrap();
    clone.drain(Duration::from_secs(1)).await.unwrap();
    assert_eq!((clone.stats().handled, other.stats().handled), (1, 0));
}
