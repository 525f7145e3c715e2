//! Running connections until they end or are shut down gracefully.

use std::fmt;
use std::future::{Pending, pending};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::error::ConnectError;
use crate::run::Runner;
use crate::run::handlers::Handle;

/// A [`LongConnection`](crate::LongConnection) or [`LongConnections`](crate::LongConnections) with the
/// service for its deliveries. It does nothing until it is awaited.
///
/// ```no_run
/// use lark_events::Dispatcher;
/// use lark_events_ws::LongConnection;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let dispatcher = Dispatcher::builder().build()?;
/// let connection = LongConnection::builder("cli_a1b2", "secret").build()?;
/// connection
///     .run(dispatcher)
///     .with_graceful_shutdown(async { tokio::signal::ctrl_c().await.unwrap_or_default() })
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// To run it in a separate task, pass its future to `tokio::spawn`: `tokio::spawn(run.into_future())`.
///
/// Dropping the future ends the connection and all handlers at once.
///
/// # Errors
///
/// [`ConnectError`], only for permanent failures: see [`ConnectError::is_fatal`]. Without a
/// [signal](Self::with_graceful_shutdown), it runs until such a failure.
///
/// # Panics
///
/// Outside a tokio runtime with time and I/O.
#[must_use = "a connection does nothing until it is awaited"]
pub struct Run<S, F = Pending<()>> {
    runners: Runners,
    service: S,
    signal: F,
}

pub(crate) enum Runners {
    One(Box<Runner>),
    Several {
        runners: Vec<Runner>,
        /// Whether a fatal error of one connection ends all of them.
        one_app: bool,
    },
}

impl<S> Run<S> {
    pub(crate) fn new(runners: Runners, service: S) -> Self {
        Self {
            runners,
            service,
            signal: pending(),
        }
    }

    /// Shuts down when `signal` resolves: no further events are accepted, running handlers may finish
    /// within the [drain time-out](crate::LongConnectionBuilder::drain_timeout), their answers are
    /// sent, and the connection is closed. This may take three seconds longer, for handlers that block
    /// their thread, for answers that the platform is slow to read, and for its Close. Events that
    /// arrive while the connection is being closed are not answered; the platform redelivers them on
    /// another connection.
    pub fn with_graceful_shutdown<F>(self, signal: F) -> Run<S, F>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Run {
            runners: self.runners,
            service: self.service,
            signal,
        }
    }
}

impl<S, F> fmt::Debug for Run<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").finish_non_exhaustive()
    }
}

impl<S, F> IntoFuture for Run<S, F>
where
    S: Handle,
    F: Future<Output = ()> + Send + 'static,
{
    type Output = Result<(), ConnectError>;
    type IntoFuture = RunFuture;

    fn into_future(self) -> RunFuture {
        let Self {
            runners,
            service,
            signal,
        } = self;
        RunFuture(match runners {
            Runners::One(runner) => Box::pin(async move { runner.run(service, signal).await }),
            Runners::Several { runners, one_app } => {
                Box::pin(run_all(runners, one_app, service, signal))
            }
        })
    }
}

/// The future of a [`Run`].
#[must_use = "futures do nothing unless polled"]
pub struct RunFuture(Pin<Box<dyn Future<Output = Result<(), ConnectError>> + Send>>);

impl Future for RunFuture {
    type Output = Result<(), ConnectError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(context)
    }
}

impl fmt::Debug for RunFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunFuture").finish_non_exhaustive()
    }
}

async fn run_all<S: Handle>(
    runners: Vec<Runner>,
    one_app: bool,
    service: S,
    signal: impl Future<Output = ()>,
) -> Result<(), ConnectError> {
    let stop = CancellationToken::new();
    let mut running = JoinSet::new();
    for runner in runners {
        let stop = stop.clone();
        let service = service.clone();
        let run = async move { runner.run(service, stop.cancelled()).await };
        running.spawn(run.in_current_span());
    }
    let mut signal = pin!(signal);
    let mut result = Ok(());
    loop {
        let ended = tokio::select! {
            ended = running.join_next() => ended,
            () = &mut signal, if !stop.is_cancelled() => {
                stop.cancel();
                continue;
            }
        };
        match ended {
            None => return result,
            Some(Ok(Ok(()))) => {}
            Some(Ok(Err(error))) => {
                if one_app {
                    stop.cancel();
                }
                result = result.and(Err(error));
            }
            Some(Err(error)) => {
                // Otherwise the runtime is shutting down, and so is this task.
                if let Ok(panic) = error.try_into_panic() {
                    std::panic::resume_unwind(panic);
                }
            }
        }
    }
}
