//! Running a connection: connects, lets the [session](crate::session) decide while it is open, and
//! reconnects.

pub(crate) mod backoff;
mod drain;
pub(crate) mod handlers;
mod open;
mod state;
mod writer;

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lark_events::LateHandler;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tracing::{Instrument as _, error, error_span, warn};

use self::backoff::Backoff;
use self::handlers::{Handle, Handlers};
use self::open::Disconnected;
use self::state::Ending;
pub(crate) use self::state::Listener;
use crate::dial::connect::Connect;
use crate::error::{ConnectError, ConnectErrorKind};
use crate::monitor::State;
use crate::session::{Limits, Running, Session};
use crate::stats::Counters;
use crate::wire::config::ClientConfig;

/// Everything needed to run, except the service.
#[derive(Debug)]
pub(crate) struct Runner {
    pub(crate) connect: Connect,
    pub(crate) limits: Limits,
    pub(crate) late: LateHandler,
    /// Whether other connections of the same app run beside it.
    pub(crate) is_one_of_several: bool,
    pub(crate) drain_timeout: Duration,
    /// How long a connection must last to reset the back-off.
    pub(crate) stable_after: Duration,
    pub(crate) state: watch::Sender<State>,
    pub(crate) listener: Option<Listener>,
    pub(crate) counters: Arc<Counters>,
}

impl Runner {
    /// Runs the connection in a span that names its app. The span has the highest level, so that every
    /// logged line is in it at any log level.
    pub(crate) async fn run<S: Handle>(
        &self,
        service: S,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ConnectError> {
        let span = error_span!("long_connection", app_id = &**self.app_id());
        self.run_in_span(service, shutdown).instrument(span).await
    }

    async fn run_in_span<S: Handle>(
        &self,
        service: S,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ConnectError> {
        let _ending = Ending(self);
        let mut shutdown = pin!(shutdown);
        let mut handlers = Handlers::new(
            service,
            Arc::clone(self.app_id()),
            Arc::clone(&self.counters.tasks),
        );
        let mut running = Running::default();
        let mut config = ClientConfig::default();
        let mut backoff = Backoff::new(self.stable_after);
        let mut connected_before = false;
        loop {
            self.enter(State::Connecting);
            let connected = tokio::select! {
                biased;
                () = &mut shutdown => return self.end(&handlers, None, Ok(())).await,
                connected = self.connect.connect(&mut config) => connected,
                never = self.note_ends(&mut handlers, &mut running) => match never {},
            };
            let why = match connected {
                Ok(connected) => {
                    if connected_before {
                        self.counters.reconnects.add(1);
                    }
                    connected_before = true;
                    let opened = Instant::now();
                    let mut session = Session::begin(
                        connected.ticket.service,
                        config,
                        self.limits,
                        running,
                        Arc::clone(&self.counters),
                        opened,
                    );
                    let talking = self.talk(connected, &mut session, &mut handlers, &mut shutdown);
                    let ended = talking.await;
                    let heard = session.last_heard();
                    (running, config) = session.end();
                    match ended {
                        Disconnected::Draining(by) => {
                            return self.end(&handlers, Some(by), Ok(())).await;
                        }
                        Disconnected::Lost(why) => {
                            let until = match why.kind() {
                                ConnectErrorKind::Silent => heard,
                                _ => Instant::now(),
                            };
                            backoff.connected_for(until.duration_since(opened));
                            why
                        }
                    }
                }
                Err(error) => error,
            };
            let next = match why.kind() {
                // Other connections of the app may be open, and must not end with this one.
                ConnectErrorKind::TooManyConnections if self.is_one_of_several => {
                    Some(backoff.next_for_ever(&config, rand::random()))
                }
                _ if why.is_fatal() => return self.fail(&handlers, why).await,
                _ => backoff.next(&config, rand::random()),
            };
            let Some((attempt, wait)) = next else {
                return self.fail(&handlers, why.gave_up()).await;
            };
            warn!(error = %why, attempt, ?wait, "reconnecting");
            #[expect(clippy::arithmetic_side_effects, reason = "within MAX_INTERVAL")]
            let next_at = SystemTime::now() + wait;
            self.enter(State::Reconnecting {
                attempt,
                next_at,
                why,
            });
            tokio::select! {
                biased;
                () = &mut shutdown => return self.end(&handlers, None, Ok(())).await,
                () = sleep(wait) => {}
                never = self.note_ends(&mut handlers, &mut running) => match never {},
            }
        }
    }

    pub(crate) fn app_id(&self) -> &Arc<str> {
        &self.connect.credentials.app_id
    }

    /// Records the handlers that end while there is no connection to answer on.
    async fn note_ends(&self, handlers: &mut Handlers, running: &mut Running) -> Infallible {
        loop {
            let (key, _) = handlers.next().await;
            running.remove(key);
        }
    }

    /// Ends with a permanent failure. The failure is logged before the handlers finish, because the
    /// caller gets the error only afterwards, or after other connections have ended too.
    async fn fail(&self, handlers: &Handlers, why: ConnectError) -> Result<(), ConnectError> {
        error!(error = %why, "not reconnecting");
        self.end(handlers, None, Err(why)).await
    }
}
