//! Answers that are ready together are written together, and before the connection ends.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures_util::{SinkExt as _, StreamExt as _};
use lark_events::Dispatcher;
use lark_events_ws::frame::{Frame, Method, header};
use lark_events_ws::{Domain, LongConnection, State};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf};
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio_tungstenite::WebSocketStream;
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

/// The platform's side of a connection.
type Socket = WebSocketStream<DuplexStream>;

/// An open connection after its first ping, whose writes are counted, and the platform's side of it.
async fn connected(writes: &Arc<AtomicUsize>, dispatcher: Dispatcher) -> (Client, Socket) {
    let (upgrades, mut upgraded) = mpsc::unbounded_channel();
    let url = "ws://platform.invalid/?device_id=1&service_id=2";
    let endpoint = json!({"code": 0, "msg": "", "data": {"URL": url}}).to_string();
    let counted = Arc::clone(writes);
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
    let client = Client::start(builder, dispatcher);
    let stream = upgraded.recv().await.unwrap();
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    client.monitor.until(State::is_connected).await;
    let ping = socket.next().await.unwrap().unwrap();
    assert!(ping.is_binary(), "{ping:?}");
    (client, socket)
}

fn event(event_type: &str, number: usize) -> Message {
    let document = json!({"schema": "2.0", "header": {"event_type": event_type}, "event": {}});
    let event = Frame::data(2)
        .with_header(header::TYPE, header::EVENT)
        .with_header(header::MESSAGE_ID, number.to_string())
        .with_payload(document.to_string());
    Message::Binary(event.encode())
}

/// The number of the event that the next message acknowledges.
async fn answered(socket: &mut Socket) -> String {
    let answer = socket.next().await.unwrap().unwrap();
    let answer = Frame::decode(answer.into_data()).unwrap();
    assert_eq!(answer.method(), Some(Method::Data));
    assert_eq!(answer.payload.as_deref(), Some(&br#"{"code":200}"#[..]));
    answer.header(header::MESSAGE_ID).unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn events_that_come_together_are_answered_in_few_writes() {
    const EVENTS: usize = 64;
    let writes = Arc::<AtomicUsize>::default();
    let (client, mut socket) = connected(&writes, watched().0).await;

    let before = writes.load(Ordering::Relaxed);
    for number in 0..EVENTS {
        socket.feed(event("other_v1", number)).await.unwrap();
    }
    socket.flush().await.unwrap();
    for number in 0..EVENTS {
        assert_eq!(answered(&mut socket).await, number.to_string(), "in order");
    }
    let writes = writes.load(Ordering::Relaxed) - before;
    assert!(writes <= EVENTS / 8, "{writes} writes");
    assert_eq!(client.end().await, Ok(()));
}

/// A connection on which the handlers of so many events run, until they are notified.
async fn waiting(events: usize) -> (Client, Socket, Arc<Notify>) {
    let (started, released) = (Arc::new(Semaphore::new(0)), Arc::new(Notify::new()));
    let (starts, release) = (Arc::clone(&started), Arc::clone(&released));
    let dispatcher = Dispatcher::builder()
        .on_raw("waiting_v1", move |_| {
            let (started, released) = (Arc::clone(&starts), Arc::clone(&released));
            async move {
                started.add_permits(1);
                released.notified().await;
            }
        })
        .build()
        .unwrap();
    let (client, mut socket) = connected(&Arc::default(), dispatcher).await;
    for number in 0..events {
        socket.send(event("waiting_v1", number)).await.unwrap();
    }
    let all = u32::try_from(events).unwrap();
    let _all = started.acquire_many(all).await.unwrap();
    (client, socket, release)
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_ready_together_with_a_close_are_written_before_its_answer() {
    let (client, mut socket, release) = waiting(3).await;
    // The handlers' tasks are woken before the connection's.
    release.notify_waiters();
    socket.send(Message::Close(None)).await.unwrap();
    for number in 0..3 {
        assert_eq!(answered(&mut socket).await, number.to_string());
    }
    let close = socket.next().await.unwrap().unwrap();
    assert!(close.is_close(), "{close:?}");
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_ready_together_with_the_end_of_the_stream_are_written() {
    let (client, mut socket, release) = waiting(3).await;
    release.notify_waiters();
    socket.get_mut().shutdown().await.unwrap();
    for number in 0..3 {
        assert_eq!(answered(&mut socket).await, number.to_string());
    }
    drop(client);
}
