//! Acknowledging events before handling them, for handlers that take longer than the platform waits.

use std::error::Error;
use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use lark_events::{BoxError, Delivery, Outcome};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt as _;
use tower_layer::Layer;
use tower_service::Service;
use tracing::{error, warn};

use crate::error::{DrainError, LayerBuildError, LayerError, LayerErrorKind};
use crate::lanes::{Lanes, MaxWaiting, Turn};
use crate::run::{
    Counter, DEFAULT_MAX_BYTES_IN_FLIGHT, Slot, Tasks, acknowledged, unless_rejected,
};

/// The key of the single lane in which all events start.
const STARTS: &str = "";

/// Acknowledges an event at once and handles it afterwards, for handlers that take longer than the 3
/// seconds that the platform waits.
///
/// **The platform does not redeliver acknowledged events.** Events that wait or are being handled are
/// lost when the process dies, or when a [`drain`](Self::drain) runs out of time. A handler that fails
/// or panics is only logged, at level `ERROR` with the event's type and id, and counted. If no event
/// may be lost, write each event to durable storage in the handler and acknowledge it afterwards,
/// without this layer.
///
/// ```
/// use std::time::Duration;
///
/// use lark_events::{Delivery, Dispatcher, EventHeader, Outcome, RawJson};
/// use lark_events_layers::AckFirstLayer;
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let dispatcher = Dispatcher::builder()
///     .on_raw("vc.room.created_v1", |_event| async { tokio::time::sleep(Duration::from_millis(5)).await })
///     .build()?;
/// let ack_first = AckFirstLayer::new();
/// let service = ServiceBuilder::new().layer(ack_first.clone()).service(dispatcher);
///
/// let created = Delivery::new(EventHeader::new("vc.room.created_v1"), RawJson::default());
/// assert_eq!(service.oneshot(created).await?, Outcome::Handled); // or so it is said
/// assert_eq!(ack_first.stats().handled, 0);
///
/// // At the end of the program, when the transport takes no more:
/// ack_first.drain(Duration::from_secs(10)).await?;
/// assert_eq!(ack_first.stats().handled, 1);
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// # }).unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Events start in the order in which they were acknowledged. Each runs in its own task, which
/// continues when the layer, the service and the transport are dropped: only the end of a drain, or of
/// the runtime, cancels it. The layer waits until the inner service is ready before it starts the next
/// event.
///
/// A transport's ack deadline, drain and counts end with the acknowledgement. Drain this layer after
/// the transport, and put a time-out inside this layer to limit handlers.
///
/// # Errors
///
/// A [`LayerError`], so that the platform redelivers later (except callbacks):
///
/// - [`Overloaded`](LayerErrorKind::Overloaded) (503) when too many events wait or too many bytes are
///   held,
/// - [`Draining`](LayerErrorKind::Draining) (503) once a drain has begun,
/// - [`Callback`](LayerErrorKind::Callback) (500) for callbacks, which need their reply.
///
/// # Panics
///
/// A delivery panics outside a tokio runtime.
///
/// # Clones
///
/// All clones of a layer, and their services, share limits, events and counts: a clone from before
/// [`layer`](Layer::layer) drains them. Set limits once, on the [builder](Self::builder):
///
/// ```
/// # use lark_events_layers::{AckFirstLayer, LayerBuildErrorKind};
/// let ack_first = AckFirstLayer::builder().max_running(4).build()?;
///
/// let nothing = AckFirstLayer::builder().max_running(0).build();
/// assert_eq!(nothing.unwrap_err().kind(), LayerBuildErrorKind::Zero);
/// # Ok::<(), lark_events_layers::LayerBuildError>(())
/// ```
///
/// A layer, which may have clones already, has no setters:
///
/// ```compile_fail,E0599
/// # use lark_events_layers::AckFirstLayer;
/// let ack_first = AckFirstLayer::new();
/// let other = ack_first.clone().max_running(4);
/// ```
#[derive(Clone)]
pub struct AckFirstLayer {
    shared: Arc<Shared>,
}

/// The state that all clones of a layer and its services share.
struct Shared {
    limits: AckFirstLayerBuilder,
    tasks: Tasks,
    starts: Arc<Lanes>,
    workers: Semaphore,
    bytes: Arc<Semaphore>,
    handled: Counter,
    failed: Counter,
    rejected_events: Counter,
    overloaded: Counter,
}

impl Shared {
    fn new(limits: AckFirstLayerBuilder) -> Self {
        Self {
            tasks: Tasks::new(limits.max_waiting.saturating_add(limits.max_running)),
            starts: Arc::default(),
            workers: Semaphore::new(limits.max_running),
            bytes: Arc::new(Semaphore::new(limits.max_bytes_in_flight)),
            limits,
            handled: Counter::default(),
            failed: Counter::default(),
            rejected_events: Counter::default(),
            overloaded: Counter::default(),
        }
    }
}

