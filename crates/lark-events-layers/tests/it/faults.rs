//! Handlers that do what they must not: whatever one does under whichever layer, on either transport,
//! its event has the documented answer, and so has its redelivery, and the next event is served.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use lark_events::{BoxError, Delivery, Dispatcher, LateHandler, Outcome};
#[cfg(feature = "metrics")]
use lark_events_layers::MetricsLayer;
use lark_events_layers::{DedupLayer, InOrderLayer};
use lark_events_sim::{Document, Mode};
use lark_events_tower::EventService;
use tokio::time::{sleep, timeout};
use tower::util::BoxCloneService;
use tower::{ServiceBuilder, ServiceExt as _};

use crate::misbehaving::{DETACHED, Explosive, FAULTS, Fault, blocking, dispatcher};
use crate::support::{event, post, status, webhook};
use crate::transports::{BOTH, answered, delivering};

/// What is around the dispatcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer {
    None,
    Dedup,
    InOrder,
    #[cfg(feature = "metrics")]
    Metrics,
    Timeout,
    /// To one at a time.
    Limit,
    /// What would be more than one at a time.
    Shed,
    /// All that can be around a handler that is cut off, the time-out innermost.
    TimeoutInside,
    /// The same, the time-out outermost.
    TimeoutOutside,
}

const LAYERS: &[Layer] = &[
    Layer::None,
    Layer::Dedup,
    Layer::InOrder,
    #[cfg(feature = "metrics")]
    Layer::Metrics,
    Layer::Timeout,
    Layer::Limit,
    Layer::Shed,
    Layer::TimeoutInside,
    Layer::TimeoutOutside,
];

/// When a time-out layer cuts off, and when a transport does by default: in milliseconds.
const CUT_OFF: u64 = 100;
const DEADLINE: u64 = 2_500;
/// How long anything may take that takes real time.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is answered, after how many milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Handled,
    Failed,
    Refused,
    Late(u64),
}

impl Says {
    /// The status of a webhook, or the code of an acknowledgement.
    fn by(self, mode: Mode) -> (i64, u128) {
        let by_webhook = mode == Mode::Webhook;
        let (code, after) = match self {
            Self::Handled => (200, 0),
            Self::Failed => (500, 0),
            Self::Refused => (if by_webhook { 503 } else { 500 }, 0),
            Self::Late(ms) => (if by_webhook { 504 } else { 500 }, ms),
        };
        (code, after.into())
    }
}

/// The table: what is answered to the event, and to the next one with its key.
fn expected(fault: Fault, layer: Layer) -> (Says, Says) {
    let hangs = matches!(fault, Fault::Hangs | Fault::HangsAndPanics);
    match (layer, fault) {
        (_, Fault::Detaches) => (Says::Handled, Says::Handled),
        (_, _) if !hangs => (Says::Failed, Says::Handled),
        (_, _) if layer.cuts_off() => (Says::Late(CUT_OFF), Says::Handled),
        // What hangs keeps its turn or its permit for ever: bound it with a time-out.
        (Layer::InOrder | Layer::Limit, _) => (Says::Late(DEADLINE), Says::Late(DEADLINE)),
        (Layer::Shed, _) => (Says::Late(DEADLINE), Says::Refused),
        (_, _) => (Says::Late(DEADLINE), Says::Handled),
    }
}

impl Layer {
    fn cuts_off(self) -> bool {
        matches!(
            self,
            Self::Timeout | Self::TimeoutInside | Self::TimeoutOutside
        )
    }

    /// Whether an event that was handled is not handled again.
    fn remembers(self) -> bool {
        matches!(
            self,
            Self::Dedup | Self::TimeoutInside | Self::TimeoutOutside
        )
    }

    fn around(self, inner: Dispatcher) -> BoxCloneService<Delivery, Outcome, BoxError> {
        let (builder, cut_off) = (ServiceBuilder::new(), Duration::from_millis(CUT_OFF));
        let keeping = |inner| {
            ServiceBuilder::new()
                .layer(DedupLayer::new())
                .layer(InOrderLayer::by_tenant())
                .concurrency_limit(1)
                .service(inner)
        };
        match self {
            Self::None => boxed(inner),
            Self::Dedup => boxed(builder.layer(DedupLayer::new()).service(inner)),
            Self::InOrder => boxed(builder.layer(InOrderLayer::by_tenant()).service(inner)),
            #[cfg(feature = "metrics")]
            Self::Metrics => boxed(builder.layer(MetricsLayer::new()).service(inner)),
            Self::Timeout => boxed(builder.timeout(cut_off).service(inner)),
            Self::Limit => boxed(builder.concurrency_limit(1).service(inner)),
            Self::Shed => boxed(builder.load_shed().concurrency_limit(1).service(inner)),
            Self::TimeoutInside => {
                let inner = boxed(builder.timeout(cut_off).service(inner));
                boxed(keeping(inner))
            }
            Self::TimeoutOutside => boxed(builder.timeout(cut_off).service(keeping(boxed(inner)))),
        }
    }
}

fn boxed<S>(service: S) -> BoxCloneService<Delivery, Outcome, BoxError>
where
    S: tower::Service<Delivery, Response = Outcome, Future: Send> + Clone + Send + 'static,
    S::Error: Into<BoxError> + 'static,
{
    BoxCloneService::new(service.map_err(Into::into))
}

/// An event with a key for each layer that needs one.
fn keyed(event_type: &str, id: &str) -> Document {
    event(event_type).event_id(id).tenant_key("t-1")
}

