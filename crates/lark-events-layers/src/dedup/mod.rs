//! Handling an event once, however often it is delivered.

mod memory;
mod service;
mod store;

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use lark_events::Delivery;
use lark_events::event::duplicate_key;
use tokio_util::task::TaskTracker;
use tower_layer::Layer;

use crate::error::LayerBuildError;
use crate::key::{KeyFn, text_at};
use crate::lanes::Lanes;
use crate::run::Counter;

pub use self::memory::MemoryStore;
pub use self::service::Dedup;
pub use self::store::{Claim, DedupStore};

/// How much longer than its request counts an event is remembered. The clocks of processes that share a
/// store differ, and one may be set back in the meantime.
const CLOCK_MARGIN: Duration = Duration::from_mins(1);
/// Duplicates that may wait for the first to end. A transport holds a body and a task for each.
const MAX_WAITING: usize = 1_024;

/// Keys longer than this are none: those of the platform have a tenth of it, and all are kept.
const MAX_KEY_BYTES: usize = 1_024;

/// Handles an event once: the platform delivers at least once, and now and then again even after a
/// good answer.
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
/// A delivery to the same app, of the same type and with the same event id (version 1: `uuid`). Where
/// the documentation of an event names another key, that counts ([`duplicate_key`]): for
/// `im.message.receive_v1` the id of the message. [`key_for`](DedupLayerBuilder::key_for) sets a key of your own.
/// Each duplicate is logged at DEBUG. What has no id, or one of more than a kibibyte, is passed on, and
/// so are callbacks, which are never delivered again.
///
/// # What becomes of it
///
/// - The first was handled, up to 8 hours ago or for as long as its request may be replayed: the
///   duplicate is acknowledged as it was (a reply, which only callbacks need, is not kept).
/// - The first is being handled: the duplicate waits. If the first succeeds, it is acknowledged; if
///   the first fails, panics or is dropped, the duplicate is handled in its stead, of several one at a
///   time. To fail it too would do, as the platform delivers again; but it may be the last attempt.
/// - The first failed: the duplicate is handled as if it were the first.
///
/// So of one process an event is handled twice only when it failed once, was forgotten (see
/// [`MemoryStore`]) or when the store failed. *Success is marked after the handler's end*, so a process
/// that dies in between handles it again: no event is lost to de-duplication, and a handler whose effect
/// must not happen twice still has to see to it by the event's id. Outside of an
/// [`AckFirstLayer`](crate::AckFirstLayer) success is its acknowledgement.
///
/// # Errors
///
/// A [`LayerError`](crate::LayerError), so that the platform delivers again:
///
/// - [`Store`](crate::LayerErrorKind::Store) (500) when the store cannot tell whether the event was
///   handled. When it cannot *mark* a success, that is logged and the event acknowledged: to fail
///   it would have it handled again, which is what the layer is there to prevent.
/// - [`Held`](crate::LayerErrorKind::Held) (503) when another process that uses the store is at it.
/// - [`Overloaded`](crate::LayerErrorKind::Overloaded) (503) when 1,024 duplicates wait.
#[derive(Clone)]
pub struct DedupLayer {
    store: Arc<dyn DedupStore>,
    /// Tells this layer's claims from those of other processes.
    owner: u64,
    keys: Arc<HashMap<String, KeyFn>>,
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
    /// The platform delivers again for 7.1 hours.
    pub const DEFAULT_KEPT: Duration = Duration::from_hours(8);
    /// What a claim of a process that died blocks: less than what the platform's second redelivery
    /// comes after.
    pub const DEFAULT_LEASE: Duration = Duration::from_mins(5);

