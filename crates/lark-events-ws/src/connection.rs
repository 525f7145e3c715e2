//! What an app builds and runs: a long connection, or several for one app.

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

    /// Connects, and again whenever the connection is lost, and has `service` handle what comes, until trying
    /// again is of no use, or until the signal of a [graceful shutdown](Run::with_graceful_shutdown).
    ///
    /// An event that names another app is not passed on and not acknowledged; one that names none
    /// is given the id of the connection's app.
    ///
    /// A callback is acknowledged with what the service replies to it, also if that is nothing; a
    /// `Dispatcher` makes that a failure.
    pub fn run<S>(self, service: S) -> Run<S>
    where
        S: Service<Delivery, Response = Outcome> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
    {
        Run::new(Runners::One(Box::new(self.runner)), service)
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
/// let connections = LongConnections::new(4, LongConnection::builder("cli_a1b2", "secret"))?;
/// let monitors = connections.monitors();
/// assert_eq!(monitors.len(), 4);
/// // connections.run(dispatcher).with_graceful_shutdown(signal).await
/// # Ok::<(), lark_events_ws::LongConnectionBuildError>(())
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
    /// [`LongConnectionBuildError`](crate::LongConnectionBuildError) when a setting cannot be used, or there is to
    /// be no connection.
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
    /// // In handlers, `event.header.app_id` tells whose event it is.
    /// # Ok::<(), lark_events_ws::LongConnectionBuildError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`NoConnection`](Kind::NoConnection) when there is none.
    pub fn of(connections: impl IntoIterator<Item = LongConnection>) -> Result<Self, BuildError> {
        Self::at_least_one(connections.into_iter().collect(), false)
    }

    fn at_least_one(
        mut connections: Vec<LongConnection>,
        one_app: bool,
    ) -> Result<Self, BuildError> {
        if connections.is_empty() {
            let what = "there is no connection to run: give one at least";
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

    /// Watches each of the connections, in their order.
    #[must_use]
    pub fn monitors(&self) -> Vec<Monitor> {
        let connections = self.connections.iter();
        connections.map(LongConnection::monitor).collect()
    }

    /// Runs them all as [`LongConnection::run`] does, and drains them together.
    ///
    /// It fails with the first [`ConnectError`](crate::ConnectError) for which one of them ended. If they are of
    /// one app, the others are then shut down. If they are of [several](Self::of), the others go on, and the
    /// error is returned when all have ended. It is logged at once, and the [monitors](Self::monitors) tell.
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
