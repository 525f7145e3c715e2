//! Limits on the cost of unauthenticated requests: the bytes hashed at once, and the rejections that
//! are waiting to be sent.

use std::sync::Arc;
use std::time::Duration;

use lark_events_layers::run::after;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::body::FREE_BYTES;

/// The maximum number of bytes of large bodies hashed at once, counted once for each key that may have
/// signed them. A hash occupies a thread of the runtime, so this limits what forged requests can
/// occupy: four of the largest bodies under one key, or one under four keys and more.
const MAX_HASHED_BYTES: usize = 16 * 1024 * 1024;

/// The maximum number of delayed rejections of unsigned requests. Each waits some milliseconds, so this
/// is more than a server opens requests in that time.
const MAX_WAITING_REFUSALS: usize = 1_024;

#[derive(Debug)]
pub(crate) struct Unverified {
    hashed: Arc<Semaphore>,
    refusals: Semaphore,
}

impl Unverified {
    pub(crate) fn new() -> Self {
        Self {
            hashed: Arc::new(Semaphore::new(MAX_HASHED_BYTES)),
            refusals: Semaphore::new(MAX_WAITING_REFUSALS),
        }
    }

    /// Waits for its turn to hash a body, or gives up at the deadline.
    pub(crate) async fn turn(
        &self,
        cost: HashCost,
        deadline: Instant,
    ) -> Option<OwnedSemaphorePermit> {
        let turn = timeout_at(
            deadline,
            Arc::clone(&self.hashed).acquire_many_owned(cost.0),
        )
        .await;
        turn.ok()?.ok()
    }

    /// A place for a rejection that is sent after `delay`, if there is one left.
    pub(crate) fn refusal(&self, delay: Duration) -> Option<Refusal<'_>> {
        Some(Refusal {
            at: after(Instant::now(), delay),
            _place: self.refusals.try_acquire().ok()?,
        })
    }
}

/// The share of [`MAX_HASHED_BYTES`] that hashing a large body takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HashCost(u32);

impl HashCost {
    /// The cost of hashing a body of `length` bytes under `keys` keys. Typical events cost nothing.
    pub(crate) fn of(length: usize, keys: usize) -> Option<Self> {
        if length <= FREE_BYTES || keys == 0 {
            return None;
        }
        let bytes = length.saturating_mul(keys).min(MAX_HASHED_BYTES);
        u32::try_from(bytes).ok().map(Self)
    }
}

/// The time at which to reject an unsigned request, if it is rejected.
#[derive(Debug)]
pub(crate) struct Refusal<'u> {
    at: Instant,
    _place: SemaphorePermit<'u>,
}

impl Refusal<'_> {
    pub(crate) async fn wait(self) {
        sleep_until(self.at).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGEST: usize = 4 * 1024 * 1024;

    #[tokio::test(start_paused = true)]
    async fn bytes_hashed_at_once_are_bounded_by_body_and_key() {
        let unverified = Unverified::new();
        let turn = async |length, keys| {
            let cost = HashCost::of(length, keys).unwrap();
            unverified.turn(cost, Instant::now()).await
        };
        // All turns are taken, and the next one waits.
        for (keys, turns) in [(1, 4), (2, 2), (4, 1), (16, 1)] {
            let mut taken = Vec::new();
            for _ in 0..turns {
                taken.push(turn(LARGEST, keys).await.unwrap());
            }
            assert!(turn(FREE_BYTES + 1, 1).await.is_none(), "{keys} keys");
            drop(taken);
            assert!(turn(FREE_BYTES + 1, 1).await.is_some());
        }
    }

    #[test]
    fn usual_events_and_what_is_not_hashed_cost_nothing() {
        assert!(HashCost::of(FREE_BYTES, 16).is_none());
        assert!(HashCost::of(LARGEST, 0).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_has_a_place_and_comes_at_its_time() {
        let unverified = Unverified::new();
        let delay = Duration::from_millis(5);
        let mut refusals: Vec<_> = std::iter::from_fn(|| unverified.refusal(delay))
            .take(MAX_WAITING_REFUSALS + 1)
            .collect();
        assert_eq!(refusals.len(), MAX_WAITING_REFUSALS);
        let began = Instant::now();
        refusals.pop().unwrap().wait().await;
        assert_eq!(began.elapsed(), delay);
        assert!(unverified.refusal(delay).is_some());
    }
}