impl AckFirstLayer {
    /// The default number of acknowledged events that may wait: a minute's worth at 16 a second.
    pub const DEFAULT_MAX_WAITING: usize = 1_024;
    /// The default number of acknowledged events handled at once. It is lower than a transport's,
    /// because no ack deadline limits these handlers, and long handlers must not displace those that a
    /// sender waits for.
    pub const DEFAULT_MAX_RUNNING: usize = 16;

    /// Creates a layer with the default limits.
    #[must_use]
    pub fn new() -> Self {
        Self::with(AckFirstLayerBuilder::new())
    }

    /// Starts configuring a layer.
    pub fn builder() -> AckFirstLayerBuilder {
        AckFirstLayerBuilder::new()
    }

    fn with(limits: AckFirstLayerBuilder) -> Self {
        let shared = Arc::new(Shared::new(limits));
        Self { shared }
    }

    /// Rejects new events (503), and waits up to `within` until the acknowledged events are handled;
    /// then cancels the rest. Call it at the end of the program, after draining the transport.
    ///
    /// # Errors
    ///
    /// [`DrainError`] when events were cancelled. These events are lost; each is logged.
    pub async fn drain(&self, within: Duration) -> Result<(), DrainError> {
        self.shared.tasks.drain(within).await
    }

    /// The events that wait and run now, and counts since the start, of this layer and its clones.
    #[must_use]
    pub fn stats(&self) -> AckFirstStats {
        let Shared {
            limits, workers, ..
        } = &*self.shared;
        let running = limits
            .max_running
            .saturating_sub(workers.available_permits());
        let tasks = &self.shared.tasks;
        AckFirstStats {
            waiting: tasks.running().saturating_sub(running),
            running,
            handled: self.shared.handled.get(),
            rejected_events: self.shared.rejected_events.get(),
            failed: self.shared.failed.get(),
            cancelled: tasks.cancelled(),
            overloaded: self.shared.overloaded.get(),
        }
    }
}

impl Default for AckFirstLayer {
    fn default() -> Self {
        Self::new()
    }
}

/// Builds an [`AckFirstLayer`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until it is built"]
pub struct AckFirstLayerBuilder {
    max_waiting: usize,
    max_running: usize,
    max_bytes_in_flight: usize,
}

impl AckFirstLayerBuilder {
    fn new() -> Self {
        Self {
            max_waiting: AckFirstLayer::DEFAULT_MAX_WAITING,
            max_running: AckFirstLayer::DEFAULT_MAX_RUNNING,
            max_bytes_in_flight: DEFAULT_MAX_BYTES_IN_FLIGHT,
        }
    }

    /// Sets how many acknowledged events may wait:
    /// [`DEFAULT_MAX_WAITING`](AckFirstLayer::DEFAULT_MAX_WAITING) by default; with 0, none may.
    /// Further events fail.
    pub fn max_waiting(mut self, events: usize) -> Self {
        self.max_waiting = events;
        self
    }

    /// Sets how many acknowledged events are handled at once:
    /// [`DEFAULT_MAX_RUNNING`](AckFirstLayer::DEFAULT_MAX_RUNNING) by default. An event that waits in a
    /// layer inside this one counts.
    pub fn max_running(mut self, events: usize) -> Self {
        self.max_running = events;
        self
    }

    /// Sets how many bytes of bodies (the `event` of a document) may be held at once, by events that
    /// wait or are handled: [`DEFAULT_MAX_BYTES_IN_FLIGHT`] by default. Further events fail, and so
    /// does a single larger event.
    pub fn max_bytes_in_flight(mut self, bytes: usize) -> Self {
        self.max_bytes_in_flight = bytes;
        self
    }

    /// Builds the layer.
    ///
    /// # Errors
    ///
    /// [`Zero`](crate::LayerBuildErrorKind::Zero) when [`max_running`](Self::max_running) or
    /// [`max_bytes_in_flight`](Self::max_bytes_in_flight) is 0.
    pub fn build(mut self) -> Result<AckFirstLayer, LayerBuildError> {
        LayerBuildError::if_zero([
            ("max_running", self.max_running == 0),
            ("max_bytes_in_flight", self.max_bytes_in_flight == 0),
        ])?;
        for bound in [&mut self.max_running, &mut self.max_bytes_in_flight] {
            *bound = Semaphore::MAX_PERMITS.min(*bound);
        }
        Ok(AckFirstLayer::with(self))
    }
}

/// The outcomes of acknowledged events. See [`AckFirstLayer::stats`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct AckFirstStats {
    /// Events that wait for a handler.
    pub waiting: usize,
    /// Events being handled.
    pub running: usize,
    /// Events handled.
    pub handled: u64,
    /// Events [rejected](lark_events::Reject) by their handler.
    pub rejected_events: u64,
    /// Events whose handler failed or panicked. These events are lost.
    pub failed: u64,
    /// Events cancelled at the end of a drain. These events are lost.
    pub cancelled: u64,
    /// Events rejected with 503 because of a limit or a drain. The platform redelivers them.
    pub overloaded: u64,
}

