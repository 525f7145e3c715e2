//! The service under HTTP/2 without TLS, as behind some load balancers: many requests on one connection.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Method, Request};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Frame};
use hyper::client::conn::http2 as client;
use hyper::server::conn::http2 as server;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use lark_events::BoxError;
use lark_events::limits::MAX_EVENT_BYTES;
use lark_events::webhook::SIGNATURE_HEADER;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{PATIENCE, READ_TIMEOUT, Server, good};
use crate::support::{Pieces, SUCCESS};

/// hyper's HTTP/2 as it comes.
async fn serving() -> Server {
    let (server, listener) = Server::listening("http2").await;
    let service = TowerToHyperService::new(server.events.clone());
    let mut http = server::Builder::new(TokioExecutor::new());
    http.timer(TokioTimer::new());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(http.serve_connection(TokioIo::new(socket), service.clone()));
        }
    });
    server
}

/// One connection of a client.
#[derive(Clone)]
struct Client(client::SendRequest<UnsyncBoxBody<Bytes, BoxError>>);

impl Client {
    async fn of(server: &Server) -> Self {
        let socket = TokioIo::new(server.connect().await);
        let (requests, connection) = client::handshake(TokioExecutor::new(), socket)
            .await
            .unwrap();
        tokio::spawn(connection);
        Self(requests)
    }

    async fn post<B>(&self, request: Request<B>) -> Result<(u16, String), hyper::Error>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let (mut parts, body) = request.into_parts();
        parts.uri = http::Uri::from_static("http://x/webhook/event");
        let body = body.map_err(Into::into).boxed_unsync();
        let answer = self
            .0
            .clone()
            .send_request(Request::from_parts(parts, body));
        let answer = timeout(PATIENCE, answer).await.expect("an answer")?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await?.to_bytes();
        Ok((status, String::from_utf8(body.to_vec()).unwrap()))
    }

    async fn status<B>(&self, request: Request<B>) -> u16
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        self.post(request).await.unwrap().0
    }

    async fn is_still_served(&self) {
        assert_eq!(self.status(good("good_v1").map(Full::new)).await, 200);
    }
}

#[tokio::test]
async fn an_event_over_http2_is_answered_as_any() {
    let server = serving().await;
    let client = Client::of(&server).await;
    let event = good("quick_v1").map(Full::new);
    let answered = client.post(event.clone()).await.unwrap();
    assert_eq!(answered, (200, SUCCESS.to_owned()));

    let mut forged = event.clone();
    let signature = HeaderValue::from_str(&"0".repeat(64)).unwrap();
    forged.headers_mut().insert(SIGNATURE_HEADER, signature);
    assert_eq!(client.post(forged).await.unwrap(), (401, String::new()));

    let mut get = event.clone();
    *get.method_mut() = Method::GET;
    assert_eq!(client.status(get).await, 405);

    let mut packed = event;
    let gzip = HeaderValue::from_static("gzip");
    packed.headers_mut().insert("content-encoding", gzip);
    assert_eq!(client.status(packed).await, 415);
    assert_eq!(server.dispatched(), ["quick_v1"]);
}

#[tokio::test]
async fn bodies_that_do_not_end_keep_nobody_out() {
    let server = serving().await;
    let client = Client::of(&server).await;
    let mut slow = JoinSet::new();
    for _ in 0..100 {
        let client = client.clone();
        let half = |body: Bytes| Pieces::new([body.slice(..100)]).with_pause(READ_TIMEOUT * 2 / 3);
        slow.spawn(async move { client.status(good("slow_v1").map(half)).await });
    }
    for _ in 0..20 {
        client.is_still_served().await;
        Client::of(&server).await.is_still_served().await;
    }
    assert_eq!(slow.join_all().await, [408; 100]);
    assert_eq!(server.dispatched(), ["good_v1"; 40]);
    assert_eq!(server.events.stats().running, 0);
}

/// As much as is asked for, counted.
struct Endless(Arc<AtomicUsize>);

