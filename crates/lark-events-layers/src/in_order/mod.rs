//! Handling events with the same key in order, and events with different keys in parallel.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use lark_events::{BoxError, Delivery, Outcome};
use tokio::task::yield_now;
use tokio::time::timeout;
use tower_layer::Layer;
use tower_service::Service;

use crate::error::{LayerBuildError, LayerError, LayerErrorKind};
use crate::future::{OutcomeFuture, pass_on};
use crate::key::{KeyFn, at_pointer, tenant};
use crate::lanes::{Lanes, MaxWaiting};
use crate::run::{Counter, unless_over};

/// Handles events with the same key, such as a chat or a tenant, one after another, and events with
/// different keys in parallel.
///
/// ```
/// use lark_events::{Delivery, Dispatcher, EventHeader, RawJson};
/// use lark_events_layers::InOrderLayer;
/// use tower::{Service, ServiceBuilder, ServiceExt};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let dispatcher = Dispatcher::builder()
///     .on_raw("im.message.receive_v1", |event| async move { println!("{}", event.body.as_str()) })
///     .build()?;
/// let in_order = InOrderLayer::by_pointer("/message/chat_id");
/// let mut service = ServiceBuilder::new().layer(in_order.clone()).service(dispatcher);
///
/// let message = |chat: &str| {
///     let raw = RawJson::parse(format!(r#"{{"message":{{"chat_id":"{chat}"}}}}"#));
///     Ok::<_, lark_events::DecodeError>(Delivery::new(EventHeader::new("im.message.receive_v1"), raw?))
/// };
/// // In the order of the calls, whichever future is awaited first:
/// let first = service.ready().await?.call(message("oc_1")?);
/// let second = service.ready().await?.call(message("oc_1")?);
/// let other = service.ready().await?.call(message("oc_2")?);
/// assert_eq!((in_order.stats().keys, in_order.stats().waiting), (2, 1));
/// let (second, first, other) = tokio::join!(second, first, other);
/// assert!(first.is_ok() && second.is_ok() && other.is_ok());
/// assert_eq!(in_order.stats().keys, 0);
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// # }).unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # What order is
///
/// The order is that of the *calls* of the layer: each key has a lane that handles its events in this order. When
/// an event gives up waiting, fails or panics, the next one follows. The order of the calls depends on the platform
/// and the transport:
///
/// - Where the platform keeps an order, it sends the next event only after the previous one was acknowledged, so
///   that order is preserved.
/// - A long connection calls in the order of its frames. With several connections, and with webhooks, where each
///   event is a separate request, the calls of events that arrive at the same moment may have any order. Events
///   whose order matters carry a time or a version.
/// - A *redelivered* event runs after the events that arrived in the meantime.
/// - A rejected event, because too many wait or its time has passed, is redelivered after 15 seconds at
///   the earliest, behind the events that arrived in the meantime.
///
/// The layer never runs two events of a key at once, and keeps the order of events that arrive in order and are
/// accepted at the first attempt. It cannot guarantee that no event overtakes another. That requires a store that
/// acknowledges each event on arrival and keeps it until its turn, such as an inbox of `lark-events-inbox`, which
/// has its own lanes. If the events of a key arrive faster than they are handled for a long time, any limit leads
/// to rejected events, and the platform gives up on them after four redeliveries.
///
/// # Time
///
/// A lane is as slow as its handlers, and the transport's ack deadline includes the waiting time. An event that
/// still waits at the deadline fails and is not started. An event that waits when the transport begins to drain is
/// not started either. The platform redelivers both.
///
/// A time-out inside this layer limits a handler, so that a hanging handler does not block its key. A
/// time-out outside limits the waiting too: when it expires, or when the future is dropped, the event
/// leaves its lane. Waiting events hold no permit of a limit inside this layer.
///
/// # Errors
///
/// - [`Overloaded`](crate::LayerErrorKind::Overloaded) (503) when
///   [`max_waiting_per_key`](InOrderLayerBuilder::max_waiting_per_key) events of the key wait already, or
///   [`max_waiting`](InOrderLayerBuilder::max_waiting) of all.
/// - [`Late`](crate::LayerErrorKind::Late) (503) after [`max_wait`](InOrderLayerBuilder::max_wait).
/// - [`Deadline`](crate::LayerErrorKind::Deadline) (504) and
///   [`Draining`](crate::LayerErrorKind::Draining) (503) when the transport's ack deadline passes, or
///   its drain begins, while the event waits.
#[derive(Clone)]
pub struct InOrderLayer {
    key: KeyFn,
    max_waiting: MaxWaiting,
    max_wait: Duration,
    lanes: Arc<Lanes>,
    overloaded: Arc<Counter>,
}

