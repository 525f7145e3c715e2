//! What a connection is doing, without logs: for readiness probes and dashboards.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::watch;

use crate::error::ConnectError;
use crate::stats::{Counters, Stats};

/// What a long connection is doing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum State {
    /// It was built and is not run.
    #[default]
    Idle,
    /// It asks for an address, or opens the connection there.
    Connecting,
    /// It is open.
    #[non_exhaustive]
    Connected {
        /// Since when.
        since: SystemTime,
        /// The platform's name for it: `device_id` of its address.
        connection_id: String,
    },
    /// It was lost, or could not be had, and is tried again.
    #[non_exhaustive]
    Reconnecting {
        /// Counts from 1, until a connection has lasted a minute.
        attempt: u64,
        /// When it is tried.
        next_at: SystemTime,
        /// What was the matter.
        why: ConnectError,
    },
    /// It is being shut down, or about to have failed: handlers finish, no event is taken.
    Draining,
    /// It was shut down, or its future dropped.
    Closed,
    /// It ended, since trying again is of no use.
    Failed(ConnectError),
}

impl State {
    /// Whether events come in: what a readiness probe asks.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        matches!(self, Self::Connected { .. })
    }
}

/// Watches a connection while it is run.
///
/// ```
/// use lark_events_ws::{LongConnection, State};
///
/// # fn probe() -> Result<(), Box<dyn std::error::Error>> {
/// let connection = LongConnection::builder("cli_a1b2", "secret").build()?;
/// let monitor = connection.monitor();
/// // … connection.run(dispatcher) in a task, and for a readiness probe:
/// let status = if monitor.state().is_connected() { 200 } else { 503 };
/// assert_eq!((status, monitor.stats().events), (503, 0));
/// # Ok(())
/// # }
/// # probe().unwrap();
/// ```
#[derive(Clone)]
pub struct Monitor {
    pub(crate) app_id: Arc<str>,
    pub(crate) state: watch::Receiver<State>,
    pub(crate) counters: Arc<Counters>,
}

impl Monitor {
    /// The app whose connection it is.
    #[must_use]
    pub fn app_id(&self) -> &str {
        &self.app_id
    }

    /// What the connection is doing.
    #[must_use]
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// What happened so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.counters.stats()
    }

    /// The states to come, as a channel that always has the last one.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Waits for a state, and gives it. One that passes at once may be missed: a
    /// [listener](crate::LongConnectionBuilder::on_state) is told of all. Of a connection that is run
    /// no more the last state is given, wanted or not.
    pub async fn until(&self, wanted: impl FnMut(&State) -> bool) -> State {
        let mut state = self.state.clone();
        let found = state.wait_for(wanted).await.map(|state| state.clone());
        found.unwrap_or_else(|_| self.state())
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor")
            .field("app_id", &self.app_id)
            .field("state", &self.state())
            .field("stats", &self.stats())
            .finish()
    }
}
