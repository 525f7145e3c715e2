//! Writing: a bounded queue of answers, for a platform that reads slowly or not at all.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::SinkExt as _;
use futures_util::stream::SplitSink;
use lark_events::limits::MAX_EVENT_BYTES;
use lark_events_dial::BoxStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use crate::error::{ConnectError, ConnectErrorKind};

/// The maximum size of the answers that wait while the platform does not read, except for the last one;
/// one more ends the connection.
const MAX_UNSENT_BYTES: usize = 16 * MAX_EVENT_BYTES;

/// The number of answers for which an empty queue keeps memory.
const MAX_EMPTY: usize = 64;

/// The Close that is sent at a shutdown. A lost or abandoned connection gets none, and the platform's
/// Close is answered with its own code.
const GOING_AWAY: CloseFrame = CloseFrame {
    code: CloseCode::Away,
    reason: Utf8Bytes::from_static(""),
};

pub(super) type Socket = WebSocketStream<BoxStream>;

/// The queue of messages, and where they are written.
pub(super) struct Writer {
    sink: SplitSink<Socket, Message>,
    messages: VecDeque<Bytes>,
    bytes: usize,
    /// Whether the sink holds messages that may not have reached the socket.
    is_fed: bool,
}

impl Writer {
    pub(super) fn new(sink: SplitSink<Socket, Message>) -> Self {
        Self {
            sink,
            messages: VecDeque::new(),
            bytes: 0,
            is_fed: false,
        }
    }

    #[expect(clippy::arithmetic_side_effects, reason = "all of it is in memory")]
    pub(super) fn queue(&mut self, message: Bytes) -> Result<(), ConnectError> {
        if self.bytes > MAX_UNSENT_BYTES {
            return Err(ConnectError::new(
                ConnectErrorKind::Lost,
                "the platform reads too slowly: the queue of answers is full",
            ));
        }
        self.bytes += message.len();
        self.messages.push_back(message);
        Ok(())
    }

    pub(super) fn has_unsent(&self) -> bool {
        self.is_fed || !self.messages.is_empty()
    }

    /// Sends the queued messages. Those that are not sent when this is dropped remain in the queue.
    pub(super) async fn write(&mut self) -> Result<(), Error> {
        poll_fn(|context| self.poll_write(context)).await
    }

    /// Passes the queued messages to the socket as far as it accepts them, without sending them: so they
    /// precede the answer to a Close that is read afterwards.
    pub(super) async fn feed(&mut self) -> Result<(), Error> {
        if self.messages.is_empty() {
            return Ok(());
        }
        poll_fn(|context| match self.poll_feed(context) {
            Poll::Ready(fed) => Poll::Ready(fed),
            Poll::Pending => Poll::Ready(Ok(())),
        })
        .await
    }

    #[expect(clippy::arithmetic_side_effects, reason = "counted when it was queued")]
    fn poll_feed(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while !self.messages.is_empty() {
            ready!(self.sink.poll_ready_unpin(context))?;
            if let Some(message) = self.messages.pop_front() {
                self.bytes -= message.len();
                self.is_fed = true;
                self.sink.start_send_unpin(Message::Binary(message))?;
            }
        }
        self.messages.shrink_to(MAX_EMPTY);
        // The sink holds the last message until it is ready for another.
        self.sink.poll_ready_unpin(context)
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(self.poll_feed(context))?;
        ready!(self.sink.poll_flush_unpin(context))?;
        self.is_fed = false;
        Poll::Ready(Ok(()))
    }

    /// Sends the queued messages, then a Close.
    pub(super) async fn close(mut self) -> Result<(), Error> {
        self.write().await?;
        self.sink.send(Message::Close(Some(GOING_AWAY))).await
    }
}
