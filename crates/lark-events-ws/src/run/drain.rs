//! The end of a run: no further handlers start, and the running ones may finish within the drain
//! time-out.

use tokio::time::Instant;

use super::Runner;
use super::handlers::Handlers;
use crate::error::ConnectError;
use crate::monitor::State;

impl Runner {
    /// Stops starting handlers, and returns the deadline of the running ones.
    #[expect(clippy::arithmetic_side_effects, reason = "within MAX_WAIT")]
    pub(super) fn begin_drain(&self, handlers: &Handlers) -> Instant {
        self.enter(State::Draining);
        handlers.begin_drain();
        Instant::now() + self.drain_timeout
    }

    /// Ends without a connection: lets the handlers of former connections finish, until the current
    /// drain is over, or for one drain time-out.
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
