//! Handling an event once, even if it is delivered several times.

mod memory;
mod service;
mod store;

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use lark_events::Delivery;
use tokio_util::task::TaskTracker;
use tower_layer::Layer;

use crate::error::LayerBuildError;
use crate::key::DuplicateKeys;
use crate::lanes::Lanes;
use crate::run::Counter;

pub use self::memory::MemoryStore;
pub use self::service::Dedup;
pub use self::store::{Claim, DedupStore};

/// The maximum number of duplicates that wait for the first delivery. A transport holds a body and a
/// task for each.
const MAX_WAITING: usize = 1_024;

/// Handles each event once. The platform delivers at least once, and sometimes redelivers even after a successful
/// answer.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// use lark_events::{Delivery, Dispatcher, EventHeader, RawJson};
/// use lark_events_layers::DedupLayer;
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let paid = Arc::new(AtomicUsize::new(0));
/// let counted = Arc::clone(&paid);
/// let dispatcher = Dispatcher::builder()
///     .on_raw("shop.order.placed_v1", move |_event| {
///         counted.fetch_add(1, Ordering::Relaxed);
///         async {}
///     })
///     .build()?;
/// let dedup = DedupLayer::new();
/// let service = ServiceBuilder::new().layer(dedup.clone()).service(dispatcher);
///
/// let mut header = EventHeader::new("shop.order.placed_v1");
/// header.event_id = Some("5e3702a84e847582be8db7fb73283c02".to_owned());
/// for _ in 0..3 {
///     service.clone().oneshot(Delivery::new(header.clone(), RawJson::default())).await?;
/// }
/// assert_eq!(paid.load(Ordering::Relaxed), 1);
/// assert_eq!(dedup.stats().duplicates, 2);
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// # }).unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # What a duplicate is
///
/// A duplicate is a delivery with the same [key](DuplicateKeys) as an earlier one: the same app, event type, and
/// id. The id is the event id, or the value that the documentation of the event names.
/// [`key_for`](DedupLayerBuilder::key_for) sets a key of your own. Duplicates are logged at DEBUG. Deliveries
/// without a key, such as callbacks, which are never redelivered, are passed on.
///
/// # What happens to a duplicate
///
/// - The first delivery was handled, and is still [remembered](DedupLayerBuilder::keep_for): the duplicate is
///   acknowledged with the same outcome.
/// - The first delivery is being handled: the duplicate waits. If the first succeeds, the duplicate is
///   acknowledged. If the first fails, panics or is dropped, the duplicate is handled instead; several duplicates
///   are handled one at a time. A duplicate does not fail with the first delivery, because it may be the platform's
///   last attempt.
/// - The first delivery failed: the duplicate is handled like a first delivery.
///
/// A process therefore handles an event twice only if the event failed once, was forgotten (see [`MemoryStore`]),
/// or the store failed. *Success is recorded after the handler has finished.* If the process dies in between, the
/// event is handled again: de-duplication loses no event, but a handler whose effect must not happen twice must
/// check the event's id itself.
///
/// # Errors
///
/// A [`LayerError`](crate::LayerError), so that the platform redelivers:
///
/// - [`Store`](crate::LayerErrorKind::Store) (500) when the store cannot determine whether the event
///   was handled. When the store cannot *record* a success, the failure is logged and the event
///   acknowledged: failing it would cause the second handling that this layer prevents.
/// - [`Held`](crate::LayerErrorKind::Held) (503) when another process that uses the store is handling
///   the event.
/// - [`Overloaded`](crate::LayerErrorKind::Overloaded) (503) when 1,024 duplicates wait.
#[derive(Clone)]
pub struct DedupLayer {
    store: Arc<dyn DedupStore>,
    /// Distinguishes this layer's claims from those of other processes.
    owner: u64,
    keys: DuplicateKeys,
    kept: Duration,
    lease: Duration,
    lanes: Arc<Lanes>,
    settling: TaskTracker,
    counters: Arc<Counters>,
}

#[derive(Default)]
struct Counters {
    duplicates: Counter,
    waited: Counter,
    held: Counter,
    store_errors: Counter,
}

impl DedupLayer {
    /// The default minimum time for which events are remembered: 8 hours. The platform redelivers for 7.1 hours.
    pub const DEFAULT_KEPT: Duration = Duration::from_hours(8);
    /// The default lease: 5 minutes. The claim of a process that died blocks its event for this time. It is less
    /// than the time until the platform's second redelivery.
    pub const DEFAULT_LEASE: Duration = Duration::from_mins(5);

    /// Creates a layer with a new [`MemoryStore`].
    #[must_use]
    pub fn new() -> Self {
        Self::with(DedupLayerBuilder::new())
    }

    /// Starts configuring a layer.
    pub fn builder() -> DedupLayerBuilder {
        DedupLayerBuilder::new()
    }

