//! The end of a run: no handler is started any more, and those that run may finish within the drain
//! time-out.

use tokio::time::Instant;

use super::Runner;
use super::handlers::Handlers;
use crate::error::ConnectError;
use crate::monitor::State;

impl Runner {
    /// Starts no handler any more, and says by when those that run are to have finished.
    #[expect(clippy::arithmetic_side_effects, reason = "within MAX_WAIT")]
    pub(super) fn begin_drain(&self, handlers: &Handlers) -> Instant {
        self.enter(State::Draining);
        handlers.begin_drain();
        Instant::now() + self.drain_timeout
    }

    /// Ends without a connection: lets handlers finish that former ones have started, until a drain
    /// that has begun is over, or for as long as one takes.
    pub(super) async fn end(
        &self,
        handlers: &Handlers,
        drained_by: Option<Instant>,
        result: Result<(), ConnectError>,
    ) -> Result<(), ConnectError> {
        let drained_by = drained_by.unwrap_or_else(|| self.begin_drain(handlers));
        handlers.drain_by(drained_by).await;
        self.enter(match &result {
            Ok(()) => State::Closed,
            Err(error) => State::Failed(error.clone()),
        });
        result
    }
}
