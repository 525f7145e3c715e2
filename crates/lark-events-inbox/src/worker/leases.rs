//! The claims that a worker holds, and the time for which they are surely its own.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lark_events_layers::run::after;
use tokio::time::Instant;

use crate::store::Fence;

/// The claims of the events that a worker handles.
#[derive(Debug, Default)]
pub(super) struct Leases(Mutex<HashMap<Fence, Instant>>);

impl Leases {
    /// Notes a claim, or its extension, whose call to the store began at `began`.
    pub(super) fn hold(&self, fence: Fence, began: Instant, lease: Duration) {
        self.lock().insert(fence, after(began, lease));
    }

    /// Extends a claim that is still held.
    pub(super) fn extend(&self, fence: Fence, began: Instant, lease: Duration) {
        if let Some(until) = self.lock().get_mut(&fence) {
            *until = after(began, lease);
        }
    }

    pub(super) fn held(&self) -> Vec<Fence> {
        self.lock().keys().copied().collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Whether the claim may have ended.
    pub(super) fn is_over(&self, fence: Fence, now: Instant) -> bool {
        self.lock().get(&fence).is_none_or(|&until| until <= now)
    }

    pub(super) fn release(&self, fence: Fence) {
        self.lock().remove(&fence);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Fence, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
