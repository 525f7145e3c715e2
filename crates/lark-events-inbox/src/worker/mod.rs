//! The working half: claiming events, handling them, and settling them.

mod backoff;
mod claims;
mod ending;
mod leases;
mod run;

use std::fmt;
use std::sync::Arc;

use lark_events::{BoxError, Delivery, Outcome};
use tower_service::Service;

use self::run::Run;
use crate::builder::InboxBuilder;
use crate::error::InboxError;

/// The working half of an [`Inbox`](crate::Inbox): handles stored events with its service. Clones are
/// separate workers when they run.
#[derive(Clone)]
pub struct Worker<S> {
    settings: Arc<InboxBuilder>,
    service: S,
}

impl<S> Worker<S> {
    pub(crate) fn new(settings: InboxBuilder, service: S) -> Self {
        let settings = Arc::new(settings);
        Self { settings, service }
    }

    /// Handles stored events until `shutdown` completes, then shuts down:
    ///
    /// 1. It claims no further events. If the store does not outlive the process, it first empties the store.
    /// 2. It waits for the running handlers, for at most the [drain timeout](InboxBuilder::drain_timeout) from the
    ///    start of the shutdown.
    /// 3. It cancels the remaining handlers. Another worker claims their events again. The cancelled attempts do
    ///    not count.
    ///
    /// Stop the transports before the workers, so that every event that arrives is handled.
    ///
    /// When the store fails, the worker logs the failure once, and tries again after 1 to 30 seconds. If the
    /// returned future is dropped, its handlers are cancelled, and their events are claimed again once their
    /// [lease](InboxBuilder::lease) has ended.
    ///
    /// # Errors
    ///
    /// [`InboxError`] when the drain timeout was over before all handlers had finished.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) -> Result<(), InboxError>
    where
        S: Service<Delivery, Response = Outcome, Error: Into<BoxError> + 'static, Future: Send>
            + Clone
            + Send
            + 'static,
    {
        let settings = Arc::clone(&self.settings);
        Run::run(settings, self.service.clone(), shutdown).await
    }
}

impl<S> fmt::Debug for Worker<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
