//! Writing: a bounded queue of answers, for a platform that reads slowly or not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::SinkExt as _;
use futures_util::stream::SplitSink;
use lark_events::limits::MAX_EVENT_BYTES;
use lark_events_dial::BoxStream;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use crate::error::{ConnectError, ConnectErrorKind};

/// The maximum number of answers that wait while the platform does not read; one more ends the
/// connection.
const MAX_UNSENT_BYTES: usize = 16 * MAX_EVENT_BYTES;

/// The Close that is sent at a shutdown. A lost or abandoned connection gets none, and the platform's
/// Close is answered with its own code.
const GOING_AWAY: CloseFrame = CloseFrame {
    code: CloseCode::Away,
    reason: Utf8Bytes::from_static(""),
};

pub(super) type Socket = WebSocketStream<BoxStream>;

/// Queues messages for sending.
pub(super) struct Unsent {
    messages: mpsc::UnboundedSender<Bytes>,
    bytes: Arc<AtomicUsize>,
}

/// The queue of messages.
pub(super) struct Waiting {
    messages: mpsc::UnboundedReceiver<Bytes>,
    bytes: Arc<AtomicUsize>,
}

/// Creates both ends of the queue.
pub(super) fn unsent() -> (Unsent, Waiting) {
    let (unsent, waiting) = mpsc::unbounded_channel();
    let bytes = Arc::<AtomicUsize>::default();
    let unsent = Unsent {
        messages: unsent,
        bytes: Arc::clone(&bytes),
    };
    let waiting = Waiting {
        messages: waiting,
        bytes,
    };
    (unsent, waiting)
}

impl Unsent {
    pub(super) fn send(&self, message: Bytes) -> Result<(), ConnectError> {
        let lost = |why| ConnectError::new(ConnectErrorKind::Lost, why);
        let before = self.bytes.fetch_add(message.len(), Ordering::Relaxed);
        if before > MAX_UNSENT_BYTES {
            return Err(lost(
                "the platform reads too slowly: the queue of answers is full",
            ));
        }
        self.messages.send(message).map_err(|_| lost(""))
    }
}

impl Waiting {
    /// Sends the queued messages, and a Close when the queue ends.
    pub(super) async fn write_to(
        mut self,
        mut sink: SplitSink<Socket, Message>,
    ) -> Result<(), Error> {
        while let Some(message) = self.messages.recv().await {
            let mut next = Some(message);
            while let Some(message) = next {
                let len = message.len();
                sink.feed(Message::Binary(message)).await?;
                self.bytes.fetch_sub(len, Ordering::Relaxed);
                next = self.messages.try_recv().ok();
            }
            sink.flush().await?;
        }
        sink.send(Message::Close(Some(GOING_AWAY))).await
    }
}
