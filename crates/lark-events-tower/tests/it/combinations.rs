//! tower's own layers around the dispatcher: each refusal has its status, and the next event is
//! served.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use lark_events::dispatch::DispatchFuture;
use lark_events::{BoxError, Delivery, Dispatcher, Outcome};
use lark_events_tower::EventService;
use tokio::time::{Sleep, sleep};
use tower::{Service, ServiceBuilder};

use crate::support::{PATH, event, post, request, status, unsigned, watched, webhook};

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
        .build()
        .unwrap();
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
    let forged = unsigned(request(event("quick_v1")).into_body());
    assert_eq!(status(&service, forged).await, 401);
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    assert_eq!(status(&service, post("quick_v1")).await, 200);
    assert_eq!(asked.load(Ordering::Relaxed), 1);

    service.drain(Duration::ZERO).await.unwrap();
    assert_eq!(status(&service, post("quick_v1")).await, 503);
    assert_eq!(
        asked.load(Ordering::Relaxed),
        1,
        "nor does an event while draining"
    );
}

/// Ready after a while.
struct Slow {
    inner: Dispatcher,
    delay: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Clone for Slow {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            delay: self.delay,
            sleep: None,
        }
    }
}

impl Service<Delivery> for Slow {
    type Response = Outcome;
    type Error = BoxError;
    type Future = DispatchFuture;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        let delay = self.delay;
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(delay)));
        sleep.as_mut().poll(context).map(Ok)
    }

    fn call(&mut self, delivery: Delivery) -> DispatchFuture {
        self.inner.call(delivery)
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_ready_only_at_the_deadline_is_not_called() {
    let (dispatcher, seen) = watched();
    let slow = Slow {
        inner: dispatcher,
        delay: Duration::from_secs(1),
        sleep: None,
    };
    for (deadline, expected, started) in [(1_000, 504, 0), (1_001, 200, 1)] {
        let service = EventService::builder(webhook(), slow.clone())
            .ack_deadline(Duration::from_millis(deadline))
            .build()
            .unwrap();
        assert_eq!(status(&service, post("quick_v1")).await, expected);
        assert_eq!(seen.started(), started);
    }
}

/// An error of a layer's own around another.
#[derive(Debug)]
struct Wrapped(BoxError);

impl std::fmt::Display for Wrapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("wrapped")
    }
}

impl std::error::Error for Wrapped {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrapped_error_has_the_status_of_what_it_wraps() {
    let wrapping = ServiceBuilder::new()
        .map_err(|error: BoxError| Wrapped(error))
        .load_shed()
        .concurrency_limit(1)
        .timeout(Duration::from_millis(100));
    let service = EventService::new(webhook(), wrapping.service(watched().0));
    let both = tokio::join!(status(&service, post("slow_v1")), async {
        sleep(Duration::from_millis(50)).await;
        status(&service, post("quick_v1")).await
    });
    assert_eq!(both, (504, 503));
    assert_eq!(status(&service, post("failing_v1")).await, 500);
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
