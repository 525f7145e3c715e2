//! A store in the memory of the process.

mod state;

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lark_events_layers::LayerBuildError;
use lark_events_layers::run::DEFAULT_MAX_BYTES_IN_FLIGHT;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tracing::warn;

use self::state::State;
use crate::admin::{Admin, Filter, Listed, Operation, Page, Shown};
use crate::store::{
    Appended, Capabilities, Claimed, Entry, Fence, Settlement, Status, Store, StoreError, WorkerId,
    WorkerState,
};

/// Keeps events in memory. **Acknowledged events that are not handled yet are lost when the process dies**, and so
/// are dead letters and the keys that recognise duplicates.
///
/// Use it in tests, or where a lost event does no harm. All other stores keep acknowledged events.
///
/// - The store holds at most [`max_events`](VolatileStoreBuilder::max_events) and
///   [`max_bytes`](VolatileStoreBuilder::max_bytes). Further events are not acknowledged, so that the
///   platform redelivers them.
/// - It takes no events while no worker runs, or once the last worker begins to shut down. A worker that shuts down
///   handles the remaining events. Each event that is still left is logged.
/// - It remembers the keys of the last [`remembered`](VolatileStoreBuilder::remembered) events for 8 hours, or for
///   as long as their requests could be replayed if that is longer. It keeps the last 1,024 dead letters.
/// - It keeps no finished events, so it cannot replay them.
///
/// ```
/// use lark_events_inbox::VolatileStore;
///
/// let store = VolatileStore::builder().max_events(50_000).build()?;
/// # Ok::<(), lark_events_layers::LayerBuildError>(())
/// ```
pub struct VolatileStore {
    state: Mutex<State>,
    changed: Notify,
}

impl VolatileStore {
    /// The default limit on events: 10,000, which is ten minutes' worth at 16 events per second.
    pub const DEFAULT_MAX_EVENTS: usize = 10_000;
    /// The default number of remembered keys: 100,000, which is 8 hours and 11 minutes' worth at 3.4 events per
    /// second.
    pub const DEFAULT_REMEMBERED: NonZeroUsize = NonZeroUsize::new(100_000).unwrap();

    /// Creates a store with the default limits.
    #[must_use]
    pub fn new() -> Self {
        Self::with(VolatileStoreBuilder::new())
    }

    /// Starts configuring a store.
    pub fn builder() -> VolatileStoreBuilder {
        VolatileStoreBuilder::new()
    }

    fn with(limits: VolatileStoreBuilder) -> Self {
        Self {
            state: Mutex::new(State::new(limits)),
            changed: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time is read under the lock, so that it never goes back from one call to the next.
    fn lock_now(&self) -> (MutexGuard<'_, State>, Instant) {
        let state = self.lock();
        (state, Instant::now())
    }

    /// Wakes the workers that wait, or the next one that will.
    fn wake(&self) {
        self.changed.notify_waiters();
        self.changed.notify_one();
    }

    fn left(&self, worker: WorkerId) {
        let mut state = self.lock();
        state.heartbeat(worker, WorkerState::Stopped, Instant::now());
        for entry in state.abandoned() {
            let header = &entry.delivery.header;
            let (event_type, event_id) = (&header.event_type, header.event_id.as_deref());
            warn!(
                event_type,
                event_id,
                "acknowledged, but not handled when the last worker stopped: the event is lost when the process ends"
            );
        }
    }
}

impl Default for VolatileStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for VolatileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VolatileStore")
            .field("status", &self.lock().status(Instant::now()))
            .finish_non_exhaustive()
    }
}

/// Builds a [`VolatileStore`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until it is built"]
pub struct VolatileStoreBuilder {
    max_events: usize,
    max_bytes: usize,
    remembered: NonZeroUsize,
}

impl VolatileStoreBuilder {
    fn new() -> Self {
        Self {
            max_events: VolatileStore::DEFAULT_MAX_EVENTS,
            max_bytes: DEFAULT_MAX_BYTES_IN_FLIGHT,
            remembered: VolatileStore::DEFAULT_REMEMBERED,
        }
    }

