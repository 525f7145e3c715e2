//! Events of one key one after another, those of different keys side by side.

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
use crate::key::{KeyFn, text_at};
use crate::lanes::{Lanes, MaxWaiting};
use crate::run::{Counter, is_acknowledged, unless_over};

/// Handles the events of one key, such as a chat or a tenant, one after another, and those of
/// different keys side by side.
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
/// // In the order of the calls, whichever is waited for first:
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
/// The order in which the layer is *called*: a lane serves them so, and whoever gives up waiting, fails
/// or panics only makes room for the next. Around it:
///
/// - Where the platform itself keeps an order, it sends the next event after the previous was
///   acknowledged, and so that order holds.
/// - A long connection calls in the order of its frames. Of several connections, and over webhooks,
///   each of which is a request of its own, what arrives at the same moment may be called in any order. Events
///   that must not change places carry a time or a version.
/// - An event that is delivered *again* runs after those that came meanwhile.
/// - Directly inside of an [`AckFirstLayer`](crate::AckFirstLayer) it is called in the order of the
///   acknowledgements.
/// - An event that is refused, since too many wait or its time is up, is delivered again after 15 seconds at the
///   earliest, and those that came meanwhile were before it.
///
/// So this layer keeps two events of a key from running at once, and in order what arrives in order and is taken the
/// first time. It cannot promise that no event overtakes another: that takes a durable place that acknowledges
/// each event as it comes, and keeps it until its turn. A key that is busier than its handlers for long has
/// events refused by any bound; the platform gives those up after four redeliveries.
///
/// # Time
///
/// A lane is as slow as its handlers, and the transport's ack deadline counts while an event waits.
/// What waits for longer is answered as late and not started, and neither is what waits when the
/// transport begins to drain: both are delivered again. Inside of an [`AckFirstLayer`](crate::AckFirstLayer) there is no deadline, but what
/// waits here counts among what runs there: let that be many, and bound what runs by a concurrency limit inside
/// of this layer, as [the layers together](crate#layers) do. A time-out inside of this layer bounds a handler, so that one that hangs does not hold up its key; a
/// time-out outside bounds the waiting too, and the event leaves its lane when it strikes. Dropping
/// does what the time-out does. Whatever waits holds no permit of a limit inside of this layer.
///
/// # Errors
///
/// - [`Overloaded`](crate::LayerErrorKind::Overloaded) (503) when
///   [`max_waiting_per_key`](InOrderLayerBuilder::max_waiting_per_key) events of the key wait already, or
///   [`max_waiting`](InOrderLayerBuilder::max_waiting) of all.
/// - [`Late`](crate::LayerErrorKind::Late) (503) after [`max_wait`](InOrderLayerBuilder::max_wait).
/// - [`Deadline`](crate::LayerErrorKind::Deadline) (504) and [`Draining`](crate::LayerErrorKind::Draining) (503) when
///   the transport's ack deadline passes, or its drain begins, while it waits.
#[derive(Clone)]
pub struct InOrderLayer {
    key: KeyFn,
    max_waiting_per_key: Option<usize>,
    max_waiting: Option<usize>,
    max_wait: Duration,
    lanes: Arc<Lanes>,
    overloaded: Arc<Counter>,
}

impl InOrderLayer {
    /// Events of one key that may wait for their turn. Each has a slot of its transport: with more, one busy
    /// chat would have all others refused. A handler that takes 250 ms gets to the last of them within the
    /// ack deadline.
    pub const DEFAULT_MAX_WAITING_PER_KEY: usize = 8;
    /// Events that may wait for their turn, of all keys together: far fewer than a transport has slots,
    /// so that what need not wait finds one.
    pub const DEFAULT_MAX_WAITING: usize = 48;

    /// Starts configuring a layer, which puts in order the events of a tenant unless another key is set.
    pub fn builder() -> InOrderLayerBuilder {
        InOrderLayerBuilder {
            key: Key::Of(Arc::new(tenant)),
            max_waiting_per_key: None,
            max_waiting: None,
            max_wait: Duration::MAX,
        }
    }

    /// Puts in order the events of a tenant, with the default bounds. Callbacks, whose users wait, are
    /// passed on at once, and so is what names no tenant.
    #[must_use]
    pub fn by_tenant() -> Self {
        Self::builder().with(Arc::new(tenant))
    }

    /// Puts in order what has the same key, with the default bounds: see
    /// [`InOrderLayerBuilder::by`].
    pub fn by(key: impl Fn(&Delivery) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::builder().with(Arc::new(key))
    }

    /// Puts in order the events with the same string or number at a place in their bodies, with the
    /// default bounds: see [`InOrderLayerBuilder::by_pointer`].
    ///
    /// # Panics
    ///
    /// When `pointer` does not begin with `/`: it would never point to either.
    #[expect(clippy::panic, reason = "a mistake of the program, and documented")]
    #[track_caller]
    pub fn by_pointer(pointer: impl Into<String>) -> Self {
        match Self::builder().by_pointer(pointer).build() {
            Ok(layer) => layer,
            Err(error) => panic!("{error}"),
        }
    }