    /// A layer that remembers in a [`MemoryStore`] of its own.
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
            keys: Arc::new(settings.keys),
            kept: settings.kept,
            lease: settings.lease,
            lanes: Arc::default(),
            settling: TaskTracker::new(),
            counters: Arc::default(),
        }
    }

    /// Waits until the store has heard of all deliveries that were dropped before their end, as those are
    /// that a drain cuts off. For the end of a program whose store outlives it: what the store does not
    /// hear of stays claimed for the length of the [lease](DedupLayerBuilder::lease).
    pub async fn settled(&self) {
        self.settling.close();
        self.settling.wait().await;
    }

    /// Counts since the start, under this layer and its clones.
    #[must_use]
    pub fn stats(&self) -> DedupStats {
        DedupStats {
            duplicates: self.counters.duplicates.get(),
            waited: self.counters.waited.get(),
            held: self.counters.held.get(),
            store_errors: self.counters.store_errors.get(),
        }
    }

    /// How long to remember a delivery that is handled now.
    fn kept(&self, delivery: &Delivery) -> Duration {
        let replayable_for = delivery.replayable_for;
        let needed = replayable_for.map(|time| time.saturating_add(CLOCK_MARGIN));
        self.kept.max(needed.unwrap_or_default())
    }

    /// What the store and the duplicates know a delivery by.
    fn key(&self, delivery: &Delivery) -> Option<String> {
        if delivery.is_callback() {
            return None;
        }
        let header = &delivery.header;
        let app = header.app_id.as_deref().unwrap_or_default();
        let event_type = &header.event_type;
        let key = |id: &str| {
            let key = (!id.is_empty()).then(|| format!("{app}:{event_type}:{id}"));
            key.filter(|key| key.len() <= MAX_KEY_BYTES)
        };
        let own = match self.keys.get(event_type) {
            Some(own) => own(delivery),
            None => duplicate_key(event_type).and_then(|at| text_at(&delivery.raw, at)),
        };
        own.and_then(|id| key(&id))
            .or_else(|| key(header.event_id.as_deref()?))
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
    keys: HashMap<String, KeyFn>,
    kept: Duration,
    lease: Duration,
}

impl DedupLayerBuilder {
    fn new() -> Self {
        Self {
            store: None,
            keys: HashMap::new(),
            kept: DedupLayer::DEFAULT_KEPT,
            lease: DedupLayer::DEFAULT_LEASE,
        }
    }

    /// Sets where handled events are remembered: a [`MemoryStore`] of each layer's own unless set.
    /// Each layer is an owner of its own in a store, and takes another for another process.
    pub fn store(mut self, store: Arc<dyn DedupStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// Has events of a type told apart by what `key` gives of them; by their event id where it
    /// gives nothing.
    pub fn key_for(
        mut self,
        event_type: impl Into<String>,
        key: impl Fn(&Delivery) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.keys.insert(event_type.into(), Arc::new(key));
        self
    }

    /// Sets how long a handled event is remembered, at least:
    /// [`DEFAULT_KEPT`](DedupLayer::DEFAULT_KEPT) unless set. An event is
    /// remembered for longer where the webhook would accept its request for longer
    /// ([`Delivery::replayable_for`]): 8 hours and 11 minutes with the default freshness. So no replay is
    /// handled, whatever is set here and there.
    ///
    /// That needs a limit. A webhook [without
    /// freshness](lark_events::webhook::WebhookBuilder::without_freshness), or without an Encrypt Key, accepts the
    /// same request for ever: an event that was forgotten is then handled again.
    pub fn keep_for(mut self, kept: Duration) -> Self {
        self.kept = kept;
        self
    }

    /// Sets how long an event stays claimed by a process that died:
    /// [`DEFAULT_LEASE`](DedupLayer::DEFAULT_LEASE) unless set. A handler
    /// that takes longer than this may find the event handled by another *process* too.
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

/// What de-duplication saw. See [`DedupLayer::stats`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct DedupStats {
    /// Deliveries acknowledged since their event was handled already.
    pub duplicates: u64,
    /// Deliveries that found their event being handled in this process, and waited.
    pub waited: u64,
    /// Deliveries refused since another process was at their event.
    pub held: u64,
    /// Calls of the store that failed.
    pub store_errors: u64,
}

impl<S> Layer<S> for DedupLayer {
    type Service = Dedup<S>;

    fn layer(&self, inner: S) -> Dedup<S> {
        let layer = self.clone();
        Dedup { layer, inner }
    }
}
