//! One open WebSocket: events out, pings and acknowledgements in.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use lark_events_ws::frame::{Frame, Method, header};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::SERVICE_ID;
use super::message::Garbage;
use super::pending::Acked;
use crate::shared::Shared;
use crate::violation::ViolationKind;

/// Commands that wait while the client does not read; what is beyond waits outside.
const MAX_WAITING_COMMANDS: usize = 64;
/// How long a client may take to answer a Close.
pub(crate) const CLOSE_LIMIT: Duration = Duration::from_secs(1);
/// The largest message of a client: the reply of a callback, in base64.
const MAX_MESSAGE_BYTES: usize = 8 * 1024 * 1024;

/// What a connection is told to do.
pub(crate) enum Command {
    Send {
        garbage: Option<Garbage>,
        frames: Vec<Frame>,
        /// Whether the connection is cut right after.
        then_cut: bool,
    },
    /// Stop listening and saying anything.
    GoSilent,
    Close,
}

/// A connection as others see it.
pub(crate) struct Link {
    pub(crate) number: u64,
    /// The `device_id` of its URL.
    pub(crate) device_id: String,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) cut: CancellationToken,
}

impl Link {
    pub(crate) fn new(number: u64, device_id: String) -> (Arc<Self>, mpsc::Receiver<Command>) {
        let (commands, receiver) = mpsc::channel(MAX_WAITING_COMMANDS);
        let link = Self {
            number,
            device_id,
            commands,
            cut: CancellationToken::new(),
        };
        (Arc::new(link), receiver)
    }
}

/// Runs a connection, from its upgrade to its end.
pub(crate) async fn run(
    shared: Arc<Shared>,
    link: Arc<Link>,
    upgrade: OnUpgrade,
    commands: mpsc::Receiver<Command>,
) {
    // Whatever ends it, the platform's own end included, it is taken off the list.
    let _listed = Listed(&shared, &link);
    let talking = async {
        let Ok(socket) = upgrade.await else { return };
        let mut config = WebSocketConfig::default();
        config.max_message_size = Some(MAX_MESSAGE_BYTES);
        config.max_frame_size = Some(MAX_MESSAGE_BYTES);
        let socket = TokioIo::new(socket);
        let socket = WebSocketStream::from_raw_socket(socket, Role::Server, Some(config)).await;
        let mut talk = Talk {
            shared: &shared,
            link: &link,
            socket,
            commands,
        };
        match talk.run().await {
            Ok(After::Silence) => {
                // Bytes are still taken, by no one.
                let mut socket = talk.socket.into_inner();
                let _ = tokio::io::copy(&mut socket, &mut tokio::io::sink()).await;
            }
            Ok(After::Nothing) => {}
            Err(error) => debug!(connection = %link.device_id, %error, "connection lost"),
        }
    };
    link.cut.run_until_cancelled(talking).await;
}

struct Listed<'a>(&'a Shared, &'a Link);

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        let Self(shared, link) = self;
        shared.connections.remove(link.number);
        shared.count(|stats| stats.connections -= 1);
    }
}

/// What follows on a conversation.
enum After {
    Nothing,
    Silence,
}

struct Talk<'a, S> {
    shared: &'a Shared,
    link: &'a Link,
    socket: WebSocketStream<S>,
    commands: mpsc::Receiver<Command>,
}

impl<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> Talk<'_, S> {
    async fn run(&mut self) -> Result<After, Error> {
        loop {
            tokio::select! {
                message = self.socket.next() => {
                    let Some(message) = message else { return Ok(After::Nothing) };
                    self.take(message?).await?;
                }
                Some(command) = self.commands.recv() => match command {
                    Command::Send { garbage, frames, then_cut } => {
                        self.send(garbage, frames).await?;
                        if then_cut {
                            return Ok(After::Nothing);
                        }
                    }
                    Command::GoSilent => return Ok(After::Silence),
                    Command::Close => {
                        self.socket.close(None).await?;
                        let rest = async { while let Some(Ok(_)) = self.socket.next().await {} };
                        let _ = timeout(CLOSE_LIMIT, rest).await;
                        return Ok(After::Nothing);
                    }
                }
            }
        }
    }

    async fn send(&mut self, garbage: Option<Garbage>, frames: Vec<Frame>) -> Result<(), Error> {
        let garbage = garbage.map(|garbage| match garbage {
            Garbage::Text(text) => Message::text(text),
            Garbage::Binary(bytes) => Message::Binary(bytes),
        });
        let frames = frames
            .into_iter()
            .map(|frame| Message::Binary(frame.encode()));
        for message in garbage.into_iter().chain(frames) {
            self.socket.feed(message).await?;
        }
        self.socket.flush().await
    }

    async fn take(&mut self, message: Message) -> Result<(), Error> {
        let taken = match message {
            Message::Binary(bytes) => self.take_frame(bytes).await?,
            Message::Text(_) => Err(ViolationKind::NotBinary),
            // Answered by the WebSocket itself.
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => Ok(()),
        };
        if let Err(violation) = taken {
            self.shared
                .connections
                .violated(self.shared, self.link, violation);
        }
        Ok(())
    }

    async fn take_frame(&mut self, bytes: Bytes) -> Result<Result<(), ViolationKind>, Error> {
        let frame = match Frame::decode(bytes) {
            Ok(frame) => frame,
            Err(error) => {
                let missing = error.missing().map(ViolationKind::MissingField);
                return Ok(Err(missing.unwrap_or(ViolationKind::NotAFrame)));
            }
        };
        Ok(match frame.method() {
            Some(Method::Control) => match frame.header(header::TYPE) {
                Some(header::PING) if frame.service == SERVICE_ID => {
                    self.pong(&frame).await?;
                    Ok(())
                }
                Some(header::PING) => Err(ViolationKind::OtherService(frame.service)),
                Some(header::PONG) => Ok(()),
                other => Err(ViolationKind::UnknownType(other.unwrap_or("").to_owned())),
            },
            Some(Method::Data) => self.take_ack(&frame),
            _ => Err(ViolationKind::UnknownMethod(frame.method)),
        })
    }

    async fn pong(&mut self, ping: &Frame) -> Result<(), Error> {
        let mut pong = Frame::control(SERVICE_ID).with_header(header::TYPE, header::PONG);
        pong.seq_id = ping.seq_id;
        pong.log_id = ping.log_id;
        if let Some(config) = self.shared.connections.config_json() {
            pong = pong.with_payload(config);
        }
        self.shared.count(|stats| stats.pings += 1);
        self.socket.send(Message::Binary(pong.encode())).await
    }

    fn take_ack(&self, ack: &Frame) -> Result<(), ViolationKind> {
        let acked = self
            .shared
            .connections
            .pending()
            .acked(self.link.number, ack)?;
        if let Acked::Late = acked {
            self.shared.count(|stats| stats.late_acks += 1);
        }
        Ok(())
    }
}
