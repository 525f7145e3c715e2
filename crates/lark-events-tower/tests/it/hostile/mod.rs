//! Attackers who can connect to the webhook, on real servers: how long they can occupy a connection,
//! which requests they can smuggle, and how much memory they can fill.

mod http2;
mod lengths;
mod slow;
mod smuggled;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use http::Request;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use lark_events::{Dispatcher, Event, RawJson};
use lark_events_tower::EventService;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::support::{PATH, event, request, webhook};

/// The limit for bodies, and for headers if the server has such a setting.
const READ_TIMEOUT: Duration = Duration::from_secs(2);
/// The most that a step may take, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server with our service, and which events were dispatched.
struct Server {
    name: &'static str,
    address: SocketAddr,
    events: EventService<Dispatcher>,
    dispatched: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Listens; what serves is up to the caller.
    async fn listening(name: &'static str) -> (Self, TcpListener) {
        let dispatched = Arc::new(Mutex::new(Vec::new()));
        let note = Arc::clone(&dispatched);
        let on_event = move |event: Event<RawJson>| {
            note.lock().unwrap().push(event.header.event_type);
            async {}
        };
        let dispatcher = Dispatcher::builder().fallback(on_event).build().unwrap();
        let events = EventService::builder(webhook(), dispatcher).read_timeout(READ_TIMEOUT);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            name,
            address: listener.local_addr().unwrap(),
            events: events.build().unwrap(),
            dispatched,
        };
        (server, listener)
    }

    /// Bare hyper with a time-out for headers.
    async fn hyper() -> Self {
        let (server, listener) = Self::listening("hyper").await;
        let service = TowerToHyperService::new(server.events.clone());
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(READ_TIMEOUT);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(http.serve_connection(TokioIo::new(socket), service.clone()));
            }
        });
        server
    }

    /// `axum::serve`, which has no time-out for headers.
    async fn axum() -> Self {
        let (server, listener) = Self::listening("axum").await;
        let app: Router = Router::new().route_service(PATH, server.events.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        server
    }

    async fn both() -> [Self; 2] {
        [Self::hyper().await, Self::axum().await]
    }

    async fn connect(&self) -> TcpStream {
        let socket = TcpStream::connect(self.address).await.unwrap();
        socket.set_nodelay(true).unwrap();
        socket
    }

    /// Sends `wire` on a connection of its own, and reads whatever comes until the server closes it.
    async fn answers_to(&self, wire: impl AsRef<[u8]>) -> Answers {
        let mut socket = self.connect().await;
        let _ = socket.write_all(wire.as_ref()).await;
        Answers::of(&mut socket).await
    }

    /// An event is taken all the same.
    async fn still_serves(&self) {
        let answers = self.answers_to(last(&good("good_v1"))).await;
        assert_eq!(answers.0, [200], "{}", self.name);
        let mut dispatched = self.dispatched.lock().unwrap();
        assert_eq!(dispatched.pop().unwrap(), "good_v1", "{}", self.name);
    }

    fn dispatched(&self) -> Vec<String> {
        self.dispatched.lock().unwrap().clone()
    }
}

/// The statuses of all answers on one connection, which was closed after them.
#[derive(Debug, PartialEq)]
struct Answers(Vec<u16>);

impl Answers {
    async fn of(socket: &mut TcpStream) -> Self {
        let mut wire = Vec::new();
        // A reset ends it as well: what was not read of a request is thrown away with it.
        let read = timeout(PATIENCE, socket.read_to_end(&mut wire)).await;
        let wire = String::from_utf8(wire).unwrap();
        assert!(read.is_ok(), "not closed after {wire:?}");
        let answers = wire.split("HTTP/1.1 ").skip(1);
        Self(answers.map(|answer| answer[..3].parse().unwrap()).collect())
    }
}

/// The headers of a request, but for those that say how long it is, and the empty line.
fn head(request: &Request<Bytes>) -> String {
    let mut head = format!("POST {PATH} HTTP/1.1\r\nhost: x\r\n");
    for (name, value) in request.headers() {
        head += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    head
}

fn text(request: &Request<Bytes>) -> &str {
    std::str::from_utf8(request.body()).unwrap()
}

/// A request as it should be.
fn wire(request: &Request<Bytes>) -> String {
    let (head, body) = (head(request), text(request));
    format!("{head}content-length: {}\r\n\r\n{body}", body.len())
}

/// An event as the platform posts it.
fn good(event_type: &str) -> Request<Bytes> {
    request(event(event_type))
}

/// A request as the last on its connection.
fn last(request: &Request<Bytes>) -> String {
    wire(request).replacen("\r\n", "\r\nconnection: close\r\n", 1)
}
