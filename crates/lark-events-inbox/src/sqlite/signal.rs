//! What the calls of one store let its workers know, without a look into the file.

use std::sync::atomic::{AtomicI64, Ordering};

use tokio::sync::Notify;

/// Wakes the workers of a store, and remembers whether there may be something to claim.
///
/// The thread that writes raises the signal within a transaction, before it commits. A worker thus gets ready
/// while the disk syncs, and its claim is behind the transaction in the queue of the same thread.
#[derive(Debug)]
pub(super) struct Signal {
    changed: Notify,
    /// The latest time at which an event became visible, until a claim of a later time has left none. The thread
    /// that writes sets and resets it; operators set it after their commit.
    visible_since: AtomicI64,
}

const NONE: i64 = i64::MIN;

impl Default for Signal {
    fn default() -> Self {
        Self {
            changed: Notify::new(),
            visible_since: AtomicI64::new(NONE),
        }
    }
}

impl Signal {
    /// Events are visible from this time on, once the transaction has been committed.
    pub(super) fn visible(&self, since: i64) {
        self.visible_since.fetch_max(since, Ordering::AcqRel);
        self.changed();
    }

    /// Wakes the workers that wait, or the next one that will.
    pub(super) fn changed(&self) {
        self.changed.notify_waiters();
        self.changed.notify_one();
    }

    /// A claim of this time has left no event that was visible then. It may be earlier than an append that was
    /// before it in the queue.
    pub(super) fn all_claimed(&self, now: i64) {
        let since = self.visible_since.load(Ordering::Acquire);
        if since <= now {
            // An operator may have changed it.
            let (set, read) = (Ordering::AcqRel, Ordering::Acquire);
            let _ = self.visible_since.compare_exchange(since, NONE, set, read);
        }
    }

    /// Whether a claim may find events that this store has made visible. Other processes do not count, nor
    /// do retries whose time has come.
    pub(super) fn is_visible(&self) -> bool {
        self.visible_since.load(Ordering::Acquire) != NONE
    }

    /// Waits until the signal is raised, unless it is.
    pub(super) async fn wait(&self) {
        let changed = self.changed.notified();
        if !self.is_visible() {
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    use super::*;

    #[tokio::test]
    async fn an_event_that_is_not_claimed_wakes_every_worker_also_one_that_waits_later() {
        let signal = Signal::default();
        let mut first = pin!(signal.wait());
        let waits = poll_fn(|context| Poll::Ready(first.as_mut().poll(context).is_pending()));
        assert!(waits.await);
        signal.visible(2);
        first.await;
        for _ in 0..2 {
            signal.wait().await;
        }
        signal.all_claimed(1);
        assert!(signal.is_visible(), "the claim was earlier than the event");
        signal.all_claimed(2);
        assert!(!signal.is_visible());
        // The wake-up that nobody has taken.
        signal.wait().await;
        let mut last = pin!(signal.wait());
        let waits = poll_fn(|context| Poll::Ready(last.as_mut().poll(context).is_pending()));
        assert!(waits.await);
    }
}
