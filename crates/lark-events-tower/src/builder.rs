//! Configuring an [`EventService`]: its deadlines and its bounds.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lark_events::{LateHandler, Webhook};
use lark_events_layers::run::Tasks;
use tokio::sync::Semaphore;

use crate::opener::Opener;
use crate::service::{EventService, Shared};
use crate::stats::Counters;
use crate::unverified::Unverified;

/// The platform waits 3 seconds; this leaves it half a second to hear of a failure.
pub const DEFAULT_ACK_DEADLINE: Duration = Duration::from_millis(2_500);
/// A body of the platform arrives in one go. Whatever takes longer than this could not be handled
/// before the ack deadline either.
pub const DEFAULT_READ_TIMEOUT: Duration = Duration::from_secs(2);
/// Handlers running at once.
pub const DEFAULT_MAX_RUNNING: usize = 1_024;
/// Bytes of request bodies held at once: sixteen of the largest events, or tens of thousands of the
/// usual kind.
pub const DEFAULT_MAX_BYTES_IN_FLIGHT: usize = 64 * 1024 * 1024;

/// Builds an [`EventService`].
///
/// ```
/// use std::time::Duration;
///
/// use lark_events::{Dispatcher, Webhook};
/// use lark_events_tower::{EventService, LateHandler};
///
/// let webhook = Webhook::builder().encrypt_key("key").build()?;
/// let events = EventService::builder(webhook, Dispatcher::builder().build()?)
///     .ack_deadline(Duration::from_secs(2))
///     .late(LateHandler::Cancel)
///     .max_running(64)
///     .build();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a builder does nothing until it is built"]
pub struct EventServiceBuilder<S, O = Webhook> {
    opener: O,
    inner: S,
    ack_deadline: Duration,
    read_timeout: Duration,
    late: LateHandler,
    max_running: usize,
    max_bytes_in_flight: usize,
}

impl<S, O: Opener> EventServiceBuilder<S, O> {
    pub(crate) fn new(opener: O, inner: S) -> Self {
        Self {
            opener,
            inner,
            ack_deadline: DEFAULT_ACK_DEADLINE,
            read_timeout: DEFAULT_READ_TIMEOUT,
            late: LateHandler::default(),
            max_running: DEFAULT_MAX_RUNNING,
            max_bytes_in_flight: DEFAULT_MAX_BYTES_IN_FLIGHT,
        }
    }

    /// How long after the arrival of a request its answer may take: [`DEFAULT_ACK_DEADLINE`] by
    /// default. Past it the answer is 504, so that the platform delivers again.
    pub fn ack_deadline(mut self, deadline: Duration) -> Self {
        self.ack_deadline = deadline;
        self
    }

    /// How long after the arrival of a request its body may take: [`DEFAULT_READ_TIMEOUT`] by
    /// default, and never longer than the ack deadline. The time for the *headers* is the server's to bound.
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = timeout;
        self
    }

    /// What becomes of a handler that misses the ack deadline.
    pub fn late(mut self, late: LateHandler) -> Self {
        self.late = late;
        self
    }

    /// How many handlers may run at once, late ones included: [`DEFAULT_MAX_RUNNING`] by default,
    /// and 1 at least. Beyond it the answer is 503. Callbacks, whose users wait, have 32 slots besides.
    pub fn max_running(mut self, handlers: usize) -> Self {
        self.max_running = handlers;
        self
    }

    /// How many bytes of bodies may be held at once, by requests being read and by running
    /// handlers: [`DEFAULT_MAX_BYTES_IN_FLIGHT`] by default. Beyond it the answer is 503, also to a
    /// single event that is larger.
    ///
    /// The first 16 KiB of each body are free, which is all of most events: senders of large forged
    /// bodies cannot keep those out. What they add up to is bounded by the server's connections and
    /// by [`max_running`](Self::max_running).
    pub fn max_bytes_in_flight(mut self, bytes: usize) -> Self {
        self.max_bytes_in_flight = bytes;
        self
    }

    /// Builds the service.
    pub fn build(self) -> EventService<S, O> {
        #[cfg(feature = "metrics")]
        crate::metrics::describe();
        let bytes = self.max_bytes_in_flight.min(Semaphore::MAX_PERMITS);
        EventService::from_shared(Shared {
            opener: self.opener,
            inner: Mutex::new(self.inner),
            ack_deadline: self.ack_deadline,
            read_timeout: self.read_timeout,
            late: self.late,
            in_flight: Arc::new(Semaphore::new(bytes)),
            tasks: Tasks::new(self.max_running.max(1)),
            counters: Counters::default(),
            unverified: Unverified::new(),
        })
    }
}

impl<S, O> fmt::Debug for EventServiceBuilder<S, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventServiceBuilder")
            .field("ack_deadline", &self.ack_deadline)
            .field("read_timeout", &self.read_timeout)
            .field("late", &self.late)
            .field("max_running", &self.max_running)
            .field("max_bytes_in_flight", &self.max_bytes_in_flight)
            .finish_non_exhaustive()
    }
}
