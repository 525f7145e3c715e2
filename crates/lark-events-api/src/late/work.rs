//! Work that goes on beside handlers, such as after the answers to callbacks: owned, counted, and waited for
//! at a shutdown.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, Span, error};

/// The most callbacks and replies whose work goes on at once.
const MAX_WORK: usize = 1024;

pub(crate) struct Work {
    tracker: TaskTracker,
    stop: CancellationToken,
    slots: Arc<Semaphore>,
}

/// Room for the work of one callback or reply.
pub(crate) struct Room(OwnedSemaphorePermit);

impl Default for Work {
    fn default() -> Self {
        Self {
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            slots: Arc::new(Semaphore::new(MAX_WORK)),
        }
    }
}

impl Work {
    /// Room for one more, if there is any.
    pub(crate) fn room(&self) -> Option<Room> {
        Arc::clone(&self.slots).try_acquire_owned().ok().map(Room)
    }

    /// Runs work in a task, in the span of its callback.
    pub(crate) fn spawn(&self, room: Room, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        let work = async move {
            let work = AssertUnwindSafe(work).catch_unwind();
            if let Some(Err(_)) = stop.run_until_cancelled_owned(work).await {
                error!("the work of a callback or a reply panicked");
            }
            drop(room.0);
        };
        self.tracker.spawn(work.instrument(Span::current()));
    }

    /// Waits for all work, and cancels what is left after a time. `false` if there was any left.
    pub(crate) async fn drain(&self, limit: Duration) -> bool {
        self.tracker.close();
        let is_done = timeout(limit, self.tracker.wait()).await.is_ok();
        if !is_done {
            self.stop.cancel();
            self.tracker.wait().await;
        }
        is_done
    }
}