impl Body for Endless {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        const PIECE: Bytes = Bytes::from_static(&[b' '; 16 * 1024]);
        self.0.fetch_add(PIECE.len(), Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(PIECE))))
    }
}

#[tokio::test]
async fn a_body_without_end_is_refused_at_its_limit() {
    let server = serving().await;
    let client = Client::of(&server).await;
    let unsigned = Request::post("/").body(Bytes::new()).unwrap();
    for (request, limit, status) in [
        (good("endless_v1"), MAX_EVENT_BYTES, 413),
        (unsigned, 0, 401),
    ] {
        let sent = Arc::new(AtomicUsize::new(0));
        let request = request.map(|_| Endless(Arc::clone(&sent)));
        assert_eq!(client.status(request).await, status);
        client.is_still_served().await;
        // Of what it does not wait for, the server takes a window.
        let sent = sent.load(Ordering::Relaxed);
        assert!(sent <= limit + 4 * 1024 * 1024, "{sent}");
    }
    assert_eq!(server.dispatched(), ["good_v1"; 2]);
}

#[tokio::test]
async fn headers_beyond_the_server_s_limit_are_refused() {
    let server = serving().await;
    let mut request = good("long_v1").map(Full::new);
    let long = HeaderValue::from_str(&"x".repeat(32 * 1024)).unwrap();
    request.headers_mut().insert("x-long", long);
    let client = Client::of(&server).await;
    assert_eq!(client.status(request).await, 431);
    client.is_still_served().await;
    assert_eq!(server.dispatched(), ["good_v1"]);
}

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;
/// `:method` POST, `:scheme` http, `:path` /, by their numbers in HPACK's table.
const POST: &[u8] = &[0x83, 0x86, 0x84];

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [&head, payload].concat()
}

/// Sends frames for as long as the server takes them, which has an end.
async fn flood(server: &Server, frames: impl Fn(u32) -> Vec<u8>) {
    let (mut answers, mut socket) = server.connect().await.into_split();
    let preface = [
        &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..],
        &frame(SETTINGS, 0, 0, &[]),
    ];
    socket.write_all(&preface.concat()).await.unwrap();
    // Nothing waits for what is answered.
    let closed = tokio::spawn(async move {
        let mut answered = Vec::new();
        let _ = answers.read_to_end(&mut answered).await;
    });
    let mut sent = 0;
    while !closed.is_finished() && socket.write_all(&frames(sent)).await.is_ok() {
        sent += 1;
        assert!(sent < 1_000, "there is no end to it");
        tokio::task::yield_now().await;
    }
    timeout(PATIENCE, closed)
        .await
        .expect("the connection is closed")
        .unwrap();
}

#[tokio::test]
async fn requests_that_are_opened_and_reset_at_once_end_the_connection() {
    let server = serving().await;
    let other = Client::of(&server).await;
    // Many at once, so that they are reset before they are looked at.
    flood(&server, |number| {
        let streams = (0..1_000).map(|stream| 2 * (1_000 * number + stream) + 1);
        let opened_and_reset = |stream| {
            let reset = frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
            [frame(HEADERS, END_HEADERS, stream, POST), reset].concat()
        };
        streams.flat_map(opened_and_reset).collect()
    })
    .await;
    other.is_still_served().await;
    assert_eq!(server.dispatched(), ["good_v1"]);
}

#[tokio::test]
async fn headers_without_end_end_the_connection() {
    let server = serving().await;
    let other = Client::of(&server).await;
    // A literal header `x: yyy…`, in frames that never say that it was the last.
    let header = [&[0, 1, b'x', 100][..], &[b'y'; 100]].concat().repeat(100);
    flood(&server, |number| match number {
        0 => frame(HEADERS, 0, 1, POST),
        _ => frame(CONTINUATION, 0, 1, &header),
    })
    .await;
    other.is_still_served().await;
    assert_eq!(server.dispatched(), ["good_v1"]);
}
