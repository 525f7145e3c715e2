//! One open WebSocket: events out, pings and acknowledgements in.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use lark_events_ws::frame::{Frame, FrameErrorKind, Method, header};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::SERVICE_ID;
use super::message::Garbage;
use super::open::Connection;
use super::pending::AckFate;
use crate::shared::{Shared, locked};
use crate::violation::{ProtocolViolationKind, shown};

/// The most queued commands while the client does not read; further senders wait.
const MAX_WAITING_COMMANDS: usize = 64;
/// How long a client may take to answer a Close.
pub(crate) const CLOSE_LIMIT: Duration = Duration::from_secs(1);
/// The largest message of a client, which is the reply of a callback in base64.
const MAX_MESSAGE_BYTES: usize = 8 * 1024 * 1024;

/// A command to a connection.
pub(crate) enum Command {
    Send {
        garbage: Option<Garbage>,
        frames: Vec<Frame>,
        /// Whether they are the last ones of their message.
        is_last: bool,
        /// How the connection ends right after it, if at all.
        then: Option<Ending>,
    },
    /// Stops reading and writing.
    GoSilent,
    Close,
}

/// A way for the platform to end a connection.
pub(crate) enum Ending {
    Cut,
    Close,
}

/// The handle of a connection.
pub(crate) struct Link {
    pub(crate) number: u64,
    /// The `device_id` of its URL.
    pub(crate) device_id: String,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) cut: CancellationToken,
    /// Whether it never sends anything.
    half_open: bool,
    seen: Mutex<Connection>,
}

pub(crate) type Commands = mpsc::Receiver<Command>;

impl Link {
    pub(crate) fn new(
        number: u64,
        device_id: String,
        user_agent: Option<String>,
        half_open: bool,
    ) -> (Arc<Self>, Commands) {
        let (commands, receiver) = mpsc::channel(MAX_WAITING_COMMANDS);
        let link = Self {
            number,
            seen: Mutex::new(Connection::new(device_id.clone(), user_agent, half_open)),
            device_id,
            commands,
            cut: CancellationToken::new(),
            half_open,
        };
        (Arc::new(link), receiver)
    }

    /// The state and the counts of the connection.
    pub(super) fn seen(&self) -> MutexGuard<'_, Connection> {
        locked(&self.seen)
    }
}

/// Runs a connection, from its upgrade to its end.
pub(crate) async fn run(
    shared: Arc<Shared>,
    link: Arc<Link>,
    upgrade: OnUpgrade,
    mut commands: Commands,
) {
    // Removes the connection at any end, also the platform's.
    let _listed = Listed(&shared, &link);
    let talking = async {
        let Ok(socket) = upgrade.await else { return };
        let mut config = WebSocketConfig::default();
        config.max_message_size = Some(MAX_MESSAGE_BYTES);
        config.max_frame_size = Some(MAX_MESSAGE_BYTES);
        let socket = TokioIo::new(socket);
        let socket = WebSocketStream::from_raw_socket(socket, Role::Server, Some(config)).await;
        let (mut sink, mut stream) = socket.split();
        let ended = if link.half_open {
            Ok(Ended::Silent)
        } else {
            talk(&shared, &link, &mut sink, &mut stream, &mut commands).await
        };
        match ended {
            Ok(Ended::Cut) => {}
            Ok(Ended::Closed) => {
                let listener = Listener {
                    shared: &shared,
                    link: &link,
                };
                let _ = timeout(CLOSE_LIMIT, listener.hear_out(&mut stream)).await;
            }
            Ok(Ended::Silent) => {
                link.seen().is_half_open = true;
                let whole = sink.reunite(stream).expect("the halves of one socket");
                // Bytes are read and dropped; commands stay in the queue.
                let _ = tokio::io::copy(&mut whole.into_inner(), &mut tokio::io::sink()).await;
            }
            Err(error) => {
                let broken = match &error {
                    Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => false,
                    Error::Protocol(_) | Error::Capacity(_) | Error::Utf8(_) => true,
                    _ => false,
                };
                if broken {
                    let kind = ProtocolViolationKind::NotAWebSocket;
                    shared.connections.violated(&shared, &link, kind);
                }
                debug!(connection = %link.device_id, %error, "connection lost");
            }
        }
    };
    link.cut.run_until_cancelled(talking).await;
}

struct Listed<'a>(&'a Shared, &'a Link);

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        let Self(shared, link) = self;
        shared.connections.unlist(link.number);
        shared.count(|stats| {
            stats.connections -= 1;
            stats.disconnects += 1;
        });
        shared.connections.pending().lost(link.number);
    }
}

/// How a conversation ended.
enum Ended {
    /// The conversation is over.
    Cut,
    /// A Close was sent, and its answer is pending.
    Closed,
    /// The client still sees an open connection.
    Silent,
}

