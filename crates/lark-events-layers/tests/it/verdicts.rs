//! What the errors of handlers ask for: on both transports, and under every layer.

use std::time::Duration;

use lark_events::{
    BoxError, Delivery, Dispatcher, Outcome, RawReply, Reject, RetryAfter, UnhandledPolicy,
};
use lark_events_layers::{DedupLayer, InOrderLayer};
use lark_events_sim::Mode;
use tower::util::{BoxCloneService, option_layer};
use tower::{Layer as _, ServiceBuilder, service_fn};

use crate::passing::{delivery, pass};
use crate::support::event;
use crate::transports::{BOTH, answered, delivering};

type Handled = BoxCloneService<Delivery, Outcome, BoxError>;

fn error_of(delivery: &Delivery) -> BoxError {
    match delivery.header.event_type.as_str() {
        "retried_v1" => RetryAfter::new(Duration::from_secs(60), "busy").into(),
        "failing_v1" => "a failure".into(),
        _ => Reject::new("poison").into(),
    }
}

/// What fails by the handlers of a dispatcher, and by a service that is none.
fn failing() -> [Handled; 2] {
    let dispatcher = Dispatcher::builder().fallback(|event| async move {
        Err::<RawReply, _>(error_of(&Delivery::new(event.header, event.body)))
    });
    let service = service_fn(|delivery: Delivery| async move { Err(error_of(&delivery)) });
    let dispatcher = BoxCloneService::new(dispatcher.build().unwrap());
    [dispatcher, BoxCloneService::new(service)]
}

/// The table of the guide.
#[tokio::test(start_paused = true)]
async fn each_transport_answers_what_a_handler_asks_for() {
    for mode in BOTH {
        for service in failing() {
            let platform = delivering(mode, service, []).await;
            for (event_type, code) in [
                ("rejected_v1", 200),
                ("retried_v1", 500),
                ("failing_v1", 500),
                ("card.action.trigger", 500),
            ] {
                let mut push = platform.push(event(event_type));
                let (answer, _) = answered(&mut push).await;
                assert_eq!(answer, code, "{mode:?} {event_type}");
            }
        }
        // Without a handler it may be another process's.
        for (policy, code) in [
            (UnhandledPolicy::default(), 500),
            (UnhandledPolicy::Acknowledge, 200),
        ] {
            let dispatcher = Dispatcher::builder().unhandled(policy).build().unwrap();
            let platform = delivering(mode, dispatcher, []).await;
            let mut push = platform.push(event("new_v1"));
            assert_eq!(answered(&mut push).await.0, code, "{mode:?} {policy:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_transport_acknowledges_a_queued_event() {
    let queue = service_fn(async |_: Delivery| Ok::<_, BoxError>(Outcome::Queued));
    let service = BoxCloneService::new(DedupLayer::new().layer(queue));
    for mode in BOTH {
        let platform = delivering(mode, service.clone(), []).await;
        let mut push = platform.push(event("new_v1"));
        assert_eq!(answered(&mut push).await.0, 200, "{mode:?}");
    }
    for outcome in [Outcome::Queued, Outcome::Handled] {
        let passed = pass(&service, delivery("new_v1", "e-1")).await;
        assert_eq!(passed.unwrap(), outcome);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejected_event_is_never_handled_again() {
    for service in failing() {
        let dedup = DedupLayer::new();
        let service = dedup.layer(service);
        let rejected = pass(&service, delivery("rejected_v1", "e-1")).await;
        assert!(matches!(rejected, Ok(Outcome::Rejected(_))), "{rejected:?}");
        let again = pass(&service, delivery("rejected_v1", "e-1")).await;
        assert_eq!(again.unwrap(), Outcome::Handled);
        assert_eq!(dedup.stats().duplicates, 1);
        // A retry is no success.
        for _ in 0..2 {
            let retried = pass(&service, delivery("retried_v1", "e-2")).await;
            assert!(retried.unwrap_err().to_string().len() > 1);
        }
        assert_eq!(dedup.stats().duplicates, 1);
    }
}

/// Services of one error type, whether a layer is there or not.
#[tokio::test(start_paused = true)]
async fn every_layer_can_be_left_out() {
    for is_there in [true, false] {
        let dispatcher = Dispatcher::builder().on_raw("a_v1", |_| async move {});
        let service = ServiceBuilder::new()
            .layer(option_layer(is_there.then(DedupLayer::new)))
            .layer(option_layer(is_there.then(InOrderLayer::by_tenant)))
            .service(dispatcher.build().unwrap());
        #[cfg(feature = "metrics")]
        let service = {
            let metrics = is_there.then(lark_events_layers::MetricsLayer::new);
            option_layer(metrics).layer(service)
        };
        let handled = pass(&service, delivery("a_v1", "e")).await;
        assert_eq!(handled.unwrap(), Outcome::Handled);
        let platform = delivering(Mode::Webhook, service, []).await;
        assert_eq!(answered(&mut platform.push(event("a_v1"))).await.0, 200);
    }
}
