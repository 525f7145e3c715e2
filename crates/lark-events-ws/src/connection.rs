//! What an app builds and runs: one long connection, or several.

use std::sync::Arc;

use lark_events::{BoxError, Delivery, Outcome};
use tower::Service;

use crate::builder::LongConnectionBuilder;
use crate::error::{LongConnectionBuildError as BuildError, LongConnectionBuildErrorKind as Kind};
use crate::monitor::Monitor;
use crate::run::Runner;
use crate::serve::{Run, Runners};

/// A long connection of an app: see the [crate's documentation](crate).
#[derive(Debug)]
#[must_use = "a connection does nothing until it is run"]
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

    /// Returns a monitor of the connection.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        Monitor {
            app_id: Arc::clone(self.runner.app_id()),
            state: self.runner.state.subscribe(),
            counters: Arc::clone(&self.runner.counters),
        }
    }

    /// Connects, reconnects whenever the connection is lost, and passes deliveries to `service`, until
    /// a permanent failure or the signal of a [graceful shutdown](Run::with_graceful_shutdown).
    ///
    /// An event that names another app is neither passed on nor acknowledged. An event without an app
    /// id gets the id of the connection's app.
    ///
    /// A callback is acknowledged with the reply of the service, even if the reply is empty; a
    /// `Dispatcher` turns an empty reply into a failure.
    pub fn run<S>(self, service: S) -> Run<S>
    where
        S: Service<Delivery, Response = Outcome> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
    {
        Run::new(Runners::One(Box::new(self.runner)), service)
    }
}

/// Several long connections over one service, of one app or of several apps. The platform sends each
/// event on one of an app's connections, at random, and allows 50 connections per app. All limits apply
/// to each connection.
///
/// If the platform rejects one of several connections of an app because the app has too many, that connection keeps
/// retrying: processes that are about to end may still hold connections. For a single connection this rejection is
/// fatal.
///
/// ```
/// use lark_events_ws::{LongConnection, LongConnections};
///
/// let connections = LongConnections::new(4, LongConnection::builder("cli_a1b2", "secret"))?;
/// let monitors = connections.monitors();
/// assert_eq!(monitors.len(), 4);
/// // connections.run(dispatcher).with_graceful_shutdown(signal).await
/// # Ok::<(), lark_events_ws::LongConnectionBuildError>(())
/// ```
#[derive(Debug)]
#[must_use = "connections do nothing until they are run"]
pub struct LongConnections {
    connections: Vec<LongConnection>,
    /// Whether a fatal error of one connection ends all of them.
    one_app: bool,
}

impl LongConnections {
    /// Builds `count` connections of one app.
    ///
    /// # Errors
    ///
    /// [`LongConnectionBuildError`](crate::LongConnectionBuildError) when a setting is invalid, or
    /// `count` is 0.
    pub fn new(count: usize, builder: LongConnectionBuilder) -> Result<Self, BuildError> {
        let connections = std::iter::repeat_n(builder, count).map(LongConnectionBuilder::build);
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
    /// // In handlers, `event.header.app_id` names the app.
    /// # Ok::<(), lark_events_ws::LongConnectionBuildError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`NoConnection`](Kind::NoConnection) when there is no connection.
    pub fn of(connections: impl IntoIterator<Item = LongConnection>) -> Result<Self, BuildError> {
        Self::at_least_one(connections.into_iter().collect(), false)
    }

    fn at_least_one(
        mut connections: Vec<LongConnection>,
        one_app: bool,
    ) -> Result<Self, BuildError> {
        if connections.is_empty() {
            let what = "there is no connection to run: pass at least one";
            return Err(BuildError::new(Kind::NoConnection, what));
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

    /// Returns a monitor of each connection, in order.
    #[must_use]
    pub fn monitors(&self) -> Vec<Monitor> {
        let connections = self.connections.iter();
        connections.map(LongConnection::monitor).collect()
    }

    /// Runs all connections like [`LongConnection::run`], and drains them together.
    ///
    /// It fails with the first fatal [`ConnectError`](crate::ConnectError). If all connections are of
    /// one app, the others then shut down. If they are of [several apps](Self::of), the others
    /// continue, and the error is returned when all have ended. The error is logged at once, and the
    /// [monitors](Self::monitors) show it.
    pub fn run<S>(self, service: S) -> Run<S>
    where
        S: Service<Delivery, Response = Outcome> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
    {
        let runners = self.connections.into_iter();
        let runners = runners.map(|connection| connection.runner).collect();
        Run::new(
            Runners::Several {
                runners,
                one_app: self.one_app,
            },
            service,
        )
    }
}
