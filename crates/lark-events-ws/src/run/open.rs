//! An open connection, from its first ping to its end: carries out the session's decisions on a socket.

use std::future::ready;
use std::pin::pin;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::stream::SplitStream;
use futures_util::{FutureExt as _, StreamExt as _};
use lark_events_layers::run::{CANCEL_GRACE, Terms};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_tungstenite::tungstenite::{Error, Message};
use tracing::{info, warn};

use super::Runner;
use super::handlers::Handlers;
use super::writer::{Socket, Writer};
use crate::dial::connect::{self, Connected, READ_BUFFER_BYTES};
use crate::error::{ConnectError, ConnectErrorKind};
use crate::monitor::State;
use crate::session::{Action, Session};

/// How long the platform may take to answer a Close, or to accept the last answers before it.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// The maximum number of messages and ends of handlers that are taken before answers are written.
/// Answers that are ready together are written together. With a larger number, the platform would wait
/// for answers while the client works, and the client for events afterwards.
const MAX_BATCH: usize = 16;

/// How an open connection ended.
pub(super) enum Disconnected {
    /// By a shutdown, whose drain ends at the given time.
    Draining(Instant),
    Lost(ConnectError),
}

impl Runner {
    /// Runs an open connection until it ends.
    pub(super) async fn talk(
        &self,
        connected: Connected,
        session: &mut Session,
        handlers: &mut Handlers,
        shutdown: &mut (impl Future<Output = ()> + Unpin),
    ) -> Disconnected {
        let Connected { socket, ticket } = connected;
        let connection_id = ticket.connection_id;
        info!(connection_id, "connected");
        self.enter(State::Connected {
            since: SystemTime::now(),
            connection_id,
        });
        // Reading always continues, even if the platform does not accept writes.
        let (sink, mut stream) = socket.split();
        let mut writer = Writer::new(sink);
        let mut timer = pin!(sleep_until(session.next_time()));
        // How many messages and ends may be taken before answers are written.
        let mut room = MAX_BATCH;
        let mut drained_by = None;
        let now = Instant::now;
        let lost = loop {
            if let Err(why) = self.act(session, handlers, &mut writer) {
                break Some(why);
            }
            if let Err(error) = writer.feed().await {
                break Some(unwritten(session, &mut stream, &error));
            }
            if drained_by.is_some() && session.is_idle() {
                break None;
            }
            // A time that moved further away is noticed when the timer is over.
            let next_time = session.next_time();
            if next_time < timer.deadline() {
                timer.as_mut().reset(next_time);
            }
            tokio::select! {
                // Ends first: each makes room for an event. There are no more of them than events that
                // the session accepted, whose handlers run or which are queued.
                biased;
                (key, done) = handlers.next(), if room > 0 => {
                    room = room.saturating_sub(1);
                    session.on_done(key, &done, now());
                }
                message = stream.next(), if room > 0 => {
                    room = room.saturating_sub(1);
                    if let Some(why) = hear(session, message) {
                        leave(&mut writer, &mut stream).await;
                        break Some(why);
                    }
                }
                () = timer.as_mut() => {
                    // After a pause of the whole process, messages that arrived meanwhile count first.
                    let heard = stream.next().now_or_never();
                    if let Some(why) = heard.and_then(|message| hear(session, message)) {
                        leave(&mut writer, &mut stream).await;
                        break Some(why);
                    }
                    session.on_time(now());
                    timer.as_mut().reset(session.next_time());
                }
                () = &mut *shutdown, if drained_by.is_none() => {
                    info!("draining");
                    drained_by = Some(self.begin_drain(handlers));
                    session.drain(now());
                }
                () = until(drained_by) => {
                    handlers.cancel_all();
                    let cancelling = async {
                        while !session.is_idle() {
                            let (key, done) = handlers.next().await;
                            session.on_done(key, &done, now());
                        }
                    };
                    // A handler that is not dropped by then blocks its thread.
                    let _ = timeout(CANCEL_GRACE, cancelling).await;
                    break self.act(session, handlers, &mut writer).err();
                }
                written = writer.write(), if writer.has_unsent() => {
                    room = MAX_BATCH;
                    if let Err(error) = written {
                        break Some(unwritten(session, &mut stream, &error));
                    }
                }
                // There are no answers, or the platform does not accept them now: reading continues.
                () = ready(()), if room == 0 => room = MAX_BATCH,
            }
        };
        let Some(by) = drained_by else {
            let unknown = || ConnectError::new(ConnectErrorKind::Lost, "");
            return Disconnected::Lost(lost.unwrap_or_else(unknown));
        };
        if let Some(why) = lost {
            warn!(error = %why, "connection lost while draining");
        } else {
            // Sends the waiting answers, then a Close, and waits for the platform's Close. Keeps
            // reading meanwhile, or both sides would wait for each other.
            let mut reading = pin!(rest(&mut stream));
            #[expect(clippy::arithmetic_side_effects, reason = "in a second time goes on")]
            let sent_by = by.max(now() + CLOSE_LIMIT);
            let closed = async {
                tokio::select! {
                    _ = writer.close() => false,
                    () = &mut reading => true,
                }
            };
            if timeout_at(sent_by, closed).await == Ok(false) {
                let _ = timeout(CLOSE_LIMIT, reading).await;
            }
        }
        Disconnected::Draining(by)
    }

    /// Carries out the session's actions.
    fn act(
        &self,
        session: &mut Session,
        handlers: &mut Handlers,
        writer: &mut Writer,
    ) -> Result<(), ConnectError> {
        while let Some(action) = session.next_action() {
            match action {
                Action::Send(message) => writer.queue(message)?,
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

/// Passes a message to the session, or returns how the message ended the connection.
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

/// How a connection ended on which a write failed.
fn unwritten(
    session: &mut Session,
    stream: &mut SplitStream<Socket>,
    error: &Error,
) -> ConnectError {
    // Perhaps because the platform closed the connection; reading gives the reason.
    let heard = stream.next().now_or_never();
    let heard = heard.and_then(|message| hear(session, message));
    heard.unwrap_or_else(|| connect::lost(ConnectErrorKind::Lost, error))
}

/// Ends a connection on which the platform sends no more: writes the answers that were ready before, as
/// far as the socket accepts them now, and the answer to a Close.
async fn leave(writer: &mut Writer, stream: &mut SplitStream<Socket>) {
    let _ = writer.write().now_or_never();
    // Reading further sends the answer to a Close.
    let _ = timeout(CLOSE_LIMIT, rest(stream)).await;
}

/// Copies the message into memory of its own size. As received, it keeps the whole read buffer alive,
/// many times the size that is counted for a small message.
fn apart(message: Bytes) -> Bytes {
    if message.len() < READ_BUFFER_BYTES {
        Bytes::copy_from_slice(&message)
    } else {
        message
    }
}

/// Reads the remaining messages.
async fn rest(stream: &mut SplitStream<Socket>) {
    while let Some(Ok(_)) = stream.next().await {}
}

/// Waits until the given time, or forever if there is none.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
