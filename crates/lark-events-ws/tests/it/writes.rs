//! Answers that are ready together are written together.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures_util::{SinkExt as _, StreamExt as _};
use lark_events_ws::frame::{Frame, Method, header};
use lark_events_ws::{Domain, LongConnection, State};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Client, ID, answering, watched};

/// A stream that counts the writes to it.
struct Counting(DuplexStream, Arc<AtomicUsize>);

impl AsyncRead for Counting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Counting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[tokio::test(start_paused = true)]
async fn events_that_come_together_are_answered_in_few_writes() {
    const EVENTS: usize = 64;
    let writes = Arc::<AtomicUsize>::default();
    let (upgrades, mut upgraded) = mpsc::unbounded_channel();
    let url = "ws://platform.invalid/?device_id=1&service_id=2";
    let endpoint = json!({"code": 0, "msg": "", "data": {"URL": url}}).to_string();
    let counted = Arc::clone(&writes);
    let builder = LongConnection::builder(ID, "secret")
        .domain(Domain::custom("http://platform.invalid"))
        .connect_with(move |uri| {
            let stream = if uri.scheme_str() == Some("ws") {
                let (ours, theirs) = tokio::io::duplex(64 * 1024);
                upgrades.send(theirs).unwrap();
                ours
            } else {
                answering(200, &endpoint)
            };
            let counting = Counting(stream, Arc::clone(&counted));
            async { Ok(counting) }
        });
    let client = Client::start(builder, watched().0);
    let stream = upgraded.recv().await.unwrap();
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    client.monitor.until(State::is_connected).await;
    let ping = socket.next().await.unwrap().unwrap();
    assert!(ping.is_binary(), "{ping:?}");

    let before = writes.load(Ordering::Relaxed);
    let document = json!({"schema": "2.0", "header": {"event_type": "other_v1"}, "event": {}});
    for number in 0..EVENTS {
        let event = Frame::data(2)
            .with_header(header::TYPE, header::EVENT)
            .with_header(header::MESSAGE_ID, number.to_string())
            .with_payload(document.to_string());
        socket.feed(Message::Binary(event.encode())).await.unwrap();
    }
    socket.flush().await.unwrap();
    for number in 0..EVENTS {
        let answer = socket.next().await.unwrap().unwrap();
        let answer = Frame::decode(answer.into_data()).unwrap();
        assert_eq!(answer.method(), Some(Method::Data));
        let id = answer.header(header::MESSAGE_ID);
        assert_eq!(id, Some(&*number.to_string()), "in the order of the events");
        assert_eq!(answer.payload.as_deref(), Some(&br#"{"code":200}"#[..]));
    }
    let writes = writes.load(Ordering::Relaxed) - before;
    assert!(writes <= EVENTS / 8, "{writes} writes");
    assert_eq!(client.end().await, Ok(()));
}
