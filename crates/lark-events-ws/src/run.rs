//! Running a connection: what the session decides, done on a socket; and connecting again.

use std::convert::Infallible;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tracing::{info, warn};

use crate::backoff::Backoff;
use crate::config::ClientConfig;
use crate::connect::{self, Connect, Connected};
use crate::dial::BoxStream;
use crate::error::{ConnectError, ConnectErrorKind};
use crate::handlers::{Handle, Handlers};
use crate::session::{Action, Limits, Running, Session};
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

/// What is told of each state.
#[derive(Clone)]
pub(crate) struct Listener(pub(crate) Arc<dyn Fn(&State) + Send + Sync>);

impl Listener {
    fn hear(&self, state: &State) {
        (self.0)(state);
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

/// All that running takes, but for the service.
#[derive(Debug)]
pub(crate) struct Runner {
    pub(crate) connect: Connect,
    pub(crate) limits: Limits,
    pub(crate) drain_timeout: Duration,
    pub(crate) state: watch::Sender<State>,
    pub(crate) listener: Option<Listener>,
    pub(crate) counters: Arc<Counters>,
}

/// How an open connection ended.
enum Ended {
    /// By a shutdown, whose drain is over at that time.
    Draining(Instant),
    Lost(ConnectError),
}

impl Runner {
    pub(crate) async fn run<S: Handle>(
        &self,
        service: S,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ConnectError> {
        let mut shutdown = pin!(shutdown);
        let mut handlers = Handlers::new(service);
        let mut running = Running::default();
        let mut config = ClientConfig::default();
        let mut backoff = Backoff::default();
        let mut connected_before = false;
        loop {
            self.enter(State::Connecting);
            let connected = tokio::select! {
                biased;
                () = &mut shutdown => return self.end(&mut handlers, None, Ok(())).await,
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
                    (running, config) = session.end();
                    match ended {
                        Ended::Draining(by) => {
                            return self.end(&mut handlers, Some(by), Ok(())).await;
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
                return self.end(&mut handlers, None, Err(why)).await;
            }
            let Some((attempt, wait)) = backoff.next(&config, rand::random()) else {
                return self.end(&mut handlers, None, Err(why.gave_up())).await;
            };
            warn!(error = %why, attempt, ?wait, "connecting again");
            self.enter(State::Reconnecting {
                attempt,
                next_at: SystemTime::now() + wait,
                why,
            });
            tokio::select! {
                biased;
                () = &mut shutdown => return self.end(&mut handlers, None, Ok(())).await,
                () = sleep(wait) => {}
                never = self.note_ends(&mut handlers, &mut running) => match never {},
            }
        }
    }

    fn enter(&self, state: State) {
        if let Some(listener) = &self.listener {
            listener.hear(&state);
        }
        self.state.send_replace(state);
    }

    /// Takes note of the handlers that end while there is no connection to answer on.
    async fn note_ends<S: Handle>(
        &self,
        handlers: &mut Handlers<S>,
        running: &mut Running,
    ) -> Infallible {
        loop {
            let (key, _) = handlers.next(&self.counters).await;
            running.remove(key);
        }
    }

    /// Ends without a connection: lets handlers finish that former ones have started, until a drain
    /// that has begun is over, or for as long as one takes.
    async fn end<S: Handle>(
        &self,
        handlers: &mut Handlers<S>,
        drained_by: Option<Instant>,
        result: Result<(), ConnectError>,
    ) -> Result<(), ConnectError> {
        let drained_by = drained_by.unwrap_or_else(|| {
            self.enter(State::Draining);
            Instant::now() + self.drain_timeout
        });
        let all = async |handlers: &mut Handlers<S>| {
            while handlers.len() > 0 {
                handlers.next(&self.counters).await;
            }
        };
        if timeout_at(drained_by, all(handlers)).await.is_err() {
            handlers.cancel_all();
            // Whatever is not dropped by then blocks its thread: nothing more can be done about it.
            let _ = timeout(CANCEL_GRACE, all(handlers)).await;
        }
        self.enter(match &result {
            Ok(()) => State::Closed,
            Err(error) => State::Failed(error.clone()),
        });
        result
    }

    /// Runs an open connection to its end.
    async fn talk<S: Handle>(
        &self,
        connected: Connected,
        session: &mut Session,
        handlers: &mut Handlers<S>,
        shutdown: &mut (impl Future<Output = ()> + Unpin),
    ) -> Ended {
        let Connected { socket, ticket } = connected;
        let connection_id = ticket.connection_id;
        info!(connection_id, "connected");
        self.enter(State::Connected {
            since: SystemTime::now(),
            connection_id,
        });
        // What is read is always read, whether what is written is taken or not.
        let (sink, mut stream) = socket.split();
        let (unsent, waiting) = mpsc::channel(MAX_UNSENT);
        let mut writing = pin!(write(sink, waiting));
        let mut drained_by = None;
        let lost = loop {
            let done = self.act(session, handlers, &unsent);
            if let Err(why) = done {
                break Some(why);
            }
            if drained_by.is_some() && session.is_idle() {
                break None;
            }
            let now = Instant::now;
            tokio::select! {
                message = stream.next() => match message {
                    Some(Ok(Message::Binary(message))) => session.on_message(message, now()),
                    Some(Ok(Message::Text(_))) => session.on_text(now()),
                    Some(Ok(Message::Close(close))) => {
                        // Reading on sends the answer to it.
                        let _ = timeout(CLOSE_LIMIT, rest(&mut stream)).await;
                        let closed = ConnectError::new(ConnectErrorKind::Closed, "");
                        break Some(match close {
                            Some(close) => closed.with_code(u16::from(close.code).into()),
                            None => closed,
                        });
                    }
                    Some(Ok(_)) => session.on_sign_of_life(now()),
                    Some(Err(error)) => break Some(connect::lost(ConnectErrorKind::Lost, &error)),
                    None => break Some(ConnectError::new(ConnectErrorKind::Lost, "")),
                },
                (key, done) = handlers.next(&self.counters) => session.on_done(key, &done, now()),
                () = sleep_until(session.next_time()) => session.on_time(now()),
                written = &mut writing => break Some(match written {
                    Ok(()) => ConnectError::new(ConnectErrorKind::Lost, ""),
                    Err(error) => connect::lost(ConnectErrorKind::Lost, &error),
                }),
                () = &mut *shutdown, if drained_by.is_none() => {
                    info!("draining");
                    self.enter(State::Draining);
                    session.drain();
                    drained_by = Some(now() + self.drain_timeout);
                }
                () = until(drained_by) => {
                    handlers.cancel_all();
                    let cancelling = async {
                        while handlers.len() > 0 {
                            let (key, done) = handlers.next(&self.counters).await;
                            session.on_done(key, &done, now());
                        }
                    };
                    let _ = timeout(CANCEL_GRACE, cancelling).await;
                    break self.act(session, handlers, &unsent).err();
                }
            }
        };
        match (lost, drained_by) {
            (None, by) => {
                // The answers that wait are sent, then a Close; then the platform's is waited for.
                drop(unsent);
                let closing = async { tokio::join!(writing, rest(&mut stream)) };
                let _ = timeout(CLOSE_LIMIT, closing).await;
                Ended::Draining(by.unwrap_or_else(Instant::now))
            }
            (Some(_), Some(by)) => Ended::Draining(by),
            (Some(why), None) => Ended::Lost(why),
        }
    }

    /// Does what the session wants done.
    fn act<S: Handle>(
        &self,
        session: &mut Session,
        handlers: &mut Handlers<S>,
        unsent: &mpsc::Sender<Message>,
    ) -> Result<(), ConnectError> {
        while let Some(action) = session.next_action() {
            match action {
                Action::Send(message) => {
                    unsent.try_send(Message::Binary(message)).map_err(|_| {
                        ConnectError::new(ConnectErrorKind::Lost, "the platform does not read")
                    })?;
                }
                Action::Start { key, payload } => {
                    self.counters.running.fetch_add(1, Ordering::Relaxed);
                    handlers.start(key, payload);
                }
                Action::Cancel { key } => handlers.cancel(key),
                Action::GiveUp => return Err(ConnectError::new(ConnectErrorKind::Silent, "")),
            }
        }
        Ok(())
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
