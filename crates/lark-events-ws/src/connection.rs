//! What an app builds and runs: a long connection, or several for one app.

use std::sync::Arc;

use lark_events::{BoxError, Delivery, Outcome};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::builder::{BuildError, LongConnectionBuilder};
use crate::error::ConnectError;
use crate::run::Runner;
use crate::state::Monitor;

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
            state: self.runner.state.subscribe(),
            counters: Arc::clone(&self.runner.counters),
        }
    }

    /// Connects, and again whenever the connection is lost, and has `service` handle what comes,
    /// until `shutdown` resolves: then no event is taken any more, handlers that run may finish
    /// within the drain time-out, their answers are sent, and the connection is closed.
    ///
    /// When the future is dropped, the connection and all handlers end at once.
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

/// Several long connections of one app, over one service: the platform sends each event on one of
/// them, at random, and allows 50. Bounds are those of each connection.
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
pub struct LongConnections(Vec<LongConnection>);

impl LongConnections {
    /// Builds as many connections.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when a setting cannot be used, or there is to be no connection.
    pub fn new(
        count: usize,
        mut builder: impl FnMut() -> LongConnectionBuilder,
    ) -> Result<Self, BuildError> {
        if count == 0 {
            return Err(BuildError::NoConnection);
        }
        let connections = (0..count).map(|_| builder().build());
        Ok(Self(connections.collect::<Result<_, _>>()?))
    }

    /// Watches each of the connections.
    #[must_use]
    pub fn monitors(&self) -> Vec<Monitor> {
        self.0.iter().map(LongConnection::monitor).collect()
    }

    /// Runs them all as [`LongConnection::run`] does, and drains them together.
    ///
    /// # Errors
    ///
    /// The first [`ConnectError`] for which one of them ended; the others are then shut down.
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
        for connection in self.0 {
            let stop = stop.clone();
            let connection = connection.runner;
            let service = service.clone();
            running.spawn(async move { connection.run(service, stop.cancelled()).await });
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
                    stop.cancel();
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