/// Reads and writes concurrently, so that a client that waits for one of them cannot block.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    shared: &Shared,
    link: &Link,
    sink: &mut SplitSink<WebSocketStream<S>, Message>,
    stream: &mut SplitStream<WebSocketStream<S>>,
    commands: &mut Commands,
) -> Result<Ended, Error> {
    let (pongs, mut waiting_pongs) = mpsc::channel(MAX_WAITING_COMMANDS);
    let listener = Listener { shared, link };
    let reading = async {
        while let Some(message) = stream.next().await {
            if let Some(pong) = listener.take(message?) {
                // The receiver is gone when the conversation ends.
                let _ = pongs.send(pong).await;
            }
        }
        Ok(Ended::Cut)
    };
    let close = async |sink: &mut SplitSink<_, _>| {
        sink.send(Message::Close(None)).await?;
        Ok(Ended::Closed)
    };
    let writing = async {
        loop {
            tokio::select! {
                Some(pong) = waiting_pongs.recv() => sink.send(pong).await?,
                Some(command) = commands.recv() => match command {
                    Command::Send { garbage, frames, is_last, then } => {
                        link.seen().messages += usize::from(is_last);
                        send(sink, garbage, frames).await?;
                        match then {
                            None => {}
                            Some(Ending::Cut) => return Ok(Ended::Cut),
                            Some(Ending::Close) => return close(sink).await,
                        }
                    }
                    Command::GoSilent => return Ok(Ended::Silent),
                    Command::Close => return close(sink).await,
                }
            }
        }
    };
    let mut reading = std::pin::pin!(reading);
    let written = tokio::select! {
        ended = &mut reading => return ended,
        written = writing => written,
    };
    if written.is_err() {
        // Messages that the client sent before it left can still be read.
        let _ = timeout(CLOSE_LIMIT, reading).await;
    }
    written
}

async fn send(
    sink: &mut (impl Sink<Message, Error = Error> + Unpin),
    garbage: Option<Garbage>,
    frames: Vec<Frame>,
) -> Result<(), Error> {
    let garbage = garbage.map(|garbage| match garbage {
        Garbage::Text(text) => Message::text(text),
        Garbage::Binary(bytes) => Message::Binary(bytes),
    });
    let frames = frames
        .into_iter()
        .map(|frame| Message::Binary(frame.encode()));
    for message in garbage.into_iter().chain(frames) {
        sink.feed(message).await?;
    }
    sink.flush().await
}

/// Handles the messages of a client.
struct Listener<'a> {
    shared: &'a Shared,
    link: &'a Link,
}

impl Listener<'_> {
    /// Reads the remaining messages.
    async fn hear_out(&self, stream: &mut (impl Stream<Item = Result<Message, Error>> + Unpin)) {
        while let Some(Ok(message)) = stream.next().await {
            self.take(message);
        }
    }

    /// Handles a message, and returns a pong if it asks for one.
    fn take(&self, message: Message) -> Option<Message> {
        let taken = match message {
            Message::Binary(bytes) => self.take_frame(bytes),
            Message::Text(_) => Err(ProtocolViolationKind::NotBinary),
            // The WebSocket layer answers it.
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => Ok(None),
        };
        taken.unwrap_or_else(|violation| {
            let connections = &self.shared.connections;
            connections.violated(self.shared, self.link, violation);
            None
        })
    }

    fn take_frame(&self, bytes: Bytes) -> Result<Option<Message>, ProtocolViolationKind> {
        let frame = Frame::decode(bytes).map_err(|error| match error.kind() {
            FrameErrorKind::Missing(field) => ProtocolViolationKind::MissingField(field),
            _ => ProtocolViolationKind::NotAFrame,
        })?;
        match frame.method() {
            Some(Method::Control) => match frame.header(header::TYPE) {
                Some(header::PING) if frame.service == SERVICE_ID => Ok(Some(self.pong(&frame))),
                Some(header::PING) => Err(ProtocolViolationKind::OtherService(frame.service)),
                Some(header::PONG) => Ok(None),
                other => Err(ProtocolViolationKind::UnknownType(shown(
                    other.unwrap_or(""),
                ))),
            },
            Some(Method::Data) => self.take_ack(&frame).map(|()| None),
            _ => Err(ProtocolViolationKind::UnknownMethod(frame.method)),
        }
    }

    fn pong(&self, ping: &Frame) -> Message {
        let mut pong = Frame::control(SERVICE_ID).with_header(header::TYPE, header::PONG);
        pong.seq_id = ping.seq_id;
        pong.log_id = ping.log_id;
        if let Some(config) = self.shared.connections.config_json() {
            pong = pong.with_payload(config);
        }
        {
            let mut seen = self.link.seen();
            seen.pings += 1;
            seen.last_ping = Some(Instant::now());
        }
        self.shared.count(|stats| stats.pings += 1);
        Message::Binary(pong.encode())
    }

    fn take_ack(&self, ack: &Frame) -> Result<(), ProtocolViolationKind> {
        let connections = &self.shared.connections;
        let taken = connections.pending().take(self.link.number, ack)?;
        self.link.seen().acks += 1;
        self.shared.count(|stats| {
            stats.acks += 1;
            stats.late_acks += usize::from(taken.fate == AckFate::Late);
        });
        taken.violation.map_or(Ok(()), Err)
    }
}
