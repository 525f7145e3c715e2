//! Running a connection: what the session decides, done on a socket; and connecting again.

pub(crate) mod backoff;
pub(crate) mod handlers;

use std::convert::Infallible;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use lark_events::{LateHandler, MAX_EVENT_BYTES};
use lark_events_layers::run::Terms;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tracing::{Instrument as _, error, error_span, info, warn};

use crate::dial::connect::{self, Connect, Connected, READ_BUFFER_BYTES};
use crate::dial::dialer::BoxStream;
use crate::error::{ConnectError, ConnectErrorKind};
use crate::monitor::State;
use crate::run::backoff::Backoff;
use crate::run::handlers::{Handle, Handlers};
use crate::session::{Action, Limits, Running, Session};
use crate::stats::Counters;
use crate::wire::config::ClientConfig;

/// Answers that wait to be sent while the platform does not read; more is the end of the connection.
const MAX_UNSENT_BYTES: usize = 16 * MAX_EVENT_BYTES;
/// How long the platform may take to answer a Close, or to take the last answers before it.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);
/// How long cancelled handlers may take to be dropped, which takes one poll each unless a handler
/// blocks its thread.
const CANCEL_GRACE: Duration = Duration::from_secs(1);

/// The only Close that is sent on our own account, at a shutdown. What is lost or given up gets none,
/// and the platform's own is answered with its code.
const GOING_AWAY: CloseFrame = CloseFrame {
    code: CloseCode::Away,
    reason: Utf8Bytes::from_static(""),
};

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
    pub(crate) late: LateHandler,
    /// Whether others of the same app are run beside it.
    pub(crate) is_one_of_several: bool,
    pub(crate) drain_timeout: Duration,
    /// How long a connection has to last for the back-off to start anew.
    pub(crate) stable_after: Duration,
    pub(crate) state: watch::Sender<State>,
    pub(crate) listener: Option<Listener>,
    pub(crate) counters: Arc<Counters>,
}

/// Says that a connection is run no more, also when its future is dropped.
struct Ending<'a>(&'a Runner);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let Self(runner) = self;
        let final_state = matches!(*runner.state.borrow(), State::Closed | State::Failed(_));
        if !final_state {
            if std::thread::panicking() {
                // Perhaps the listener's own panic, and another one would abort the process.
                runner.set(State::Closed);
            } else {
                runner.enter(State::Closed);
            }
        }
    }
}

/// How an open connection ended.
enum Ended {
    /// By a shutdown, whose drain is over at that time.
    Draining(Instant),
    Lost(ConnectError),
}

