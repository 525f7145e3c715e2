//! The state of a store, for readiness checks.

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tracing::{error, info};

use crate::measured;
use crate::store::{Status, Store, StoreError, StoreErrorKind};

/// Observes the store of an inbox. Clones share their state.
///
/// ```
/// # use std::sync::Arc;
/// # use lark_events::{Dispatcher, UnhandledPolicy};
/// # use lark_events_inbox::{Inbox, VolatileStore};
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// # let dispatcher = Dispatcher::builder().build()?;
/// let inbox = Inbox::builder(Arc::new(VolatileStore::new())).build(dispatcher)?;
/// let monitor = inbox.monitor().clone();
/// // In the handler of a readiness probe:
/// let status = if monitor.is_ready().await { 200 } else { 503 };
/// assert_eq!(monitor.status().await?.dead, 0);
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// # }).unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Monitor(Arc<Shared>);

struct Shared {
    store: Arc<dyn Store>,
    since: Instant,
    checked: Mutex<Instant>,
    is_alone: AtomicBool,
}

impl Monitor {
    /// The inbox stops being ready when its store has had no worker for this time: 60 seconds.
    pub const MAX_ALONE: Duration = Duration::from_secs(60);
    /// How long a store may take to answer.
    const TIMEOUT: Duration = Duration::from_secs(2);

    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        let since = Instant::now();
        Self(Arc::new(Shared {
            store,
            since,
            checked: Mutex::new(since),
            is_alone: AtomicBool::new(false),
        }))
    }

    /// Asks the store for its status: the numbers of ready, waiting, leased and dead events, and the age of the
    /// oldest.
    ///
    /// # Errors
    ///
    /// When the store fails, and [`TimedOut`](StoreErrorKind::TimedOut) when it does not answer within 2 seconds.
    pub async fn status(&self) -> Result<Status, StoreError> {
        let status = timeout(Self::TIMEOUT, self.0.store.status()).await;
        let status = status.map_err(|_| StoreError::new(StoreErrorKind::TimedOut))??;
        self.notice(&status);
        measured::status(&status);
        Ok(status)
    }

    /// Whether the store answers, and a worker ran within the last [minute](Self::MAX_ALONE). A store
    /// that has just been opened is ready before its first worker starts.
    pub async fn is_ready(&self) -> bool {
        match self.status().await {
            Ok(status) => !self.is_alone(&status),
            Err(_) => false,
        }
    }

    fn is_alone(&self, status: &Status) -> bool {
        let alone = status.worker_seen.unwrap_or_else(|| self.0.since.elapsed());
        alone.min(self.0.since.elapsed()) > Self::MAX_ALONE
    }

    /// Logs when the store has been without a worker for too long, and when it has one again.
    fn notice(&self, status: &Status) {
        let is_alone = self.is_alone(status);
        let was_alone = self.0.is_alone.swap(is_alone, Ordering::Relaxed);
        if is_alone && !was_alone {
            error!("no worker has run for a minute: events are stored, but not handled");
        } else if was_alone && !is_alone {
            info!("a worker runs again");
        }
    }

    /// Checks the status, in a task of its own, if it was not checked for a while.
    pub(crate) fn check_now_and_then(&self) {
        {
            let mut checked = self
                .0
                .checked
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if checked.elapsed() < Self::MAX_ALONE {
                return;
            }
            *checked = Instant::now();
        }
        let monitor = self.clone();
        tokio::spawn(async move {
            if let Err(error) = monitor.status().await {
                let error = &error as &dyn Error;
                error!(error, "the store did not return its status");
            }
        });
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor")
            .field("is_alone", &self.0.is_alone)
            .finish_non_exhaustive()
    }
}
