//! Configuring an [`EventService`]: its deadlines and limits.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lark_events::{LateHandler, Webhook};
use lark_events_layers::run::{
    DEFAULT_ACK_DEADLINE, DEFAULT_MAX_BYTES_IN_FLIGHT, DEFAULT_MAX_RUNNING, Tasks,
};
use tokio::sync::Semaphore;

use crate::error::EventServiceBuildError;
use crate::opener::Opener;
use crate::request::Shared;
use crate::service::EventService;
use crate::stats::Counters;
use crate::unverified::Unverified;

/// The default read time-out: 2 seconds. The platform's bodies arrive at once, and a slower body could not be
/// handled before the ack deadline anyway.
pub const DEFAULT_READ_TIMEOUT: Duration = Duration::from_secs(2);

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
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
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

    /// Sets how long after the arrival of a request its answer may take: [`DEFAULT_ACK_DEADLINE`] by
    /// default. After that the answer is 504, so that the platform redelivers.
    pub fn ack_deadline(mut self, deadline: Duration) -> Self {
        self.ack_deadline = deadline;
        self
    }

    /// Sets how long after the arrival of a request its body may take: [`DEFAULT_READ_TIMEOUT`] by
    /// default, and never longer than the ack deadline. The server must limit the time for the
    /// *headers*.
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = timeout;
        self
    }

    /// Sets what happens to a handler that misses the ack deadline. By default it finishes, and counts
    /// as running until then.
    pub fn late(mut self, late: LateHandler) -> Self {
        self.late = late;
        self
    }

    /// Sets how many handlers may run at once, late ones included: [`DEFAULT_MAX_RUNNING`] by default. Beyond the
    /// limit the answer is 503. Callbacks have 32 more slots, because users wait for them.
    pub fn max_running(mut self, handlers: usize) -> Self {
        self.max_running = handlers;
        self
    }

    /// Sets how many bytes of bodies may be held at once, by requests being read and by running handlers:
    /// [`DEFAULT_MAX_BYTES_IN_FLIGHT`] by default. Beyond the limit the answer is 503, even for a single event that
    /// is larger than the limit.
    ///
    /// The first 16 KiB of each body do not count, which covers most events completely: large forged
    /// bodies cannot keep these events out. The server's connections and
    /// [`max_running`](Self::max_running) limit their sum.
    pub fn max_bytes_in_flight(mut self, bytes: usize) -> Self {
        self.max_bytes_in_flight = bytes;
        self
    }

    /// Builds the service.
    ///
    /// # Errors
    ///
    /// [`Zero`](crate::EventServiceBuildErrorKind::Zero) when a limit or a time is 0, so that no event
    /// could be handled.
    pub fn build(self) -> Result<EventService<S, O>, EventServiceBuildError> {
        let settings = [
            ("ack_deadline", self.ack_deadline.is_zero()),
            ("read_timeout", self.read_timeout.is_zero()),
            ("max_running", self.max_running == 0),
            ("max_bytes_in_flight", self.max_bytes_in_flight == 0),
        ];
        match settings.into_iter().find(|(_, is_zero)| *is_zero) {
            Some((setting, _)) => Err(EventServiceBuildError::zero(setting)),
            None => Ok(self.build_checked()),
        }
    }

    pub(crate) fn build_checked(self) -> EventService<S, O> {
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
            tasks: Tasks::new(self.max_running),
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
