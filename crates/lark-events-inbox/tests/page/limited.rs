//! Stores that cannot do everything, and stores that fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use lark_events_inbox::{
    Admin, Appended, Capabilities, Claimed, Entry, Fence, Filter, Listed, Looked, Operation, Page,
    Settlement, Shown, Status, Store, StoreError, StoreErrorKind, VolatileStore, WorkerId,
    WorkerState,
};

use crate::stored::in_memory;

/// What the cause of an error has, which no page may show.
pub(crate) const CAUSE: &str = "no event secret-0";

pub(crate) struct Limited {
    pub(crate) inner: Arc<VolatileStore>,
    pub(crate) supported: Vec<Operation>,
    /// The calls that succeed before all others fail.
    pub(crate) calls: AtomicUsize,
    /// The events of one look; with none, looks find nothing and have no end.
    pub(crate) look: AtomicU64,
    pub(crate) panics: AtomicBool,
}

impl Limited {
    pub(crate) async fn to(supported: &[Operation]) -> Arc<Self> {
        Arc::new(Self {
            inner: in_memory().await,
            supported: supported.to_vec(),
            calls: AtomicUsize::new(usize::MAX),
            look: AtomicU64::new(u64::MAX),
            panics: AtomicBool::new(false),
        })
    }

    pub(crate) async fn failing() -> Arc<Self> {
        Self::to(&[
            Operation::List,
            Operation::Show,
            Operation::Retry,
            Operation::Discard,
        ])
        .await
    }

    pub(crate) fn fails_after(&self, calls: usize) {
        self.calls.store(calls, Ordering::SeqCst);
    }

    fn check(&self, operation: Option<Operation>) -> Result<(), StoreError> {
        if operation.is_some_and(|operation| !self.supported.contains(&operation)) {
            return Err(StoreError::new(StoreErrorKind::Unsupported));
        }
        let one_less = |calls: usize| calls.checked_sub(1);
        let left = self
            .calls
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less);
        let failed = |_| StoreError::with_source(StoreErrorKind::Unavailable, CAUSE);
        left.map(drop).map_err(failed)
    }
}

#[async_trait]
impl Store for Limited {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn append(&self, batch: Vec<Entry>) -> Result<Vec<Appended>, StoreError> {
        self.check(None)?;
        let appended = self.inner.append(batch).await;
        // The answer comes later.
        tokio::task::yield_now().await;
        appended
    }

    async fn claim(&self, max: usize, lease: Duration) -> Result<Vec<Claimed>, StoreError> {
        self.inner.claim(max, lease).await
    }

    async fn extend(&self, fences: &[Fence], lease: Duration) -> Result<Vec<bool>, StoreError> {
        self.inner.extend(fences, lease).await
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<bool>, StoreError> {
        self.inner.settle(settlements).await
    }

    async fn woken(&self) {
        self.inner.woken().await;
    }

    async fn status(&self) -> Result<Status, StoreError> {
        self.check(None)?;
        self.inner.status().await
    }

    async fn heartbeat(&self, worker: WorkerId, state: WorkerState) -> Result<(), StoreError> {
        self.inner.heartbeat(worker, state).await
    }
}

#[async_trait]
impl Admin for Limited {
    fn supports(&self, operation: Operation) -> bool {
        self.supported.contains(&operation)
    }

    async fn list(&self, filter: &Filter, page: Page) -> Result<Vec<Listed>, StoreError> {
        self.check(Some(Operation::List))?;
        self.inner.list(filter, page).await
    }

    async fn look_through(
        &self,
        filter: &Filter,
        page: Page,
        at_most: u64,
    ) -> Result<Looked, StoreError> {
        self.check(Some(Operation::List))?;
        match self.look.load(Ordering::SeqCst) {
            0 => Ok(Looked::new(vec![], Some(1))),
            look => {
                let at_most = at_most.min(look);
                self.inner.look_through(filter, page, at_most).await
            }
        }
    }

    async fn show(&self, seq: u64) -> Result<Option<Shown>, StoreError> {
        self.check(Some(Operation::Show))?;
        self.inner.show(seq).await
    }

    async fn last(&self) -> Result<Option<u64>, StoreError> {
        self.inner.last().await
    }

    async fn retry(&self, filter: &Filter, limit: usize) -> Result<u64, StoreError> {
        assert!(!self.panics.load(Ordering::SeqCst), "a defect of the store");
        self.check(Some(Operation::Retry))?;
        self.inner.retry(filter, limit).await
    }

    async fn discard(&self, filter: &Filter, limit: usize) -> Result<u64, StoreError> {
        self.check(Some(Operation::Discard))?;
        self.inner.discard(filter, limit).await
    }
}
