//! The settings of an inbox.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use lark_events::Delivery;
use lark_events_layers::key::{DuplicateKeys, at_pointer, chat, remembered_for, tenant};
use lark_events_layers::{DedupLayer, LayerBuildError};
use tracing::Span;

use crate::inbox::Inbox;
use crate::queue::Queue;
use crate::receiver::Receiver;
use crate::store::{Entry, Store};
use crate::worker::Worker;

type LaneFn = Arc<dyn Fn(&Delivery) -> Option<String> + Send + Sync>;
type CaptureFn = Arc<dyn Fn() -> Option<String> + Send + Sync>;
type LinkFn = Arc<dyn Fn(&Span, &str) + Send + Sync>;

/// Builds an [`Inbox`], or only its [`Receiver`], [`Worker`] or [`Queue`].
#[derive(Clone)]
#[must_use = "a builder does nothing until it is built"]
pub struct InboxBuilder {
    pub(crate) store: Arc<dyn Store>,
    lane: Lane,
    keys: DuplicateKeys,
    kept: Duration,
    trace: Option<(CaptureFn, LinkFn)>,
    pub(crate) append_timeout: Duration,
    pub(crate) workers: usize,
    pub(crate) attempts: u32,
    pub(crate) min_backoff: Duration,
    pub(crate) max_backoff: Duration,
    pub(crate) lease: Duration,
    pub(crate) unhandled_for: Duration,
    pub(crate) drain_timeout: Duration,
}

#[derive(Clone)]
enum Lane {
    Of(LaneFn),
    At(String),
}

