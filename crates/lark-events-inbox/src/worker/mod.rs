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

    /// Handles stored events until `shutdown` completes, and then shuts down:
    ///
    /// 1. It claims no further events. If the store dies with the process, it first empties the store.
    /// 2. It waits for the handlers that run, at most for the
    ///    [time of a shutdown](InboxBuilder::drain_timeout) in all.
    /// 3. It cancels the handlers that are left. Their events are claimed again by another worker; the
    ///    attempt does not count.
    ///
    /// Stop the transports first, so that no events arrive that nobody handles.
    ///
    /// A store that fails does not end the worker: it logs the failure once, and tries again after 1 to
    /// 30 seconds. If the returned future is dropped, its handlers are cancelled and their events are
    /// claimed again once their [lease](InboxBuilder::lease) has ended.
    ///
    /// # Errors
    ///
    /// [`InboxError`] when the time of the shutdown was over before all handlers had finished.
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