impl InOrderLayer {
    /// The default number of events of one key that may wait: 8. Each occupies a slot of its transport: with a
    /// higher limit, one busy chat could cause all others to be rejected. With a handler that takes 250 ms, the
    /// last of them starts within the ack deadline.
    pub const DEFAULT_MAX_WAITING_PER_KEY: usize = 8;
    /// The default number of waiting events of all keys together: 48. It is far below the number of slots of a
    /// transport, so that events that need not wait find a slot.
    pub const DEFAULT_MAX_WAITING: usize = 48;

    /// Starts configuring a layer. Without another key, it orders the events of each tenant.
    pub fn builder() -> InOrderLayerBuilder {
        InOrderLayerBuilder {
            key: Key::Of(Arc::new(tenant)),
            max_waiting: MaxWaiting {
                per_key: InOrderLayer::DEFAULT_MAX_WAITING_PER_KEY,
                all: InOrderLayer::DEFAULT_MAX_WAITING,
            },
            max_wait: Duration::MAX,
        }
    }

    /// Creates a layer that orders the events of each tenant, with the default limits. Callbacks, and events
    /// without a tenant, are passed on at once.
    #[must_use]
    pub fn by_tenant() -> Self {
        Self::builder().with(Arc::new(tenant))
    }

    /// Creates a layer that orders deliveries with the same key, with the default limits: see
    /// [`InOrderLayerBuilder::by`].
    pub fn by(key: impl Fn(&Delivery) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::builder().with(Arc::new(key))
    }

    /// Creates a layer that orders events with the same value at `pointer`, with the default limits: see
    /// [`InOrderLayerBuilder::by_pointer`].
    ///
    /// # Panics
    ///
    /// When `pointer` does not begin with `/`, so that it could never match.
    #[expect(clippy::panic, reason = "a mistake of the program, and documented")]
    #[track_caller]
    pub fn by_pointer(pointer: impl Into<String>) -> Self {
        match Self::builder().by_pointer(pointer).build() {
            Ok(layer) => layer,
            Err(error) => panic!("{error}"),
        }
    }

    /// The events that run and wait now, under this layer and its clones.
    #[must_use]
    pub fn stats(&self) -> InOrderStats {
        InOrderStats {
            keys: self.lanes.keys(),
            waiting: self.lanes.waiting(),
            overloaded: self.overloaded.get(),
        }
    }
}

/// Builds an [`InOrderLayer`].
///
/// ```
/// use std::time::Duration;
///
/// use lark_events_layers::InOrderLayer;
///
/// let in_order = InOrderLayer::builder()
///     .by_pointer("/message/chat_id")
///     .max_wait(Duration::from_secs(1))
///     .build()?;
/// # Ok::<(), lark_events_layers::LayerBuildError>(())
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing until it is built"]
pub struct InOrderLayerBuilder {
    key: Key,
    max_waiting: MaxWaiting,
    max_wait: Duration,
}

#[derive(Clone)]
enum Key {
    Of(KeyFn),
    At(String),
}

impl InOrderLayerBuilder {
    /// Orders deliveries with the same key; deliveries without a key are passed on at once. If `key`
    /// returns a key for callbacks, they are ordered too, and their users wait: see
    /// [`Delivery::is_callback`].
    pub fn by(mut self, key: impl Fn(&Delivery) -> Option<String> + Send + Sync + 'static) -> Self {
        self.key = Key::Of(Arc::new(key));
        self
    }

    /// Orders events with the same value at `pointer`: a JSON pointer (RFC 6901) to a string or number of the body,
    /// such as `/message/chat_id`. It cannot lead through arrays. Callbacks, and events without such a value, are
    /// passed on at once.
    pub fn by_pointer(mut self, pointer: impl Into<String>) -> Self {
        self.key = Key::At(pointer.into());
        self
    }

