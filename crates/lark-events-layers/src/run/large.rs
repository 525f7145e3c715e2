//! Decoding large bodies on other threads, so that the runtime's workers stay available.

use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use tokio::sync::Notify;
use tokio::task::spawn_blocking;

/// Bodies of up to this length, 256 KiB, are decoded on the runtime's worker, which takes a millisecond or less.
/// For larger bodies, moving to another thread costs little compared with decoding.
pub const MAX_INLINE_BYTES: usize = 256 * 1024;

/// Runs `work` on a thread for blocking work, so that the runtime can apply time-outs.
///
/// # Panics
///
/// When `work` does.
pub async fn off_the_workers<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime is shutting down, and so is this task.
            Err(_) => std::future::pending().await,
        },
    }
}

/// Records that a future was woken.
struct Woken(Notify);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

/// Polls `future` only on threads for blocking work: any of its polls may decode the body.
pub(super) async fn polled_off_the_workers<T: Send + 'static>(
    mut future: Pin<Box<dyn Future<Output = T> + Send>>,
) -> T {
    let woken = Arc::new(Woken(Notify::new()));
    loop {
        let waker = Waker::from(Arc::clone(&woken));
        let poll = move || {
            let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
            (future, polled)
        };
        let (unfinished, polled) = off_the_workers(poll).await;
        if let Poll::Ready(output) = polled {
            return output;
        }
        future = unfinished;
        woken.0.notified().await;
    }
}
