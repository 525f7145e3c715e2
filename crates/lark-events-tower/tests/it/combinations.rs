//! tower's own layers around the dispatcher: each refusal has its status, and the next event is
//! served.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use lark_events::{BoxError, Delivery, Dispatcher, Outcome};
use lark_events_tower::EventService;
use tokio::time::sleep;
use tower::{Service, ServiceBuilder};

use crate::support::{PATH, event, post, sealed, status, unsigned, watched, webhook};

#[tokio::test(start_paused = true)]
async fn a_load_shed_layer_refuses_with_503() {
    let shedding = ServiceBuilder::new().load_shed().concurrency_limit(1);
    let service = EventService::new(webhook(), shedding.service(watched().0));
    let both = tokio::join!(status(&service, post("slow_v1")), async {
        sleep(Duration::from_millis(100)).await;
        status(&service, post("quick_v1")).await
    });
    assert_eq!(both, (200, 503));
    assert_eq!(status(&service, post("quick_v1")).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_layer_fails_with_504() {
    let (dispatcher, seen) = watched();
    let bounded = ServiceBuilder::new().timeout(Duration::from_millis(100));
    let service = EventService::new(webhook(), bounded.service(dispatcher));
    assert_eq!(status(&service, post("slow_v1")).await, 504);
    assert_eq!((seen.started(), seen.finished()), (1, 0));
    assert_eq!(status(&service, post("quick_v1")).await, 200);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_waits_for_a_permit_past_the_deadline_is_never_started() {
    let (dispatcher, seen) = watched();
    let limited = ServiceBuilder::new()
        .concurrency_limit(1)
        .service(dispatcher);
    let service = EventService::builder(webhook(), limited)
        .ack_deadline(Duration::from_millis(200))
        .build();
    let both = tokio::join!(status(&service, post("slow_v1")), async {
        sleep(Duration::from_millis(100)).await;
        status(&service, post("quick_v1")).await
    });
    assert_eq!(both, (504, 504));
    assert_eq!((seen.started(), seen.finished()), (1, 0));
    sleep(Duration::from_millis(200)).await;
    assert_eq!(status(&service, post("quick_v1")).await, 200);
    assert_eq!(seen.finished(), 2);
}

/// Counts how often it is asked whether it is ready.
#[derive(Clone)]
struct Counting {
    inner: Dispatcher,
    asked: Arc<AtomicUsize>,
}

impl Service<Delivery> for Counting {
    type Response = Outcome;
    type Error = BoxError;
    type Future = Ready<Result<Outcome, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, _: Delivery) -> Self::Future {
        ready(Ok(Outcome::Handled))
    }
}

#[tokio::test]
async fn a_forged_request_never_asks_for_a_permit() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counting = Counting {
        inner: watched().0,
        asked: Arc::clone(&asked),
    };
    let service = EventService::new(webhook(), counting);
    let forged = unsigned(sealed(&event("quick_v1", "{}")));
    assert_eq!(status(&service, forged).await, 401);
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    assert_eq!(status(&service, post("quick_v1")).await, 200);
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

/// Fails, or panics, as a layer with a defect would.
#[derive(Clone)]
struct Defective {
    ready: bool,
    panics: bool,
}

impl Service<Delivery> for Defective {
    type Response = Outcome;
    type Error = BoxError;
    type Future = Ready<Result<Outcome, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        assert!(!self.panics || self.ready, "a layer's own panic");
        Poll::Ready(if self.ready {
            Ok(())
        } else {
            Err("not ready".into())
        })
    }

    fn call(&mut self, _: Delivery) -> Self::Future {
        assert!(!self.panics, "a layer's own panic");
        ready(Err("a layer's own failure".into()))
    }
}

#[tokio::test]
async fn a_defective_layer_is_500_and_nothing_worse() {
    for (ready, panics) in [(false, false), (false, true), (true, false), (true, true)] {
        let service = EventService::new(webhook(), Defective { ready, panics });
        for _ in 0..2 {
            assert_eq!(status(&service, post("quick_v1")).await, 500);
        }
        assert_eq!(service.stats().running, 0);
    }
}

#[tokio::test]
async fn a_handler_error_that_wraps_a_time_out_is_still_the_handlers() {
    let elapsed = || -> Result<(), BoxError> { Err(tower::timeout::error::Elapsed::new().into()) };
    let dispatcher = Dispatcher::builder()
        .on_raw("quick_v1", move |_| async move { elapsed() })
        .build()
        .unwrap();
    let service = EventService::new(webhook(), dispatcher);
    assert_eq!(status(&service, post("quick_v1")).await, 500);
}

#[tokio::test(start_paused = true)]
async fn refusals_by_layers_are_counted_like_our_own() {
    let refusing = ServiceBuilder::new().load_shed().concurrency_limit(1);
    let refusing = refusing
        .timeout(Duration::from_millis(100))
        .service(watched().0);
    let service = EventService::new(webhook(), refusing);
    let both = tokio::join!(status(&service, post("slow_v1")), async {
        sleep(Duration::from_millis(50)).await;
        status(&service, post("quick_v1")).await
    });
    assert_eq!(both, (504, 503));
    assert_eq!(
        (service.stats().deadline_missed, service.stats().overloaded),
        (1, 1)
    );
}

#[tokio::test]
async fn a_service_that_is_not_sync_will_do() {
    let boxed = tower::util::BoxCloneService::new(watched().0);
    let service = EventService::new(webhook(), boxed);
    let app: axum::Router = axum::Router::new().route_service(PATH, service);
    let request = post("quick_v1").map(axum::body::Body::new);
    assert_eq!(status(&app, request).await, 200);
}

/// A service whose error is none of ours needs only to become a boxed error.
#[tokio::test]
async fn any_error_type_will_do() {
    let service = tower::service_fn(|_: Delivery| ready(Ok::<_, Infallible>(Outcome::Handled)));
    let service = EventService::new(webhook(), service);
    assert_eq!(status(&service, post("quick_v1")).await, 200);
}