    /// Sets how many events of one key may wait:
    /// [`DEFAULT_MAX_WAITING_PER_KEY`](InOrderLayer::DEFAULT_MAX_WAITING_PER_KEY) by default; with 0,
    /// none may. Further events fail.
    pub fn max_waiting_per_key(mut self, events: usize) -> Self {
        self.max_waiting.per_key = events;
        self
    }

    /// Sets how many events of all keys together may wait:
    /// [`DEFAULT_MAX_WAITING`](InOrderLayer::DEFAULT_MAX_WAITING) by default; with 0, none may. Further
    /// events fail; an event that need not wait is always accepted. Keep the limit below the
    /// `max_running` of the transport, or a few busy keys cause the events of all others to be rejected.
    pub fn max_waiting(mut self, events: usize) -> Self {
        self.max_waiting.all = events;
        self
    }

    /// Sets how long an event may wait for its turn before it fails without having been started: no
    /// limit by default.
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait;
        self
    }

    /// Builds the layer.
    ///
    /// # Errors
    ///
    /// [`InvalidPointer`](crate::LayerBuildErrorKind::InvalidPointer) when the
    /// [pointer](Self::by_pointer) does not begin with `/`, so that it could never match.
    pub fn build(self) -> Result<InOrderLayer, LayerBuildError> {
        let key = match self.key.clone() {
            Key::Of(key) => key,
            Key::At(pointer) => Arc::new(at_pointer(pointer)?),
        };
        Ok(self.with(key))
    }

    fn with(self, key: KeyFn) -> InOrderLayer {
        InOrderLayer {
            key,
            max_waiting: self.max_waiting,
            max_wait: self.max_wait,
            lanes: Arc::default(),
            overloaded: Arc::default(),
        }
    }
}

impl fmt::Debug for InOrderLayerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InOrderLayerBuilder")
            .field("max_waiting_per_key", &self.max_waiting.per_key)
            .field("max_waiting", &self.max_waiting.all)
            .field("max_wait", &self.max_wait)
            .finish_non_exhaustive()
    }
}

/// Events in their lanes. See [`InOrderLayer::stats`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct InOrderStats {
    /// Keys with an event being handled. A key without events takes no memory.
    pub keys: usize,
    /// Events that wait for another event of their key.
    pub waiting: usize,
    /// Events rejected because too many waited.
    pub overloaded: u64,
}

impl fmt::Debug for InOrderLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InOrderLayer")
            .field("max_waiting_per_key", &self.max_waiting.per_key)
            .field("max_waiting", &self.max_waiting.all)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for InOrderLayer {
    type Service = InOrder<S>;

    fn layer(&self, inner: S) -> InOrder<S> {
        let layer = self.clone();
        InOrder { layer, inner }
    }
}

/// A service under an [`InOrderLayer`]. It is always ready, and waits for the inner service when an
/// event has its turn.
#[derive(Debug, Clone)]
pub struct InOrder<S> {
    layer: InOrderLayer,
    inner: S,
}

impl<S> Service<Delivery> for InOrder<S>
where
    S: Service<Delivery, Response = Outcome> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = Outcome;
    type Error = BoxError;
    type Future = OutcomeFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, delivery: Delivery) -> OutcomeFuture {
        let inner = self.inner.clone();
        let Some(key) = (self.layer.key)(&delivery) else {
            return OutcomeFuture::new(pass_on(inner, delivery));
        };
        let turn = self.layer.lanes.enter(key, self.layer.max_waiting);
        if turn.is_err() {
            self.layer.overloaded.add_one();
        }
        let max_wait = self.layer.max_wait;
        OutcomeFuture::new(async move {
            let turn = turn?;
            if turn.had_to_wait() {
                let granted = unless_over(timeout(max_wait, turn.granted())).await?;
                granted.map_err(|_| LayerError::new(LayerErrorKind::Late))?;
                // A time-out or drain that ended the previous event may end this one too: poll it
                // first, so that nothing starts only to be cancelled.
                yield_now().await;
            }
            pass_on(inner, delivery).await
        })
    }
}