impl fmt::Debug for AckFirstLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AckFirstLayer")
            .field("limits", &self.shared.limits)
            .field("stats", &self.stats())
            .finish()
    }
}

impl<S> Layer<S> for AckFirstLayer {
    type Service = AckFirst<S>;

    fn layer(&self, inner: S) -> AckFirst<S> {
        let layer = self.clone();
        AckFirst { layer, inner }
    }
}

/// A service under an [`AckFirstLayer`]. It is always ready, and rejects events instead of waiting.
#[derive(Debug, Clone)]
pub struct AckFirst<S> {
    layer: AckFirstLayer,
    inner: S,
}

impl<S> Service<Delivery> for AckFirst<S>
where
    S: Service<Delivery, Response = Outcome> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = Outcome;
    type Error = BoxError;
    type Future = Ready<Result<Outcome, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, delivery: Delivery) -> Self::Future {
        let admitted = self.layer.shared.admit(&delivery);
        let admitted = admitted.map(|(slot, admitted)| {
            let running = acknowledged(admitted.run(self.inner.clone(), delivery));
            self.layer.shared.tasks.spawn(slot, running, None, drop);
            Outcome::Handled
        });
        ready(admitted.map_err(Into::into))
    }
}

impl Shared {
    fn admit(self: &Arc<Self>, delivery: &Delivery) -> Result<(Slot, Acknowledged), LayerError> {
        if delivery.is_callback() {
            return Err(LayerError::new(LayerErrorKind::Callback));
        }
        let Some(slot) = self.tasks.slot(delivery.kind) else {
            return Err(self.refused(LayerErrorKind::Overloaded));
        };
        if self.tasks.is_draining() {
            return Err(self.refused(LayerErrorKind::Draining));
        }
        let length = u32::try_from(delivery.raw.as_bytes().len()).unwrap_or(u32::MAX);
        let bytes = Arc::clone(&self.bytes).try_acquire_many_owned(length);
        let bytes = bytes.map_err(|_| self.refused(LayerErrorKind::Overloaded))?;
        let acknowledged = Acknowledged {
            event_type: delivery.header.event_type.clone(),
            event_id: delivery.header.event_id.clone(),
            shared: Arc::clone(self),
            turn: Some(self.starts.enter(STARTS, MaxWaiting::of_all(usize::MAX))?),
            _bytes: bytes,
            is_over: false,
        };
        Ok((slot, acknowledged))
    }

    fn refused(&self, kind: LayerErrorKind) -> LayerError {
        self.overloaded.add_one();
        LayerError::new(kind)
    }
}

/// An acknowledged event. Dropping it unhandled is logged.
struct Acknowledged {
    event_type: String,
    event_id: Option<String>,
    shared: Arc<Shared>,
    /// The event to start; `None` once it was started.
    turn: Option<Turn>,
    _bytes: OwnedSemaphorePermit,
    is_over: bool,
}

impl Acknowledged {
    async fn run<S>(mut self, inner: S, delivery: Delivery)
    where
        S: Service<Delivery, Response = Outcome, Error: Into<BoxError>>,
    {
        let kind = delivery.kind;
        let handled = self.handle(inner, delivery).await;
        self.is_over = true;
        let named = (&*self.event_type, self.event_id.as_deref());
        let handled = handled.or_else(|error| unless_rejected(kind, named, error));
        if let Ok(Outcome::Rejected(_)) = handled {
            self.shared.rejected_events.add_one();
            return;
        }
        let Err(error) = handled else {
            self.shared.handled.add_one();
            return;
        };
        self.shared.failed.add_one();
        let (event_type, event_id) = (&self.event_type, self.event_id.as_deref());
        let error = &*error as &(dyn Error + 'static);
        error!(
            event_type,
            event_id, error, "acknowledged, but the handler failed: the event is lost"
        );
    }

    /// Handles the event in its turn, once a worker is free.
    async fn handle<S>(&mut self, mut inner: S, delivery: Delivery) -> Result<Outcome, BoxError>
    where
        S: Service<Delivery, Response = Outcome, Error: Into<BoxError>>,
    {
        if let Some(turn) = &self.turn {
            turn.granted().await;
        }
        let _worker = self.shared.workers.acquire().await;
        let ready = inner.ready().await.map_err(Into::into)?;
        self.shared.tasks.unless_drained().await;
        let handler = ready.call(delivery);
        self.turn = None;
        handler.await.map_err(Into::into)
    }
}

impl Drop for Acknowledged {
    fn drop(&mut self) {
        let (event_type, event_id) = (&self.event_type, self.event_id.as_deref());
        if self.is_over {
            return;
        }
        if std::thread::panicking() {
            self.shared.failed.add_one();
            error!(
                event_type,
                event_id, "acknowledged, but the handler panicked: the event is lost"
            );
        } else {
            warn!(
                event_type,
                event_id, "acknowledged, but the handler was cancelled: the event is lost"
            );
        }
    }
}