    /// Sets how many events may be stored, waiting or being handled:
    /// [`DEFAULT_MAX_EVENTS`](VolatileStore::DEFAULT_MAX_EVENTS) by default. Further events are not
    /// acknowledged.
    pub fn max_events(mut self, events: usize) -> Self {
        self.max_events = events;
        self
    }

    /// Sets how many bytes the stored events may take, counted by [`Entry::bytes`]: 64 MiB by default. Further
    /// events are not acknowledged, nor is a single event that is larger than the limit.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets how many keys are remembered, at least one for each stored event:
    /// [`DEFAULT_REMEMBERED`](VolatileStore::DEFAULT_REMEMBERED) by default. A key takes about 200
    /// bytes.
    pub fn remembered(mut self, keys: NonZeroUsize) -> Self {
        self.remembered = keys;
        self
    }

    /// Builds the store.
    ///
    /// # Errors
    ///
    /// [`Zero`](lark_events_layers::LayerBuildErrorKind::Zero) when a limit is 0.
    pub fn build(mut self) -> Result<VolatileStore, LayerBuildError> {
        LayerBuildError::if_zero([
            ("max_events", self.max_events == 0),
            ("max_bytes", self.max_bytes == 0),
        ])?;
        // The key of a stored event is never forgotten.
        let stored = NonZeroUsize::new(self.max_events);
        self.remembered = stored.map_or(self.remembered, |stored| stored.max(self.remembered));
        Ok(VolatileStore::with(self))
    }
}

#[async_trait]
impl Store for VolatileStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities::VOLATILE
    }

    async fn append(&self, batch: Vec<Entry>) -> Result<Vec<Appended>, StoreError> {
        let appended = {
            let (mut state, now) = self.lock_now();
            let entries = batch.into_iter();
            entries.map(|entry| state.append(entry, now)).collect()
        };
        self.wake();
        Ok(appended)
    }

    async fn claim(&self, max: usize, lease: Duration) -> Result<Vec<Claimed>, StoreError> {
        Ok(self.lock().claim(max, lease, Instant::now()))
    }

    async fn extend(&self, fences: &[Fence], lease: Duration) -> Result<Vec<bool>, StoreError> {
        let (mut state, now) = self.lock_now();
        let fences = fences.iter();
        Ok(fences
            .map(|&fence| state.extend(fence, lease, now))
            .collect())
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<bool>, StoreError> {
        let settled = {
            let (mut state, now) = self.lock_now();
            let settlements = settlements.into_iter();
            settlements.map(|one| state.settle(one, now)).collect()
        };
        self.wake();
        Ok(settled)
    }

    async fn woken(&self) {
        let next = self.lock().next_visible();
        let due = async {
            match next {
                Some(next) => sleep_until(next).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.changed.notified() => {}
            () = due => {}
        }
    }

    async fn status(&self) -> Result<Status, StoreError> {
        Ok(self.lock().status(Instant::now()))
    }

    async fn heartbeat(&self, worker: WorkerId, state: WorkerState) -> Result<(), StoreError> {
        if state == WorkerState::Stopped {
            self.left(worker);
        } else {
            self.lock().heartbeat(worker, state, Instant::now());
        }
        self.wake();
        Ok(())
    }

    fn dropped(&self, worker: WorkerId) {
        self.left(worker);
    }
}

#[async_trait]
impl Admin for VolatileStore {
    fn supports(&self, operation: Operation) -> bool {
        !matches!(operation, Operation::Replay | Operation::Prune)
    }

    async fn last(&self) -> Result<Option<u64>, StoreError> {
        Ok(self.lock().last())
    }

    async fn list(&self, filter: &Filter, page: Page) -> Result<Vec<Listed>, StoreError> {
        Ok(self.lock().list(filter, page, Instant::now()))
    }

    async fn show(&self, seq: u64) -> Result<Option<Shown>, StoreError> {
        Ok(self.lock().show(seq, Instant::now()))
    }

    async fn retry(&self, filter: &Filter, limit: usize) -> Result<u64, StoreError> {
        let retried = self.lock().retry(filter, limit, Instant::now());
        self.wake();
        Ok(retried)
    }

    async fn discard(&self, filter: &Filter, limit: usize) -> Result<u64, StoreError> {
        let discarded = self.lock().discard(filter, limit, Instant::now());
        self.wake();
        Ok(discarded)
    }
}