#[tokio::test(start_paused = true)]
async fn each_fault_under_each_layer_has_its_answer_and_the_next_event_is_served() {
    for fault in FAULTS {
        for layer in LAYERS {
            for mode in BOTH {
                the_cell(fault, *layer, mode).await;
            }
        }
    }
}

async fn the_cell(fault: Fault, layer: Layer, mode: Mode) {
    let cell = format!("{fault:?} under {layer:?} by {mode:?}");
    let (dispatcher, ran) = dispatcher(fault);
    let platform = delivering(mode, layer.around(dispatcher), []).await;
    let answer = async |document| answered(&mut platform.push(document)).await;
    let count = |count: &AtomicUsize| count.load(Ordering::Relaxed);

    let (says, says_next) = expected(fault, layer);
    let faulty = || keyed("faulty_v1", "e-1");
    assert_eq!(answer(faulty()).await, says.by(mode), "{cell}: the event");
    let next = answer(keyed("next_v1", "e-2")).await;
    assert_eq!(next, says_next.by(mode), "{cell}: the next of its key");
    let holds_a_permit = says_next != Says::Handled && layer != Layer::InOrder;
    if !holds_a_permit {
        let other = answer(event("next_v1").tenant_key("t-2")).await;
        assert_eq!(other, (200, 0), "{cell}: the next of another key");
    }
    let served = usize::from(says_next == Says::Handled) + usize::from(!holds_a_permit);
    assert_eq!(count(&ran.next), served, "{cell}: events handled after it");

    if says == Says::Late(DEADLINE) {
        return;
    }
    let again = answer(faulty()).await;
    assert_eq!(again, says.by(mode), "{cell}: its redelivery");
    sleep(DETACHED).await;
    let is_remembered = says == Says::Handled && layer.remembers();
    let runs = if is_remembered { 1 } else { 2 };
    assert_eq!(count(&ran.faulty), runs, "{cell}: runs of its handler");
    let detached = if fault == Fault::Detaches { runs } else { 0 };
    assert_eq!(count(&ran.detached), detached, "{cell}: detached tasks");
    assert_eq!(platform.violations(), [], "{cell}");
}

#[test]
fn a_handler_that_blocks_its_thread_is_late_and_others_are_served_meanwhile() {
    // Each cell waits for the deadline in real time.
    thread::scope(|scope| {
        for layer in LAYERS {
            for mode in BOTH {
                scope.spawn(move || {
                    let mut runtime = tokio::runtime::Builder::new_multi_thread();
                    let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
                    runtime.block_on(a_blocked_thread(*layer, mode));
                });
            }
        }
    });
}

async fn a_blocked_thread(layer: Layer, mode: Mode) {
    let cell = format!("a blocked thread under {layer:?} by {mode:?}");
    let (dispatcher, release) = blocking();
    let dispatcher = dispatcher.on_raw("next_v1", |_| async {});
    let service = layer.around(dispatcher.build().unwrap());
    let platform = delivering(mode, service, []).await;
    let code = async |document| {
        let mut push = platform.push(document);
        let answered = timeout(PATIENCE, answered(&mut push)).await;
        answered.map_or(0, |(code, _)| code)
    };

    let mut blocking = platform.push(keyed("blocking_v1", "e-1"));
    let (says, says_next) = expected(Fault::Hangs, layer);
    if says_next == Says::Handled && !layer.remembers() {
        let next = code(keyed("next_v1", "e-2")).await;
        assert_eq!(next, 200, "{cell}: the next, meanwhile");
    }
    let blocked = timeout(PATIENCE, answered(&mut blocking)).await.unwrap();
    // No layer cuts off what blocks its thread.
    assert_eq!(blocked.0, says.by(mode).0, "{cell}: the event");
    drop(release);
    let served = async {
        while code(keyed("next_v1", "e-3")).await != 200 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    let served = timeout(PATIENCE, served).await;
    assert!(served.is_ok(), "{cell}: the next, afterwards");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_when_it_is_cancelled_is_counted_as_cancelled() {
    let late = EventService::builder(webhook(), dispatcher(Fault::HangsAndPanics).0)
        .late(LateHandler::Cancel)
        .build()
        .unwrap();
    assert_ne!(status(&late, post("faulty_v1")).await, 200);
    assert_eq!(status(&late, post("next_v1")).await, 200);
    assert_eq!((late.stats().running, late.stats().cancelled), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_drain_tells_of_a_handler_that_panics_when_it_is_cancelled() {
    let service = EventService::new(webhook(), dispatcher(Fault::HangsAndPanics).0);
    let answer = tokio::spawn(service.clone().oneshot(post("faulty_v1")));
    sleep(Duration::from_millis(1)).await;
    let drained = service.drain(Duration::ZERO).await;
    assert_ne!(answer.await.unwrap().unwrap().status(), 200);
    assert_eq!(drained.map_err(|error| error.cancelled()), Err(1));
}

#[tokio::test(start_paused = true)]
async fn a_drain_tells_of_any_service_that_panics_when_it_is_cancelled() {
    let service = tower::service_fn(|_: Delivery| async {
        let _explosive = Explosive;
        std::future::pending::<Result<Outcome, BoxError>>().await
    });
    let service = EventService::new(webhook(), service);
    let answer = tokio::spawn(service.clone().oneshot(post("faulty_v1")));
    sleep(Duration::from_millis(1)).await;
    let drained = service.drain(Duration::ZERO).await;
    assert_ne!(answer.await.unwrap().unwrap().status(), 200);
    assert_eq!(drained.map_err(|error| error.cancelled()), Err(1));
}
