//! What an app builds and runs: a long connection, or several for one app.

use std::sync::Arc;

use lark_events::{BoxError, Delivery, Outcome};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::Service;
use tracing::Instrument as _;

use crate::builder::{BuildError, LongConnectionBuilder};
use crate::error::ConnectError;
use crate::monitor::Monitor;
use crate::run::Runner;

/// A long connection of an app: see the [crate's documentation](crate).
#[derive(Debug)]
#[must_use = "it connects to nothing before it is run"]
pub struct LongConnection {
    pub(crate) runner: Runner,
}

impl LongConnection {
    /// Configures a long connection of an app.
    pub fn builder(
        app_id: impl Into<String>,
        app_secret: impl Into<String>,
    ) -> LongConnectionBuilder {
        LongConnectionBuilder::new(app_id.into(), app_secret.into())
    }

    /// Watches the connection while it is run.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        Monitor {
            app_id: Arc::clone(self.runner.app_id()),
            state: self.runner.state.subscribe(),
            counters: Arc::clone(&self.runner.counters),
        }
    }

    /// Connects, and again whenever the connection is lost, and has `service` handle what comes,
    /// until `shutdown` resolves: then no event is taken any more, handlers that run may finish
    /// within the drain time-out, their answers are sent, and the connection is closed. That may take
    /// three seconds longer: for handlers that block their thread, for what the platform is slow to
    /// read, and for its own Close. What it sends while the connection is being closed is not answered:
    /// events come again on another one.
    ///
    /// When the future is dropped, the connection and all handlers end at once.
    ///
    /// An event that names another app is not passed on and not acknowledged; one that names none
    /// is given the id of the connection's app.
    ///
    /// A callback is acknowledged with what the service replies to it, also if that is nothing; a
    /// `Dispatcher` makes that a failure.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] for what trying again cannot mend: see [`ConnectError::is_fatal`].
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with time and I/O.
    pub async fn run<S>(
        self,
        service: S,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ConnectError>
    where
        S: Service<Delivery, Response = Outcome> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
    {
        self.runner.run(service, shutdown).await
    }
}

/// Several long connections over one service, of one app or of several. Of one app's connections
/// the platform sends each event on one, at random, and allows 50. Bounds are those of each
/// connection.
///
/// One of several connections of an app that the platform refuses because the app has too many waits
/// and tries again, for as long as it takes: the others may hold their connections, and so may
/// processes that are about to end. For a lone connection that refusal is fatal.
///
/// ```
/// use lark_events_ws::{LongConnection, LongConnections};
///
/// let connections = LongConnections::new(4, || LongConnection::builder("cli_a1b2", "secret"))?;
/// let monitors = connections.monitors();
/// assert_eq!(monitors.len(), 4);
/// // connections.run(dispatcher, shutdown).await
/// # Ok::<(), lark_events_ws::BuildError>(())
/// ```
#[derive(Debug)]
#[must_use = "they connect to nothing before they are run"]
pub struct LongConnections {
    connections: Vec<LongConnection>,
    /// Whether what ends one of them ends them all.
    one_app: bool,
}

impl LongConnections {
    /// Builds as many connections of one app.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when a setting cannot be used, or there is to be no connection.
    pub fn new(
        count: usize,
        mut builder: impl FnMut() -> LongConnectionBuilder,
    ) -> Result<Self, BuildError> {
        let connections = (0..count).map(|_| builder().build());
        Self::at_least_one(connections.collect::<Result<_, _>>()?, true)
    }

    /// Takes connections of several apps.
    ///
    /// ```
    /// use lark_events_ws::{LongConnection, LongConnections};
    ///
    /// let tea = LongConnection::builder("cli_tea", "tea's secret").build()?;
    /// let coffee = LongConnection::builder("cli_coffee", "coffee's secret").build()?;
    /// let connections = LongConnections::of([tea, coffee])?;
    /// // In handlers, `event.header.app_id` tells whose event it is.
    /// # Ok::<(), lark_events_ws::BuildError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`BuildError::NoConnection`] when there is none.
    pub fn of(connections: impl IntoIterator<Item = LongConnection>) -> Result<Self, BuildError> {
        Self::at_least_one(connections.into_iter().collect(), false)
    }

    fn at_least_one(
        mut connections: Vec<LongConnection>,
        one_app: bool,
    ) -> Result<Self, BuildError> {
        if connections.is_empty() {
            return Err(BuildError::NoConnection);
        }
        let apps: Vec<_> = connections
            .iter()
            .map(|connection| Arc::clone(connection.runner.app_id()))
            .collect();
        for LongConnection { runner } in &mut connections {
            let mut same = apps.iter().filter(|app| *app == runner.app_id());
            runner.is_one_of_several = same.nth(1).is_some();
        }
        Ok(Self {
            connections,
            one_app,
        })
    }

    /// Watches each of the connections, in their order.
    #[must_use]
    pub fn monitors(&self) -> Vec<Monitor> {
        let connections = self.connections.iter();
        connections.map(LongConnection::monitor).collect()
    }

    /// Runs them all as [`LongConnection::run`] does, and drains them together.
    ///
    /// # Errors
    ///
    /// The first [`ConnectError`] for which one of them ended. If they are of one app, the others are
    /// then shut down. If they are of [several](Self::of), the others go on, and the error is
    /// returned when all have ended. It is logged at once, and the [monitors](Self::monitors) tell.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with time and I/O.
    pub async fn run<S>(
        self,
        service: S,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ConnectError>
    where
        S: Service<Delivery, Response = Outcome> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
    {
        let stop = CancellationToken::new();
        let mut running = JoinSet::new();
        for connection in self.connections {
            let stop = stop.clone();
            let connection = connection.runner;
            let service = service.clone();
            let run = async move { connection.run(service, stop.cancelled()).await };
            running.spawn(run.in_current_span());
        }
        let mut shutdown = std::pin::pin!(shutdown);
        let mut result = Ok(());
        loop {
            let ended = tokio::select! {
                ended = running.join_next() => ended,
                () = &mut shutdown, if !stop.is_cancelled() => {
                    stop.cancel();
                    continue;
                }
            };
            match ended {
                None => return result,
                Some(Ok(Ok(()))) => {}
                Some(Ok(Err(error))) => {
                    if self.one_app {
                        stop.cancel();
                    }
                    result = result.and(Err(error));
                }
                Some(Err(error)) => {
                    // Otherwise the runtime is shut down, and this with it.
                    if let Ok(panic) = error.try_into_panic() {
                        std::panic::resume_unwind(panic);
                    }
                }
            }
        }
    }
}
