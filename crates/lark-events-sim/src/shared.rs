//! The state that the platform's tasks share.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use lark_events::EncryptKey;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::ApiState;
use crate::attempt::Mode;
use crate::clock::Clock;
use crate::connection::Connections;
use crate::document::Document;
use crate::fault::{Fault, Faults};
use crate::random::Random;
use crate::stats::PlatformStats;
use crate::webhook::{Parcel, Registration};

pub(crate) struct Shared {
    pub(crate) app: App,
    pub(crate) answer_limit: Duration,
    pub(crate) redeliver_after: Vec<Duration>,
    pub(crate) events_by: Mode,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) faults: Faults,
    pub(crate) stats: watch::Sender<PlatformStats>,
    pub(crate) registration: Registration,
    pub(crate) connections: Connections,
    pub(crate) api: ApiState,
    pub(crate) pushes: AtomicU64,
    /// Announces each attempt that was sent, by the number of its push.
    pub(crate) sent: watch::Sender<u64>,
    pub(crate) tasks: Tasks,
}

/// The app that the platform serves.
pub(crate) struct App {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) key: Option<EncryptKey>,
    pub(crate) token: String,
}

impl App {
    /// The request that delivers a document to the app's webhook.
    pub(crate) fn request(
        &self,
        document: Document,
        clock: &Clock,
        random: &Random,
    ) -> Request<Bytes> {
        let document = document.written(self, clock, random);
        let key = self.key.as_ref();
        Parcel::signed(&document.json, key, clock, random).request(key, 0)
    }
}

impl Shared {
    pub(crate) fn count(&self, change: impl FnOnce(&mut PlatformStats)) {
        self.stats.send_modify(change);
    }

    /// Takes the first fault for which `strikes` is true, and counts it.
    pub(crate) fn take_fault(&self, strikes: impl Fn(Fault) -> bool) -> Option<Fault> {
        let fault = self.faults.take(strikes)?;
        self.count(|stats| stats.faults += 1);
        Some(fault)
    }

    /// Takes the first fault of each kind for which `strikes` is true, and counts them.
    pub(crate) fn take_faults(&self, strikes: impl Fn(Fault) -> bool) -> Vec<Fault> {
        let faults = self.faults.take_each(strikes);
        if !faults.is_empty() {
            self.count(|stats| stats.faults += faults.len());
        }
        faults
    }

    /// Runs `task` until it or the platform ends.
    pub(crate) fn spawn<F>(self: &Arc<Self>, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(task);
    }
}

/// Locks a mutex whose holders leave no partial change, so that poisoning can be ignored.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The platform's tasks, which end with it.
pub(crate) struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
    runtime: Handle,
}

impl Tasks {
    pub(crate) fn new() -> Self {
        Self {
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            runtime: Handle::current(),
        }
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        let task = async move {
            stop.run_until_cancelled_owned(task).await;
        };
        self.tracker.spawn_on(task, &self.runtime);
    }

    pub(crate) fn stop(&self) {
        self.stop.cancel();
        self.tracker.close();
    }

    /// Waits for the tasks to be gone.
    pub(crate) async fn stopped(&self) {
        self.stop();
        self.tracker.wait().await;
    }
}
