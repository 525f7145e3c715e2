//! Running a connection: what the session decides, done on a socket; and connecting again.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use lark_events::{BoxError, Delivery, Outcome};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tower::Service;
use tracing::{info, warn};

use crate::backoff::Backoff;
use crate::config::ClientConfig;
use crate::connect::{Connect, Connected, lost};
use crate::dial::BoxStream;
use crate::error::{ConnectError, ConnectErrorKind};
use crate::handlers::Handlers;
use crate::session::{Action, Done, Limits, Running, Session};
use crate::state::State;
use crate::stats::Counters;

/// Messages that wait to be sent while the platform does not read; one more is the end of the
/// connection. Answers are small but for those of callbacks.
const MAX_UNSENT: usize = 1024;
/// How long the platform may take to answer a Close.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);
/// How long cancelled handlers may take to be dropped, which takes one poll each unless a handler
/// blocks its thread.
const CANCEL_GRACE: Duration = Duration::from_secs(1);

type Socket = WebSocketStream<BoxStream>;

/// All that running takes, but for the service.
#[derive(Debug)]
pub(crate) struct Runner {
    pub(crate) connect: Connect,
    pub(crate) limits: Limits,
    pub(crate) drain_timeout: Duration,
    pub(crate) state: watch::Sender<State>,
    pub(crate) counters: Arc<Counters>,
}

/// How an open connection ended.
enum Ended {
    /// In due form, after a shutdown.
    ShutDown,
    Lost(ConnectError),
}

impl Runner {
    pub(crate) async fn run<S>(
        &self,
        service: S,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ConnectError>
    where
        S: Service<Delivery, Response = Outcome> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
    {
        let mut shutdown = std::pin::pin!(shutdown);
        let mut handlers = Handlers::new(service);
        let mut running = Running::default();
        let mut config = ClientConfig::default();
        let mut backoff = Backoff::default();
        let mut connected_before = false;
        loop {
            self.state.send_replace(State::Connecting);
            let connected = tokio::select! {
                biased;
                () = &mut shutdown => return self.end(&mut handlers, Ok(())).await,
                connected = self.connect.connect(&mut config) => connected,
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
                    (running, config) = session.end();
                    match ended {
                        Ended::ShutDown => {
                            self.state.send_replace(State::Closed);
                            return Ok(());
                        }
                        Ended::Lost(why) => {
                            backoff.connected_for(opened.elapsed());
                            why
                        }
                    }
                }
                Err(error) => error,
            };
            if why.is_fatal() {
                return self.end(&mut handlers, Err(why)).await;
            }
            let Some((attempt, wait)) = backoff.next(&config, rand::random()) else {
                return self.end(&mut handlers, Err(why.gave_up())).await;
            };
            warn!(error = %why, attempt, ?wait, "connecting again");
            self.state.send_replace(State::Reconnecting {
                attempt,
                next_at: SystemTime::now() + wait,
                why,
            });
            tokio::select! {
                biased;
                () = &mut shutdown => return self.end(&mut handlers, Ok(())).await,
                () = sleep(wait) => {}
            }
        }
    }

    /// Ends without a connection: lets handlers finish that former ones have started.
    async fn end<S>(
        &self,
        handlers: &mut Handlers<S>,
        result: Result<(), ConnectError>,
    ) -> Result<(), ConnectError>
    where
        S: Service<Delivery, Response = Outcome> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
    {
        self.state.send_replace(State::Draining);
        let all = async |handlers: &mut Handlers<S>| {
            while handlers.len() > 0 {
                let (_, done) = handlers.next().await;
                self.ended(&done);
            }
        };
        if timeout(self.drain_timeout, all(handlers)).await.is_err() {
            handlers.cancel_all();
            let _ = timeout(CANCEL_GRACE, all(handlers)).await;
        }
        self.state.send_replace(match &result {
            Ok(()) => State::Closed,
            Err(error) => State::Failed(error.clone()),
        });
        result
    }

    fn ended(&self, done: &Done) {
        if matches!(done, Done::Cancelled) {
            self.counters.cancelled.add(1);
        }
    }

