//! A store whose batches a test lets through, one after the other.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lark_events_inbox::{
    Admin, Appended, Capabilities, Claimed, Entry, Fence, Filter, Listed, Operation, Page,
    Settlement, Shown, Status, Store, StoreError, WorkerId, WorkerState,
};
use tokio::sync::Semaphore;

/// Each retry waits for a permit.
pub(crate) struct Gate<S> {
    store: Arc<S>,
    permits: Semaphore,
}

impl<S> Gate<S> {
    pub(crate) fn closed(store: Arc<S>) -> Self {
        Self {
            store,
            permits: Semaphore::new(0),
        }
    }

    pub(crate) fn let_through(&self, batches: usize) {
        self.permits.add_permits(batches);
    }
}

#[async_trait]
impl<S: Admin> Store for Gate<S> {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    async fn append(&self, batch: Vec<Entry>) -> Result<Vec<Appended>, StoreError> {
        self.store.append(batch).await
    }

    async fn claim(&self, max: usize, lease: Duration) -> Result<Vec<Claimed>, StoreError> {
        self.store.claim(max, lease).await
    }

    async fn extend(&self, fences: &[Fence], lease: Duration) -> Result<Vec<bool>, StoreError> {
        self.store.extend(fences, lease).await
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<bool>, StoreError> {
        self.store.settle(settlements).await
    }

    async fn woken(&self) {
        self.store.woken().await;
    }

    async fn status(&self) -> Result<Status, StoreError> {
        self.store.status().await
    }

    async fn heartbeat(&self, worker: WorkerId, state: WorkerState) -> Result<(), StoreError> {
        self.store.heartbeat(worker, state).await
    }
}

#[async_trait]
impl<S: Admin> Admin for Gate<S> {
    fn supports(&self, operation: Operation) -> bool {
        self.store.supports(operation)
    }

    async fn list(&self, filter: &Filter, page: Page) -> Result<Vec<Listed>, StoreError> {
        self.store.list(filter, page).await
    }

    async fn show(&self, seq: u64) -> Result<Option<Shown>, StoreError> {
        self.store.show(seq).await
    }

    async fn last(&self) -> Result<Option<u64>, StoreError> {
        self.store.last().await
    }

    async fn retry(&self, filter: &Filter, limit: usize) -> Result<u64, StoreError> {
        self.permits.acquire().await.unwrap().forget();
        self.store.retry(filter, limit).await
    }

    async fn discard(&self, filter: &Filter, limit: usize) -> Result<u64, StoreError> {
        self.store.discard(filter, limit).await
    }
}