impl InboxBuilder {
    /// The default number of events handled at once: 16.
    pub const DEFAULT_WORKERS: usize = 16;
    /// The default number of attempts: 10. With the default back-off, the last one begins one to two hours after
    /// the first.
    pub const DEFAULT_ATTEMPTS: u32 = 10;
    /// The default delay after the first failure: 1 second. It triples with each further failure.
    pub const DEFAULT_MIN_BACKOFF: Duration = Duration::from_secs(1);
    /// The default maximum delay between two attempts: 1 hour.
    pub const DEFAULT_MAX_BACKOFF: Duration = Duration::from_hours(1);
    /// The default lease: 60 seconds. After a worker has died, other workers claim its events within this time.
    pub const DEFAULT_LEASE: Duration = Duration::from_secs(60);
    /// The default time limit of an append: 2 seconds. The platform waits 3 seconds for the acknowledgement.
    pub const DEFAULT_APPEND_TIMEOUT: Duration = Duration::from_secs(2);
    /// The default time limit of a shutdown: 10 seconds.
    pub const DEFAULT_DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
    /// The default time for which an event without a handler waits for a version of the app that has one: 8 hours.
    /// The platform would redeliver it for 7.1 hours.
    pub const DEFAULT_UNHANDLED_FOR: Duration = Duration::from_hours(8);

    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            lane: Lane::Of(Arc::new(|_| None)),
            keys: DuplicateKeys::default(),
            kept: DedupLayer::DEFAULT_KEPT,
            trace: None,
            append_timeout: Self::DEFAULT_APPEND_TIMEOUT,
            workers: Self::DEFAULT_WORKERS,
            attempts: Self::DEFAULT_ATTEMPTS,
            min_backoff: Self::DEFAULT_MIN_BACKOFF,
            max_backoff: Self::DEFAULT_MAX_BACKOFF,
            lease: Self::DEFAULT_LEASE,
            unhandled_for: Self::DEFAULT_UNHANDLED_FOR,
            drain_timeout: Self::DEFAULT_DRAIN_TIMEOUT,
        }
    }

    /// Handles the events of a chat one at a time, in order. The chat id is the value at `/message/chat_id` or
    /// `/chat_id` of the body. Other events have no lane.
    pub fn lane_by_chat(self) -> Self {
        self.lane_by(chat)
    }

    /// Handles the events of a tenant one at a time, in order.
    pub fn lane_by_tenant(self) -> Self {
        self.lane_by(tenant)
    }

    /// Handles the events with the same value at `pointer` one at a time, in order. `pointer` is a JSON pointer
    /// (RFC 6901) to a string or number of the body, such as `/approval_code`. It cannot lead through arrays.
    /// Events without such a value have no lane.
    pub fn lane_by_pointer(mut self, pointer: impl Into<String>) -> Self {
        self.lane = Lane::At(pointer.into());
        self
    }

    /// Handles the events with the same result of `lane` one at a time, in order. Events with `None` have no lane.
    /// By default, no event has a lane.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use lark_events_inbox::{Inbox, VolatileStore};
    /// use lark_events_layers::key::{chat, tenant};
    ///
    /// # let store = Arc::new(VolatileStore::new());
    /// let builder = Inbox::builder(store).lane_by(|delivery| chat(delivery).or_else(|| tenant(delivery)));
    /// ```
    pub fn lane_by(
        mut self,
        lane: impl Fn(&Delivery) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.lane = Lane::Of(Arc::new(lane));
        self
    }

    /// Identifies events of a type by the result of `key`, or by their event id if `key` returns `None`, as
    /// [`DedupLayerBuilder::key_for`](lark_events_layers::DedupLayerBuilder::key_for).
    pub fn key_for(
        mut self,
        event_type: impl Into<String>,
        key: impl Fn(&Delivery) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.keys = self.keys.key_for(event_type, key);
        self
    }

    /// Carries the trace context of an event from its receiver to its handler. `capture` returns the
    /// current context when an event is appended, in the text form of your propagator, such as a W3C
    /// `traceparent`. `link` links the span of an attempt to that context.
    ///
    /// The span of an attempt also has the context in its field `trace`.
    pub fn trace_context(
        mut self,
        capture: impl Fn() -> Option<String> + Send + Sync + 'static,
        link: impl Fn(&Span, &str) + Send + Sync + 'static,
    ) -> Self {
        self.trace = Some((Arc::new(capture), Arc::new(link)));
        self
    }

    /// Sets the time limit of an append: [`DEFAULT_APPEND_TIMEOUT`](Self::DEFAULT_APPEND_TIMEOUT) by default. An
    /// event that is not stored in time is not acknowledged. The append continues: if it succeeds later, the
    /// redelivery is a duplicate.
    pub fn append_timeout(mut self, timeout: Duration) -> Self {
        self.append_timeout = timeout;
        self
    }

    /// Sets how many events are handled at once: [`DEFAULT_WORKERS`](Self::DEFAULT_WORKERS) by default.
    /// Callbacks do not count.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// Sets after how many attempts a failing event becomes a dead letter:
    /// [`DEFAULT_ATTEMPTS`](Self::DEFAULT_ATTEMPTS) by default.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets the delay after the first failure and the maximum delay:
    /// [`DEFAULT_MIN_BACKOFF`](Self::DEFAULT_MIN_BACKOFF) and [`DEFAULT_MAX_BACKOFF`](Self::DEFAULT_MAX_BACKOFF) by
    /// default. The delay triples with each failure. Each delay is shortened at random, by up to a half.
    pub fn backoff(mut self, min: Duration, max: Duration) -> Self {
        self.min_backoff = min;
        self.max_backoff = max;
        self
    }

    /// Sets how long a claim lasts: [`DEFAULT_LEASE`](Self::DEFAULT_LEASE) by default. A worker extends its claims
    /// every third of this time, so a handler may run for longer.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Sets how long an event without a handler stays in the queue, in case a newer version of the app has a
    /// handler: [`DEFAULT_UNHANDLED_FOR`](Self::DEFAULT_UNHANDLED_FOR) by default. Afterwards it becomes a dead
    /// letter. It leaves its lane at once, so that it delays no other event.
    pub fn unhandled_for(mut self, time: Duration) -> Self {
        self.unhandled_for = time;
        self
    }

    /// Sets the time limit of a shutdown: [`DEFAULT_DRAIN_TIMEOUT`](Self::DEFAULT_DRAIN_TIMEOUT) by default.
    /// Afterwards the handlers that still run are cancelled.
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.drain_timeout = timeout;
        self
    }

    /// Builds an inbox: events are stored, then handled by `service`, which also replies to callbacks.
    ///
    /// # Errors
    ///
    /// [`Zero`](lark_events_layers::LayerBuildErrorKind::Zero) when a limit or time is 0, and
    /// [`InvalidPointer`](lark_events_layers::LayerBuildErrorKind::InvalidPointer) when the
    /// [pointer](Self::lane_by_pointer) does not begin with `/`.
    pub fn build<S: Clone>(self, service: S) -> Result<Inbox<S>, LayerBuildError> {
        let receiver = self.clone().receiver(service.clone())?;
        let worker = self.worker(service)?;
        Ok(Inbox::new(receiver, worker))
    }

    /// Builds only the receiving half: events are stored, and `callbacks` replies to callbacks.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn receiver<S>(self, callbacks: S) -> Result<Receiver<S>, LayerBuildError> {
        Ok(Receiver::new(self.queue()?, callbacks))
    }

    /// Builds only the working half: `service` handles stored events.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn worker<S>(self, service: S) -> Result<Worker<S>, LayerBuildError> {
        self.check()?;
        Ok(Worker::new(self, service))
    }

    /// Builds only the queue, for handlers that append events.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn queue(mut self) -> Result<Queue, LayerBuildError> {
        self.check()?;
        if let Lane::At(pointer) = self.lane {
            self.lane = Lane::Of(Arc::new(at_pointer(pointer)?));
        }
        Ok(Queue::new(self))
    }

    fn check(&self) -> Result<(), LayerBuildError> {
        LayerBuildError::if_zero([
            ("workers", self.workers == 0),
            ("attempts", self.attempts == 0),
            ("backoff", self.min_backoff.is_zero()),
            ("lease", self.lease.is_zero()),
            ("append_timeout", self.append_timeout.is_zero()),
        ])
    }

    /// The entry of an event to append now.
    pub(crate) fn entry(&self, delivery: Delivery) -> Entry {
        let lane = match &self.lane {
            Lane::Of(lane) => lane(&delivery),
            Lane::At(_) => None,
        };
        let mut entry = Entry::new(delivery);
        entry.key = self.keys.of(&entry.delivery);
        entry.kept = remembered_for(self.kept, &entry.delivery);
        entry.lane = lane;
        entry.trace = self.trace.as_ref().and_then(|(capture, _)| capture());
        entry
    }

    pub(crate) fn link(&self, span: &Span, trace: &str) {
        if let Some((_, link)) = &self.trace {
            link(span, trace);
        }
    }
}

impl fmt::Debug for InboxBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InboxBuilder")
            .field("append_timeout", &self.append_timeout)
            .field("workers", &self.workers)
            .field("attempts", &self.attempts)
            .field("min_backoff", &self.min_backoff)
            .field("max_backoff", &self.max_backoff)
            .field("lease", &self.lease)
            .field("unhandled_for", &self.unhandled_for)
            .field("drain_timeout", &self.drain_timeout)
            .finish_non_exhaustive()
    }
}
