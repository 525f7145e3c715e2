//! Filtering events by age.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use lark_events::Delivery;
use tower_layer::Layer;

use super::{Filter, Filtered};
use crate::run::Counter;

/// Acknowledges events that are older than a limit, without handling them. An answer that is hours late is of no
/// use, and could be the second one.
///
/// The age is the time since the event's own creation time
/// ([`created_at`](lark_events::EventHeader::created_at)). Callbacks, and events without a time, are passed
/// on. The outcome is [`Outcome::Unhandled`](lark_events::Outcome::Unhandled).
///
/// Put it inside an inbox, so that the age includes the time in the store.
///
/// ```
/// use std::time::Duration;
///
/// use lark_events::Dispatcher;
/// use lark_events_layers::StaleLayer;
/// use tower::ServiceBuilder;
///
/// let stale = StaleLayer::new(Duration::from_mins(50));
/// let service = ServiceBuilder::new()
///     .layer(stale.clone())
///     .service(Dispatcher::builder().build()?);
/// // While it runs:
/// stale.set_max_age(Duration::from_mins(10));
/// assert_eq!(stale.stats().stale, 0);
/// # drop(service);
/// # Ok::<(), lark_events::error::BuildError>(())
/// ```
#[derive(Clone)]
pub struct StaleLayer(Arc<Stale>);

struct Stale {
    max_age: RwLock<Duration>,
    clock: Box<dyn Fn() -> SystemTime + Send + Sync>,
    passed: Counter,
    stale: Counter,
}

/// The counts of a [`StaleLayer`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StaleStats {
    /// Deliveries that were passed on.
    pub passed: u64,
    /// Events that were too old.
    pub stale: u64,
}

impl StaleLayer {
    /// Leaves out events that are older than `max_age`.
    #[must_use]
    pub fn new(max_age: Duration) -> Self {
        Self::with_clock(max_age, SystemTime::now)
    }

    /// Like [`new`](Self::new), with a clock for tests.
    pub fn with_clock(
        max_age: Duration,
        clock: impl Fn() -> SystemTime + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Stale {
            max_age: RwLock::new(max_age),
            clock: Box::new(clock),
            passed: Counter::default(),
            stale: Counter::default(),
        }))
    }

    /// Changes the limit, from the next delivery on.
    pub fn set_max_age(&self, max_age: Duration) {
        *self
            .0
            .max_age
            .write()
            .unwrap_or_else(PoisonError::into_inner) = max_age;
    }

    /// The counts so far.
    #[must_use]
    pub fn stats(&self) -> StaleStats {
        StaleStats {
            passed: self.0.passed.get(),
            stale: self.0.stale.get(),
        }
    }
}

impl Filter for Stale {
    fn leaves_out(&self, delivery: &Delivery) -> Option<&'static str> {
        let max_age = *self.max_age.read().unwrap_or_else(PoisonError::into_inner);
        let created = delivery
            .header
            .created_at()
            .filter(|_| !delivery.is_callback());
        // An event of a clock that is ahead has no age.
        let age = created.and_then(|created| (self.clock)().duration_since(created).ok());
        if age.is_some_and(|age| age > max_age) {
            self.stale.add_one();
            return Some("stale");
        }
        self.passed.add_one();
        None
    }
}

impl<S> Layer<S> for StaleLayer {
    type Service = Filtered<S>;

    fn layer(&self, inner: S) -> Filtered<S> {
        let filter = Arc::clone(&self.0) as _;
        Filtered { filter, inner }
    }
}

impl fmt::Debug for StaleLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaleLayer")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
