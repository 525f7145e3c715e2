//! The number of running handlers, their limits, and the end of the last one.
//!
//! It replaces a semaphore for each limit and a tracker of tasks: a handler that starts and ends changes
//! one count, and locks nothing.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use lark_events::event::DeliveryKind;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::CALLBACK_SLOTS;

/// The handlers with a slot.
#[derive(Debug)]
pub(super) struct Running {
    max: usize,
    slots: AtomicUsize,
    /// Callbacks beyond the limit.
    callback_slots: AtomicUsize,
    /// Handlers that the transport counts itself.
    counted: AtomicUsize,
    has_drain_begun: AtomicBool,
    /// Cancelled when a drain begins, so that waiting deliveries give up.
    drain: CancellationToken,
    none_left: Notify,
}

/// The permit to start one handler. A drain waits until it is returned.
#[derive(Debug)]
pub struct Slot {
    running: Arc<Running>,
    of: Of,
}

/// The count of a slot.
#[derive(Debug, Clone, Copy)]
enum Of {
    Slots,
    CallbackSlots,
    Counted,
}

impl Running {
    pub(super) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            max,
            slots: AtomicUsize::new(0),
            callback_slots: AtomicUsize::new(0),
            counted: AtomicUsize::new(0),
            has_drain_begun: AtomicBool::new(false),
            drain: CancellationToken::new(),
            none_left: Notify::new(),
        })
    }

    pub(super) fn slot(self: &Arc<Self>, kind: DeliveryKind) -> Option<Slot> {
        let of = if self.take(Of::Slots, self.max) {
            Of::Slots
        } else if kind == DeliveryKind::Callback && self.take(Of::CallbackSlots, CALLBACK_SLOTS) {
            Of::CallbackSlots
        } else {
            return None;
        };
        Some(self.taken(of))
    }

    pub(super) fn counted(self: &Arc<Self>) -> Slot {
        self.count(Of::Counted).fetch_add(1, Ordering::SeqCst);
        self.taken(Of::Counted)
    }

    fn taken(self: &Arc<Self>, of: Of) -> Slot {
        Slot {
            running: Arc::clone(self),
            of,
        }
    }

    fn take(&self, of: Of, max: usize) -> bool {
        let next = |count: usize| count.checked_add(1).filter(|next| *next <= max);
        let taken = self.count(of);
        taken
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, next)
            .is_ok()
    }

    fn count(&self, of: Of) -> &AtomicUsize {
        match of {
            Of::Slots => &self.slots,
            Of::CallbackSlots => &self.callback_slots,
            Of::Counted => &self.counted,
        }
    }

    pub(super) fn len(&self) -> usize {
        let counts = [Of::Slots, Of::CallbackSlots, Of::Counted];
        let counts = counts.map(|of| self.count(of).load(Ordering::SeqCst));
        counts.into_iter().fold(0, usize::saturating_add)
    }

    pub(super) fn begin_drain(&self) {
        self.has_drain_begun.store(true, Ordering::SeqCst);
        self.drain.cancel();
    }

    pub(super) fn has_drain_begun(&self) -> bool {
        self.has_drain_begun.load(Ordering::SeqCst)
    }

    /// Returns the output of `waiting`, unless a drain begins first.
    pub(super) async fn unless_drained<T>(&self, waiting: impl Future<Output = T>) -> Option<T> {
        self.drain.run_until_cancelled(waiting).await
    }

    /// Waits, during a drain, until there was a moment without a running handler.
    pub(super) async fn none_left(&self) {
        // A slot that ends sees the drain, or its end is seen here: all accesses have one order.
        let mut none_left = pin!(self.none_left.notified());
        none_left.as_mut().enable();
        if self.len() > 0 {
            none_left.await;
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let running = &self.running;
        running.count(self.of).fetch_sub(1, Ordering::SeqCst);
        if running.has_drain_begun() && running.len() == 0 {
            running.none_left.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[test]
    fn a_callback_has_slots_beyond_the_limit_and_returns_its_own() {
        let running = Running::new(1);
        let event = || running.slot(DeliveryKind::Notification);
        let callback = || running.slot(DeliveryKind::Callback);
        let first = callback();
        let others: Vec<_> = (0..CALLBACK_SLOTS).filter_map(|_| callback()).collect();
        assert_eq!(others.len(), CALLBACK_SLOTS);
        assert!(callback().is_none() && event().is_none());
        drop(others);
        assert!(event().is_none());
        assert_eq!(running.len(), 1);
        drop(first);
        assert!(event().is_some());
        assert_eq!(running.len(), 0);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_end_of_the_last_one_is_seen_whenever_a_drain_begins() {
        for _ in 0..2_000 {
            let running = Running::new(2);
            let slots = [
                running.slot(DeliveryKind::Notification),
                Some(running.counted()),
            ];
            let ends = slots.map(|slot| tokio::spawn(async move { drop(slot) }));
            running.begin_drain();
            let waited = timeout(Duration::from_secs(10), running.none_left()).await;
            assert!(waited.is_ok());
            for end in ends {
                end.await.unwrap();
            }
        }
    }
}