    fn with(settings: DedupLayerBuilder) -> Self {
        let store = settings.store;
        Self {
            store: store.unwrap_or_else(|| Arc::new(MemoryStore::default())),
            owner: RandomState::new().hash_one(std::process::id()),
            keys: settings.keys,
            kept: settings.kept,
            lease: settings.lease,
            lanes: Arc::default(),
            settling: TaskTracker::new(),
            counters: Arc::default(),
        }
    }

    /// Waits until the store has released the claims of all deliveries that were dropped before they finished, such
    /// as those that a drain cancels. Call it at the end of a program whose store outlives it: a claim that is not
    /// released blocks its event until the end of its [lease](DedupLayerBuilder::lease).
    pub async fn settled(&self) {
        self.settling.close();
        self.settling.wait().await;
    }

    /// The counts since the start, of this layer and its clones.
    #[must_use]
    pub fn stats(&self) -> DedupStats {
        DedupStats {
            duplicates: self.counters.duplicates.get(),
            waited: self.counters.waited.get(),
            held: self.counters.held.get(),
            store_errors: self.counters.store_errors.get(),
        }
    }
}

impl Default for DedupLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for DedupLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DedupLayer")
            .field("kept", &self.kept)
            .field("lease", &self.lease)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// Builds a [`DedupLayer`].
///
/// ```
/// use std::num::NonZeroUsize;
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use lark_events_layers::{DedupLayer, MemoryStore};
///
/// let capacity = NonZeroUsize::new(1_000_000).expect("more than 0");
/// let dedup = DedupLayer::builder()
///     .store(Arc::new(MemoryStore::new(capacity)))
///     .keep_for(Duration::from_hours(24))
///     .build()?;
/// # Ok::<(), lark_events_layers::LayerBuildError>(())
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing until it is built"]
pub struct DedupLayerBuilder {
    store: Option<Arc<dyn DedupStore>>,
    keys: DuplicateKeys,
    kept: Duration,
    lease: Duration,
}

impl DedupLayerBuilder {
    fn new() -> Self {
        Self {
            store: None,
            keys: DuplicateKeys::default(),
            kept: DedupLayer::DEFAULT_KEPT,
            lease: DedupLayer::DEFAULT_LEASE,
        }
    }

    /// Sets the store of handled events: by default, a new [`MemoryStore`]. Two layers with the same store treat
    /// each other as different processes.
    pub fn store(mut self, store: Arc<dyn DedupStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// Identifies events of a type by the result of `key`, or by their event id if `key` returns
    /// `None`.
    pub fn key_for(
        mut self,
        event_type: impl Into<String>,
        key: impl Fn(&Delivery) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.keys = self.keys.key_for(event_type, key);
        self
    }

    /// Sets the minimum time for which a handled event is remembered: [`DEFAULT_KEPT`](DedupLayer::DEFAULT_KEPT) by
    /// default. An event is remembered for longer if the webhook would accept its request for longer
    /// ([`Delivery::replayable_for`]): 8 hours and 11 minutes with the default freshness. No replay is handled,
    /// whatever the settings.
    ///
    /// The replay time must be limited for this. A webhook [without
    /// freshness](lark_events::webhook::WebhookBuilder::without_freshness), or without an Encrypt Key, accepts the
    /// same request forever: a forgotten event is then handled again.
    pub fn keep_for(mut self, kept: Duration) -> Self {
        self.kept = kept;
        self
    }

    /// Sets how long a claim lasts if its process dies: [`DEFAULT_LEASE`](DedupLayer::DEFAULT_LEASE) by default. If
    /// a handler takes longer than this, another *process* may handle the event too.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Builds the layer.
    ///
    /// # Errors
    ///
    /// [`Zero`](crate::LayerBuildErrorKind::Zero) when the [`lease`](Self::lease) is 0.
    pub fn build(self) -> Result<DedupLayer, LayerBuildError> {
        LayerBuildError::if_zero([("lease", self.lease.is_zero())])?;
        Ok(DedupLayer::with(self))
    }
}

impl fmt::Debug for DedupLayerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DedupLayerBuilder")
            .field("kept", &self.kept)
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}

/// Counts of de-duplication. See [`DedupLayer::stats`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct DedupStats {
    /// Deliveries acknowledged because their event was handled already.
    pub duplicates: u64,
    /// Deliveries that waited because this process was handling their event.
    pub waited: u64,
    /// Deliveries rejected because another process was handling their event.
    pub held: u64,
    /// Failed calls of the store.
    pub store_errors: u64,
}

impl<S> Layer<S> for DedupLayer {
    type Service = Dedup<S>;

    fn layer(&self, inner: S) -> Dedup<S> {
        let layer = self.clone();
        Dedup { layer, inner }
    }
}