impl Runner {
    /// Runs the connection in a span that names its app: of the highest level, so that each line
    /// does at every log level.
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
                    let heard = session.last_heard();
                    (running, config) = session.end();
                    match ended {
                        Ended::Draining(by) => {
                            return self.end(&mut handlers, Some(by), Ok(())).await;
                        }
                        Ended::Lost(why) => {
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
                // The others of the app may hold connections, which this must not end.
                ConnectErrorKind::TooManyConnections if self.is_one_of_several => {
                    Some(backoff.next_for_ever(&config, rand::random()))
                }
                _ if why.is_fatal() => return self.fail(&mut handlers, why).await,
                _ => backoff.next(&config, rand::random()),
            };
            let Some((attempt, wait)) = next else {
                return self.fail(&mut handlers, why.gave_up()).await;
            };
            warn!(error = %why, attempt, ?wait, "connecting again");
            #[expect(clippy::arithmetic_side_effects, reason = "within MAX_INTERVAL")]
            let next_at = SystemTime::now() + wait;
            self.enter(State::Reconnecting {
                attempt,
                next_at,
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

    pub(crate) fn app_id(&self) -> &Arc<str> {
        &self.connect.credentials.app_id
    }

    fn set(&self, state: State) {
        #[cfg(feature = "metrics")]
        crate::metrics::state(self.app_id(), &self.state.borrow(), &state);
        self.state.send_replace(state);
    }

    fn enter(&self, state: State) {
        self.set(state.clone());
        if let Some(listener) = &self.listener {
            listener.hear(&state);
        }
    }

    /// Starts no handler any more, and says by when those that run are to have finished.
    #[expect(clippy::arithmetic_side_effects, reason = "within MAX_WAIT")]
    fn begin_drain(&self, handlers: &Handlers) -> Instant {
        self.enter(State::Draining);
        handlers.drain();
        Instant::now() + self.drain_timeout
    }

    /// Takes note of the handlers that end while there is no connection to answer on.
    async fn note_ends(&self, handlers: &mut Handlers, running: &mut Running) -> Infallible {
        loop {
            let (key, _) = handlers.next().await;
            running.remove(key);
        }
    }

    /// Ends for a cause that trying again does not remove. It is logged before the handlers finish,
    /// as the caller gets the error only then, or when other connections have ended too.
    async fn fail(&self, handlers: &mut Handlers, why: ConnectError) -> Result<(), ConnectError> {
        error!(error = %why, "not connecting again");
        self.end(handlers, None, Err(why)).await
    }

    /// Ends without a connection: lets handlers finish that former ones have started, until a drain
    /// that has begun is over, or for as long as one takes.
    async fn end(
        &self,
        handlers: &mut Handlers,
        drained_by: Option<Instant>,
        result: Result<(), ConnectError>,
    ) -> Result<(), ConnectError> {
        let drained_by = drained_by.unwrap_or_else(|| self.begin_drain(handlers));
        let all = async |handlers: &mut Handlers| {
            while handlers.len() > 0 {
                handlers.next().await;
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
    async fn talk(
        &self,
        connected: Connected,
        session: &mut Session,
        handlers: &mut Handlers,
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
        let (unsent, waiting) = mpsc::unbounded_channel();
        let unsent = Unsent {
            messages: unsent,
            bytes: Arc::default(),
        };
        let mut writing = pin!(write(sink, waiting, Arc::clone(&unsent.bytes)));
        let mut drained_by = None;
        let now = Instant::now;
        let lost = loop {
            if let Err(why) = self.act(session, handlers, &unsent) {
                break Some(why);
            }
            if drained_by.is_some() && session.is_idle() {
                break None;
            }
            tokio::select! {
                message = stream.next() => {
                    if let Some(why) = hear(session, message) {
                        // Reading on sends the answer to a Close.
                        let _ = timeout(CLOSE_LIMIT, rest(&mut stream)).await;
                        break Some(why);
                    }
                }
                (key, done) = handlers.next() => session.on_done(key, &done, now()),
                () = sleep_until(session.next_time()) => {
                    // After a pause of the whole process, what has come meanwhile counts first.
                    let heard = stream.next().now_or_never();
                    if let Some(why) = heard.and_then(|message| hear(session, message)) {
                        let _ = timeout(CLOSE_LIMIT, rest(&mut stream)).await;
                        break Some(why);
                    }
                    session.on_time(now());
                }
                written = &mut writing => {
                    // Perhaps since the platform has closed the connection: it says why.
                    let heard = stream.next().now_or_never();
                    let heard = heard.and_then(|message| hear(session, message));
                    break Some(heard.unwrap_or_else(|| match written {
                        Ok(()) => ConnectError::new(ConnectErrorKind::Lost, ""),
                        Err(error) => connect::lost(ConnectErrorKind::Lost, &error),
                    }));
                }
                () = &mut *shutdown, if drained_by.is_none() => {
                    info!("draining");
                    drained_by = Some(self.begin_drain(handlers));
                    session.drain(now());
                }
                () = until(drained_by) => {
                    handlers.cancel_all();
                    let cancelling = async {
                        while handlers.len() > 0 {
                            let (key, done) = handlers.next().await;
                            session.on_done(key, &done, now());
                        }
                    };
                    // What is not dropped by then blocks its thread.
                    let _ = timeout(CANCEL_GRACE, cancelling).await;
                    break self.act(session, handlers, &unsent).err();
                }
            }
        };
        let Some(by) = drained_by else {
            let unknown = || ConnectError::new(ConnectErrorKind::Lost, "");
            return Ended::Lost(lost.unwrap_or_else(unknown));
        };
        if let Some(why) = lost {
            warn!(error = %why, "lost while draining");
        } else {
            // The answers that wait are sent, then a Close; then the platform's is waited for. All
            // the while what comes is read, or both would wait for each other.
            drop(unsent);
            let mut reading = pin!(rest(&mut stream));
            #[expect(clippy::arithmetic_side_effects, reason = "in a second time goes on")]
            let sent_by = by.max(now() + CLOSE_LIMIT);
            let closed = async {
                tokio::select! {
                    _ = writing => false,
                    () = &mut reading => true,
                }
            };
            if timeout_at(sent_by, closed).await == Ok(false) {
                let _ = timeout(CLOSE_LIMIT, reading).await;
            }
        }
        Ended::Draining(by)
    }

    /// Does what the session wants done.
    fn act(
        &self,
        session: &mut Session,
        handlers: &mut Handlers,
        unsent: &Unsent,
    ) -> Result<(), ConnectError> {
        while let Some(action) = session.next_action() {
            match action {
                Action::Send(message) => unsent.send(message)?,
                Action::Start {
                    key,
                    payload,
                    deadline,
                } => {
                    let late = self.late;
                    handlers.start(key, payload, Terms { deadline, late });
                }
                Action::GiveUp => return Err(ConnectError::new(ConnectErrorKind::Silent, "")),
            }
        }
        Ok(())
    }
}

/// Has the session hear a message, or says how the connection ended with it.
fn hear(session: &mut Session, message: Option<Result<Message, Error>>) -> Option<ConnectError> {
    let now = Instant::now();
    match message {
        Some(Ok(Message::Binary(message))) => session.on_message(apart(message), now),
        Some(Ok(Message::Text(_))) => session.on_text(now),
        Some(Ok(Message::Close(close))) => {
            let closed = |reason| ConnectError::new(ConnectErrorKind::Closed, reason);
            return Some(match &close {
                Some(close) => closed(&*close.reason).with_code(u16::from(close.code).into()),
                None => closed(""),
            });
        }
        Some(Ok(_)) => session.on_sign_of_life(now),
        Some(Err(error)) => return Some(connect::lost(ConnectErrorKind::Lost, &error)),
        None => return Some(ConnectError::new(ConnectErrorKind::Lost, "")),
    }
    None
}

/// The message in memory of its own size: as it comes, it keeps all of the buffer that it was read
/// into, which a small one would make many times what is counted for it.
fn apart(message: Bytes) -> Bytes {
    if message.len() < READ_BUFFER_BYTES {
        Bytes::copy_from_slice(&message)
    } else {
        message
    }
}

/// What waits to be sent.
struct Unsent {
    messages: mpsc::UnboundedSender<Bytes>,
    bytes: Arc<AtomicUsize>,
}

impl Unsent {
    fn send(&self, message: Bytes) -> Result<(), ConnectError> {
        let lost = |why| ConnectError::new(ConnectErrorKind::Lost, why);
        let before = self.bytes.fetch_add(message.len(), Ordering::Relaxed);
        if before > MAX_UNSENT_BYTES {
            return Err(lost("the platform does not read"));
        }
        self.messages.send(message).map_err(|_| lost(""))
    }
}

/// Sends what comes, and a Close when no more does.
async fn write(
    mut sink: SplitSink<Socket, Message>,
    mut waiting: mpsc::UnboundedReceiver<Bytes>,
    bytes: Arc<AtomicUsize>,
) -> Result<(), Error> {
    while let Some(message) = waiting.recv().await {
        let mut next = Some(message);
        while let Some(message) = next {
            let len = message.len();
            sink.feed(Message::Binary(message)).await?;
            bytes.fetch_sub(len, Ordering::Relaxed);
            next = waiting.try_recv().ok();
        }
        sink.flush().await?;
    }
    sink.send(Message::Close(Some(GOING_AWAY))).await
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