    /// Runs an open connection to its end.
    async fn talk<S>(
        &self,
        connected: Connected,
        session: &mut Session,
        handlers: &mut Handlers<S>,
        shutdown: &mut (impl Future<Output = ()> + Unpin),
    ) -> Ended
    where
        S: Service<Delivery, Response = Outcome> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
    {
        let Connected { socket, ticket } = connected;
        let connection_id = ticket.connection_id;
        info!(connection_id, "connected");
        self.state.send_replace(State::Connected {
            since: SystemTime::now(),
            connection_id,
        });
        // What is read is always read, whether what is written is taken or not.
        let (sink, mut stream) = socket.split();
        let (unsent, waiting) = mpsc::channel(MAX_UNSENT);
        let mut writing = std::pin::pin!(write(sink, waiting));
        let mut drained_by = None;
        loop {
            while let Some(action) = session.next_action() {
                match action {
                    Action::Send(message) => {
                        if unsent.try_send(Message::Binary(message)).is_err() {
                            let why = "the platform does not read";
                            return Ended::Lost(ConnectError::new(ConnectErrorKind::Lost, why));
                        }
                    }
                    Action::Start { key, payload } => handlers.start(key, payload),
                    Action::Cancel { key } => handlers.cancel(key),
                    Action::GiveUp => {
                        return Ended::Lost(ConnectError::new(ConnectErrorKind::Silent, ""));
                    }
                }
            }
            if drained_by.is_some() && session.is_idle() {
                break;
            }
            let now = Instant::now;
            tokio::select! {
                message = stream.next() => match message {
                    Some(Ok(Message::Binary(message))) => session.on_message(message, now()),
                    Some(Ok(Message::Text(_))) => session.on_text(now()),
                    Some(Ok(Message::Close(close))) => {
                        let code = close.map(|close| u16::from(close.code));
                        let closed = ConnectError::new(ConnectErrorKind::Closed, "");
                        return Ended::Lost(match code {
                            Some(code) => closed.with_code(code.into()),
                            None => closed,
                        });
                    }
                    Some(Ok(_)) => session.on_sign_of_life(now()),
                    Some(Err(error)) => return Ended::Lost(lost(ConnectErrorKind::Lost, &error)),
                    None => return Ended::Lost(ConnectError::new(ConnectErrorKind::Lost, "")),
                },
                (key, done) = handlers.next() => {
                    self.ended(&done);
                    session.on_done(key, &done, now());
                }
                () = sleep_until(session.next_time()) => session.on_time(now()),
                error = &mut writing => {
                    let why = error.map_or_else(
                        |error| lost(ConnectErrorKind::Lost, &error),
                        |()| ConnectError::new(ConnectErrorKind::Lost, ""),
                    );
                    return Ended::Lost(why);
                }
                () = &mut *shutdown, if drained_by.is_none() => {
                    info!("draining");
                    self.state.send_replace(State::Draining);
                    session.drain();
                    drained_by = Some(now() + self.drain_timeout);
                }
                () = until(drained_by) => {
                    handlers.cancel_all();
                    let cancelling = async {
                        while handlers.len() > 0 {
                            let (key, done) = handlers.next().await;
                            self.ended(&done);
                            session.on_done(key, &done, now());
                        }
                    };
                    let _ = timeout(CANCEL_GRACE, cancelling).await;
                    while let Some(action) = session.next_action() {
                        if let Action::Send(message) = action {
                            let _ = unsent.try_send(Message::Binary(message));
                        }
                    }
                    break;
                }
            }
        }
        // The answers that wait are sent, then a Close; then the platform's is waited for.
        drop(unsent);
        let closing = async {
            let _ = writing.await;
            rest(&mut stream).await;
        };
        let _ = timeout(CLOSE_LIMIT, closing).await;
        Ended::ShutDown
    }
}

/// Sends what comes, and a Close when no more does.
async fn write(
    mut sink: SplitSink<Socket, Message>,
    mut waiting: mpsc::Receiver<Message>,
) -> Result<(), Error> {
    while let Some(message) = waiting.recv().await {
        sink.feed(message).await?;
        while let Ok(message) = waiting.try_recv() {
            sink.feed(message).await?;
        }
        sink.flush().await?;
    }
    sink.send(Message::Close(None)).await
}

/// Reads what still comes.
async fn rest(stream: &mut SplitStream<Socket>) {
    while let Some(Ok(_)) = stream.next().await {}
}

/// Waits until a moment, for ever if there is none.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
