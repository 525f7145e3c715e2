//! What the calls of one store let its workers know, without a look into the file.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Wakes the workers of a store, and remembers whether there may be something to claim.
///
/// The thread that writes raises the signal within a transaction, before it commits. A worker thus gets ready
/// while the disk syncs, and its claim is behind the transaction in the queue of the same thread.
#[derive(Debug, Default)]
pub(super) struct Signal {
    changed: Notify,
    /// Set and unset by the thread that writes, so that an append is never taken for one that a claim has
    /// seen. Operators set it after their commit.
    is_visible: AtomicBool,
}

impl Signal {
    /// Events are visible once the transaction has been committed.
    pub(super) fn visible(&self) {
        self.is_visible.store(true, Ordering::Release);
        self.changed();
    }

    /// Wakes the workers that wait, or the next one that will.
    pub(super) fn changed(&self) {
        self.changed.notify_waiters();
        self.changed.notify_one();
    }

    /// A claim has taken all visible events.
    pub(super) fn all_claimed(&self) {
        self.is_visible.store(false, Ordering::Release);
    }

    /// Whether a claim may find events that this store has made visible. Other processes do not count, nor
    /// do retries whose time has come.
    pub(super) fn is_visible(&self) -> bool {
        self.is_visible.load(Ordering::Acquire)
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
        signal.visible();
        first.await;
        for _ in 0..2 {
            signal.wait().await;
        }
        signal.all_claimed();
        // The wake-up that nobody has taken.
        signal.wait().await;
        let mut last = pin!(signal.wait());
        let waits = poll_fn(|context| Poll::Ready(last.as_mut().poll(context).is_pending()));
        assert!(waits.await);
    }
}