    /// As many as were set, or as may wait by default where the layer is called.
    fn may_wait(&self) -> MaxWaiting {
        let or = |default| {
            if is_acknowledged() {
                usize::MAX
            } else {
                default
            }
        };
        let per_key = self.max_waiting_per_key;
        MaxWaiting {
            per_key: per_key.unwrap_or_else(|| or(Self::DEFAULT_MAX_WAITING_PER_KEY)),
            all: self
                .max_waiting
                .unwrap_or_else(|| or(Self::DEFAULT_MAX_WAITING)),
        }
    }

    /// What runs and waits now, under this layer and its clones.
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
    max_waiting_per_key: Option<usize>,
    max_waiting: Option<usize>,
    max_wait: Duration,
}

#[derive(Clone)]
enum Key {
    Of(KeyFn),
    At(String),
}

fn tenant(delivery: &Delivery) -> Option<String> {
    let tenant = delivery.header.tenant_key.clone();
    tenant.filter(|_| !delivery.is_callback())
}

impl InOrderLayerBuilder {
    /// Puts in order what has the same key; what has none is passed on at once. Callbacks too have
    /// a key if `key` gives them one, and then their users wait: see [`Delivery::is_callback`].
    pub fn by(mut self, key: impl Fn(&Delivery) -> Option<String> + Send + Sync + 'static) -> Self {
        self.key = Key::Of(Arc::new(key));
        self
    }

    /// Puts in order the events with the same string or number at a place in their bodies: a JSON
    /// pointer (RFC 6901) through objects, such as `/message/chat_id`. Callbacks, whose users wait,
    /// are passed on at once, and so is what has nothing there.
    pub fn by_pointer(mut self, pointer: impl Into<String>) -> Self {
        self.key = Key::At(pointer.into());
        self
    }

    /// Sets how many events of one key may wait:
    /// [`DEFAULT_MAX_WAITING_PER_KEY`](InOrderLayer::DEFAULT_MAX_WAITING_PER_KEY) unless set, and with 0
    /// none. Beyond it they fail. Inside of an [`AckFirstLayer`](crate::AckFirstLayer), which bounds
    /// what waits, and where what fails is lost, there is no such bound unless it is set.
    pub fn max_waiting_per_key(mut self, events: usize) -> Self {
        self.max_waiting_per_key = Some(events);
        self
    }

    /// Sets how many events may wait, of all keys together:
    /// [`DEFAULT_MAX_WAITING`](InOrderLayer::DEFAULT_MAX_WAITING) unless set, with 0 none, and no bound
    /// inside of an [`AckFirstLayer`](crate::AckFirstLayer). Beyond it they fail; an event that need not
    /// wait is always taken. Keep it below the `max_running` of the transport, or a few busy keys have all
    /// others refused.
    pub fn max_waiting(mut self, events: usize) -> Self {
        self.max_waiting = Some(events);
        self
    }

    /// Sets how long an event may wait for its turn, and then fails without having been started: for ever
    /// unless set.
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait;
        self
    }

    /// Builds the layer.
    ///
    /// # Errors
    ///
    /// [`InvalidPointer`](crate::LayerBuildErrorKind::InvalidPointer) when the
    /// [pointer](Self::by_pointer) does not begin with `/`: it would never point to either.
    pub fn build(self) -> Result<InOrderLayer, LayerBuildError> {
        let key = match self.key.clone() {
            Key::Of(key) => key,
            Key::At(pointer) if pointer.starts_with('/') => Arc::new(move |delivery: &Delivery| {
                let is_callback = delivery.is_callback();
                (!is_callback).then(|| text_at(&delivery.raw, &pointer))?
            }),
            Key::At(pointer) => return Err(LayerBuildError::invalid_pointer(pointer)),
        };
        Ok(self.with(key))
    }

    fn with(self, key: KeyFn) -> InOrderLayer {
        InOrderLayer {
            key,
            max_waiting_per_key: self.max_waiting_per_key,
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
            .field("max_waiting_per_key", &self.max_waiting_per_key)
            .field("max_waiting", &self.max_waiting)
            .field("max_wait", &self.max_wait)
            .finish_non_exhaustive()
    }
}

/// Events in their lanes. See [`InOrderLayer::stats`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct InOrderStats {
    /// Keys of which an event is being handled. A key costs nothing any more when it has none.
    pub keys: usize,
    /// Events that wait for another of their key.
    pub waiting: usize,
    /// Events refused since too many waited.
    pub overloaded: u64,
}

impl fmt::Debug for InOrderLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InOrderLayer")
            .field("max_waiting_per_key", &self.max_waiting_per_key)
            .field("max_waiting", &self.max_waiting)
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

/// A service under an [`InOrderLayer`]. It is always ready: the service inside is waited for when an
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
        let turn = self.layer.lanes.enter(key, self.layer.may_wait());
        if turn.is_err() {
            self.layer.overloaded.add_one();
        }
        let max_wait = self.layer.max_wait;
        OutcomeFuture::new(async move {
            let turn = turn?;
            if turn.had_to_wait() {
                let granted = unless_over(timeout(max_wait, turn.granted())).await?;
                granted.map_err(|_| LayerError::new(LayerErrorKind::Late))?;
                // What ended the one before may end this one too, as a time-out or a drain does: it is
                // asked first, so that nothing starts only to be cut off.
                yield_now().await;
            }
            pass_on(inner, delivery).await
        })
    }
}
