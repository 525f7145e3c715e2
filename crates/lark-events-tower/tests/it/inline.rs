//! Handlers in the task of the request: what holds for handlers in tasks of their own holds for them.
//!
//! The clock is paused until a type is known as prompt, so that its first handlers take no time.

use std::future::pending;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::Method;
use lark_events::{BoxError, Delivery, Outcome, Webhook};
use lark_events_layers::LayerError;
use lark_events_layers::run::unless_over;
use lark_events_sim::Document;
use lark_events_tower::{EventService, LateHandler};
use tokio::time::{Instant, sleep, timeout};
use tower::util::BoxCloneService;
use tower::{Service as _, ServiceExt as _, service_fn};

use crate::support::{post, posted, status, webhook};

const ACK_DEADLINE: Duration = Duration::from_millis(200);

/// What handlers do once their type is known as prompt.
#[derive(Clone, Copy, PartialEq)]
enum Act {
    Return,
    Panic,
    PanicInDrop,
    PanicInError,
    Block,
    Wait,
    WaitInLayer,
}

fn panics() {
    assert!(std::hint::black_box(false), "a panic's own text");
}

/// The error of a layer, or one that panics when it is converted.
struct Failure(Option<LayerError>);

impl From<Failure> for BoxError {
    fn from(Failure(error): Failure) -> Self {
        if error.is_none() {
            panics();
        }
        error
            .into_iter()
            .next()
            .map_or("no error".into(), Self::from)
    }
}

/// A future that may panic when it is dropped.
struct Handler<F>(Pin<Box<F>>, Act);

impl<F: Future> Future for Handler<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.0.as_mut().poll(context)
    }
}

impl<F> Drop for Handler<F> {
    fn drop(&mut self) {
        if self.1 == Act::PanicInDrop {
            panics();
        }
    }
}

#[derive(Default)]
struct Seen {
    called: AtomicUsize,
    /// Handlers whose first poll was outside any task, as the requests of these tests are.
    inline: AtomicUsize,
    finished: AtomicUsize,
}

impl Seen {
    /// The handlers of a known type: those polled inline, and those that finished.
    fn counts(&self) -> (usize, usize) {
        (
            self.inline.load(Ordering::Relaxed),
            self.finished.load(Ordering::Relaxed),
        )
    }
}

type Inner = BoxCloneService<Delivery, Outcome, Failure>;

/// A service for one handler and few bytes, and whose event type is known as prompt.
async fn known(act: Act, late: LateHandler) -> (EventService<Inner, Webhook>, Arc<Seen>) {
    let seen = Arc::new(Seen::default());
    let counted = Arc::clone(&seen);
    let inner = BoxCloneService::new(service_fn(move |_: Delivery| {
        let seen = Arc::clone(&counted);
        let is_known = seen.called.fetch_add(1, Ordering::Relaxed) >= 2;
        let act = if is_known { act } else { Act::Return };
        let handler = async move {
            if is_known && tokio::task::try_id().is_none() {
                seen.inline.fetch_add(1, Ordering::Relaxed);
            }
            match act {
                Act::Return | Act::PanicInDrop => {}
                Act::Panic => panics(),
                Act::PanicInError => return Err(Failure(None)),
                Act::Block => std::thread::sleep(ACK_DEADLINE),
                Act::Wait => sleep(2 * ACK_DEADLINE).await,
                Act::WaitInLayer => unless_over(pending())
                    .await
                    .map_err(|over| Failure(Some(over)))?,
            }
            if is_known {
                seen.finished.fetch_add(1, Ordering::Relaxed);
            }
            Ok(Outcome::Handled)
        };
        Handler(Box::pin(handler), act)
    }));
    let service = EventService::builder(webhook(), inner)
        .ack_deadline(ACK_DEADLINE)
        .late(late)
        .max_running(1)
        .max_bytes_in_flight(2_000)
        .build()
        .unwrap();
    for _ in 0..2 {
        assert_eq!(status(&service, post("known_v1")).await, 200);
    }
    (service, seen)
}

