//! The state of a connection, for readiness probes and dashboards.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::watch;

use crate::error::ConnectError;
use crate::stats::{Counters, Stats};

/// The state of a long connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum State {
    /// The connection was built but is not running.
    #[default]
    Idle,
    /// The connection is being opened: it requests an address, or opens the WebSocket there.
    Connecting,
    /// The connection is open.
    #[non_exhaustive]
    Connected {
        /// When it was opened.
        since: SystemTime,
        /// The platform's id of the connection: `device_id` of its address.
        connection_id: String,
    },
    /// The connection was lost, or could not be opened, and will be retried.
    #[non_exhaustive]
    Reconnecting {
        /// The number of the next attempt, from 1. It starts at 1 again once a connection has lasted a minute.
        attempt: u64,
        /// When the next attempt starts.
        next_at: SystemTime,
        /// Why the connection was lost or could not be opened.
        why: ConnectError,
    },
    /// The connection is shutting down or has failed permanently: running handlers finish, and no
    /// further events are accepted.
    Draining,
    /// The connection was shut down, or its future was dropped.
    Closed,
    /// The connection failed permanently.
    Failed(ConnectError),
}

impl State {
    /// Whether the connection receives events, for readiness probes.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        matches!(self, Self::Connected { .. })
    }
}

/// Watches a connection while it runs.
///
/// ```
/// use lark_events_ws::{LongConnection, State};
///
/// # fn probe() -> Result<(), Box<dyn std::error::Error>> {
/// let connection = LongConnection::builder("cli_a1b2", "secret").build()?;
/// let monitor = connection.monitor();
/// // Run `connection.run(dispatcher)` in a task. In a readiness probe:
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
    /// The id of the connection's app.
    #[must_use]
    pub fn app_id(&self) -> &str {
        &self.app_id
    }

    /// The current state.
    #[must_use]
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// The counts so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.counters.stats()
    }

    /// A channel of states that always holds the latest one.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Waits for a state and returns it. It may miss a state that lasts only a moment; a
    /// [listener](crate::LongConnectionBuilder::on_state) sees all states. Once the connection no longer runs, it
    /// returns the last state, even if that is not `wanted`.
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
