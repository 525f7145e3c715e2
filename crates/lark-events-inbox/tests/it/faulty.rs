//! A store that fails where a test asks for it, around one in memory that claims to outlive the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use lark_events_inbox::{
    Appended, Capabilities, Claimed, Entry, Fence, Inbox, InboxBuilder, Settlement, Status, Store,
    StoreError, StoreErrorKind, VolatileStore, WorkerId, WorkerState,
};
use tokio::sync::watch;

/// What the calls of one kind do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    Fails,
    Hangs,
    Panics,
}

/// The faults of a store, to be changed while it runs.
#[derive(Debug)]
pub(crate) struct Faults {
    append: watch::Sender<Fault>,
    claim: watch::Sender<Fault>,
    settle: watch::Sender<Fault>,
    /// The calls of `append` and `settle` that were made.
    pub(crate) appends: AtomicUsize,
    pub(crate) settles: AtomicUsize,
}

impl Faults {
    pub(crate) fn append(&self, fault: Fault) {
        self.append.send_replace(fault);
    }

    pub(crate) fn claim(&self, fault: Fault) {
        self.claim.send_replace(fault);
    }

    pub(crate) fn settle(&self, fault: Fault) {
        self.settle.send_replace(fault);
    }
}

pub(crate) struct FaultyStore {
    pub(crate) inner: VolatileStore,
    pub(crate) faults: Arc<Faults>,
    capabilities: Capabilities,
}

impl FaultyStore {
    /// A store, its faults, and a builder for an inbox on it.
    pub(crate) fn with(capabilities: Capabilities) -> (Arc<Self>, Arc<Faults>, InboxBuilder) {
        let faults = Arc::new(Faults {
            append: watch::Sender::new(Fault::None),
            claim: watch::Sender::new(Fault::None),
            settle: watch::Sender::new(Fault::None),
            appends: AtomicUsize::new(0),
            settles: AtomicUsize::new(0),
        });
        let store = Arc::new(Self {
            inner: VolatileStore::new(),
            faults: Arc::clone(&faults),
            capabilities,
        });
        let builder = Inbox::builder(Arc::clone(&store) as Arc<dyn Store>);
        (store, faults, builder)
    }

    pub(crate) fn durable() -> (Arc<Self>, Arc<Faults>, InboxBuilder) {
        Self::with(Capabilities::DURABLE)
    }
}

async fn pass(fault: &watch::Sender<Fault>) -> Result<(), StoreError> {
    let mut faults = fault.subscribe();
    let fault = faults.wait_for(|fault| *fault != Fault::Hangs).await;
    match fault.map(|fault| *fault) {
        Ok(Fault::Fails) => {
            let error = "the disk is full";
            Err(StoreError::with_source(StoreErrorKind::Unavailable, error))
        }
        Ok(Fault::Panics) => panic!("a store's own panic"),
        _ => Ok(()),
    }
}

#[async_trait]
impl Store for FaultyStore {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn append(&self, batch: Vec<Entry>) -> Result<Vec<Appended>, StoreError> {
        self.faults.appends.fetch_add(1, Ordering::Relaxed);
        pass(&self.faults.append).await?;
        self.inner.append(batch).await
    }

    async fn claim(&self, max: usize, lease: Duration) -> Result<Vec<Claimed>, StoreError> {
        pass(&self.faults.claim).await?;
        self.inner.claim(max, lease).await
    }

    async fn extend(&self, fences: &[Fence], lease: Duration) -> Result<Vec<bool>, StoreError> {
        pass(&self.faults.claim).await?;
        self.inner.extend(fences, lease).await
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<bool>, StoreError> {
        self.faults.settles.fetch_add(1, Ordering::Relaxed);
        pass(&self.faults.settle).await?;
        self.inner.settle(settlements).await
    }

    async fn woken(&self) {
        self.inner.woken().await;
    }

    async fn status(&self) -> Result<Status, StoreError> {
        pass(&self.faults.claim).await?;
        self.inner.status().await
    }

    async fn heartbeat(&self, worker: WorkerId, state: WorkerState) -> Result<(), StoreError> {
        // A store that outlives the process takes events while no worker runs.
        let state = match state {
            WorkerState::Stopping | WorkerState::Stopped if self.capabilities.durable => {
                return Ok(());
            }
            state => state,
        };
        self.inner.heartbeat(worker, state).await
    }
}