#[tokio::test(start_paused = true)]
async fn slots_and_bytes_are_returned() {
    let (service, seen) = known(Act::Return, LateHandler::Finish).await;
    // Beyond what needs no share of the bytes in flight.
    let large = || posted(Document::v2("known_v1", &"x".repeat(12_500)).unwrap());
    for _ in 0..3 {
        assert_eq!(status(&service, large()).await, 200);
    }
    assert_eq!(seen.counts(), (3, 3));
    assert_eq!(service.stats().running, 0);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_500_and_returns_the_slot() {
    for act in [Act::Panic, Act::PanicInDrop, Act::PanicInError] {
        let (service, seen) = known(act, LateHandler::Finish).await;
        for _ in 0..3 {
            assert_eq!(status(&service, post("known_v1")).await, 500);
        }
        assert_eq!(seen.counts().0, 3);
        assert_eq!(service.stats().running, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_blocks_beyond_the_ack_deadline_is_answered_504() {
    let (service, seen) = known(Act::Block, LateHandler::Finish).await;
    tokio::time::resume();
    assert_eq!(status(&service, post("known_v1")).await, 504);
    assert_eq!(seen.counts(), (1, 1));
    let stats = service.stats();
    assert_eq!((stats.running, stats.deadline_missed), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_waits_goes_on_after_a_hang_up() {
    let (service, seen) = known(Act::Wait, LateHandler::Finish).await;
    let answer = service.clone().oneshot(post("known_v1"));
    assert!(timeout(ACK_DEADLINE / 2, answer).await.is_err());
    assert_eq!(service.stats().running, 1);
    assert_eq!(status(&service, post("known_v1")).await, 503);
    sleep(2 * ACK_DEADLINE).await;
    assert_eq!(seen.counts(), (1, 1));
    assert_eq!(service.stats().running, 0);
}

#[tokio::test(start_paused = true)]
async fn a_late_handler_finishes_or_is_cancelled_by_choice() {
    for (late, finished) in [(LateHandler::Finish, 1), (LateHandler::Cancel, 0)] {
        let (service, seen) = known(Act::Wait, late).await;
        let asked = Instant::now();
        assert_eq!(status(&service, post("known_v1")).await, 504);
        assert_eq!(asked.elapsed(), ACK_DEADLINE);
        sleep(2 * ACK_DEADLINE).await;
        assert_eq!(seen.counts(), (1, finished));
        let stats = service.stats();
        assert_eq!((stats.running, stats.deadline_missed), (0, 1));
        assert_eq!(stats.cancelled, 1 - finished as u64);
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_a_handler_that_waits() {
    let (service, seen) = known(Act::Wait, LateHandler::Finish).await;
    let (answered, drained) = tokio::join!(status(&service, post("known_v1")), async {
        sleep(ACK_DEADLINE / 2).await;
        service.drain(Duration::from_secs(10)).await
    });
    assert_eq!((answered, drained), (504, Ok(())));
    assert_eq!(seen.counts(), (1, 1));
    assert_eq!(status(&service, post("known_v1")).await, 503);
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_waits_is_limited_by_the_ack_deadline_and_a_drain() {
    let (service, seen) = known(Act::WaitInLayer, LateHandler::Finish).await;
    let asked = Instant::now();
    assert_eq!(status(&service, post("known_v1")).await, 504);
    assert_eq!(asked.elapsed(), ACK_DEADLINE);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(service.stats().running, 0);
    let (answered, drained) = tokio::join!(status(&service, post("known_v1")), async {
        sleep(ACK_DEADLINE / 2).await;
        service.drain(Duration::from_secs(10)).await
    });
    assert_eq!((answered, drained), (503, Ok(())));
    assert_eq!(seen.counts(), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn only_the_answer_of_an_inline_handler_waits_for_a_turn() {
    let (mut service, _) = known(Act::Return, LateHandler::Finish).await;
    let mut context = Context::from_waker(Waker::noop());
    let mut answer = pin!(service.call(post("known_v1")));
    assert!(answer.as_mut().poll(&mut context).is_pending());
    assert!(answer.as_mut().poll(&mut context).is_ready());
    let mut refused = post("known_v1");
    *refused.method_mut() = Method::GET;
    let mut answer = pin!(service.call(refused));
    assert!(answer.as_mut().poll(&mut context).is_ready());
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "polled after it was ready")]
async fn an_answer_that_is_polled_again_panics() {
    let (mut service, _) = known(Act::Return, LateHandler::Finish).await;
    let mut answer = service.call(post("known_v1"));
    assert!((&mut answer).await.is_ok());
    let _ = answer.await;
}
