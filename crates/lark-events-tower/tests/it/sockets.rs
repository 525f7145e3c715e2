//! Real sockets: hyper and axum serving, and a client that hangs up.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use lark_events::BoxError;
use lark_events_sim::Platform;
use lark_events_tower::{EventLayer, EventService};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer as _, Service};

use crate::support::{PATH, SUCCESS, Seen, event, platform, request, watched, webhook};

/// A request as bytes on the wire.
fn on_the_wire(request: Request<Bytes>) -> Vec<u8> {
    let (parts, body) = request.into_parts();
    let mut wire = format!("{} {} HTTP/1.1\r\nhost: x\r\n", parts.method, parts.uri).into_bytes();
    for (name, value) in &parts.headers {
        wire.extend_from_slice(format!("{name}: ").as_bytes());
        wire.extend_from_slice(value.as_bytes());
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    wire.extend_from_slice(&body);
    wire
}

/// Sends `wire` and reads one whole answer, which has a `Content-Length`.
async fn exchange(socket: &mut TcpStream, wire: &[u8]) -> String {
    socket.write_all(wire).await.unwrap();
    let mut answer = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&answer).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.split("content-length: ").nth(1).unwrap();
            let length: usize = length.lines().next().unwrap().parse().unwrap();
            if body.len() >= length {
                return String::from_utf8(answer).unwrap();
            }
        }
        let mut chunk = [0; 4096];
        let read = socket.read(&mut chunk).await.unwrap();
        assert_ne!(read, 0, "the connection was closed: {text}");
        answer.extend_from_slice(&chunk[..read]);
    }
}

/// Serves with bare hyper.
async fn serve_with_hyper<S, B>(service: S) -> SocketAddr
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = TowerToHyperService::new(service);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let socket = TokioIo::new(socket);
            tokio::spawn(http1::Builder::new().serve_connection(socket, service.clone()));
        }
    });
    address
}

/// A platform whose check the app's URL has passed.
async fn platform_of(app: SocketAddr) -> Platform {
    let platform = platform().webhook(&format!("http://{app}{PATH}"));
    platform.start().await.unwrap()
}

#[tokio::test]
async fn bare_hyper_serves_the_service() {
    let (dispatcher, seen) = watched();
    let app = serve_with_hyper(EventService::new(webhook(), dispatcher)).await;
    let report = platform_of(app).await.push(event("quick_v1")).await;
    assert!(report.acknowledged(), "{report:?}");

    let mut client = TcpStream::connect(app).await.unwrap();
    let wire = on_the_wire(request(event("quick_v1")));
    for _ in 0..2 {
        let answer = exchange(&mut client, &wire).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with(SUCCESS), "{answer}");
    }
    assert_eq!(seen.finished(), 3);
}

#[tokio::test]
async fn bare_hyper_serves_a_stack_under_the_layer() {
    let below = tower::service_fn(|_| async {
        let below = Response::new(Full::new(Bytes::from_static(b"below")));
        Ok::<_, Infallible>(below)
    });
    let layer = EventLayer::new(PATH, webhook(), watched().0);
    let app = serve_with_hyper(layer.layer(below)).await;
    let report = platform_of(app).await.push(event("quick_v1")).await;
    assert!(report.acknowledged(), "{report:?}");

    let mut client = TcpStream::connect(app).await.unwrap();
    let answer = exchange(&mut client, &on_the_wire(request(event("quick_v1")))).await;
    assert!(answer.ends_with(SUCCESS), "{answer}");
    let answer = exchange(&mut client, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(answer.ends_with("below"), "{answer}");
}

#[tokio::test]
async fn an_answer_before_the_body_was_read_leaves_the_connection_usable() {
    let app = serve_with_hyper(EventService::new(webhook(), watched().0)).await;
    let mut client = TcpStream::connect(app).await.unwrap();
    let refused = "POST /webhook/event HTTP/1.1\r\nhost: x\r\nx-lark-signature: x\r\n\
        content-length: 5\r\n\r\nhello";
    let answer = exchange(&mut client, refused.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    let answer = exchange(&mut client, &on_the_wire(request(event("quick_v1")))).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// Waits until `condition` holds.
async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(10), wait).await;
    assert!(waited.is_ok(), "{what}");
}

async fn hang_up_in_the_middle(app: SocketAddr, seen: Arc<Seen>) {
    let platform = platform_of(app).await;
    let push = platform.push(event("slow_v1"));
    eventually("the handler starts", || seen.started() == 1).await;
    assert_eq!(seen.finished(), 0);
    platform.shutdown().await;
    assert_eq!(push.await.attempts, [], "it hung up before an answer");
    eventually("the handler finishes", || seen.finished() == 1).await;
}

#[tokio::test]
async fn a_client_that_hangs_up_on_hyper_leaves_the_handler_running() {
    let (dispatcher, seen) = watched();
    let app = serve_with_hyper(EventService::new(webhook(), dispatcher)).await;
    hang_up_in_the_middle(app, seen).await;
}

#[tokio::test]
async fn a_client_that_hangs_up_on_axum_leaves_the_handler_running() {
    let (dispatcher, seen) = watched();
    let app: Router = Router::new().route_service(PATH, EventService::new(webhook(), dispatcher));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    hang_up_in_the_middle(address, seen).await;
}

#[tokio::test]
async fn a_body_that_lies_about_its_length_is_no_event() {
    let (dispatcher, seen) = watched();
    let app = serve_with_hyper(EventService::new(webhook(), dispatcher)).await;
    let mut client = TcpStream::connect(app).await.unwrap();
    let wire = on_the_wire(request(event("quick_v1")));
    client.write_all(&wire[..wire.len() - 10]).await.unwrap();
    client.shutdown().await.unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 400 "),
        "{answer}"
    );
    assert_eq!(seen.started(), 0);
}
