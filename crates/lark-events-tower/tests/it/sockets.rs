//! Real sockets: hyper and axum serving, and a client that hangs up.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::{Request, Response};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use lark_events::Dispatcher;
use lark_events_tower::{EventLayer, EventService};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower::Layer as _;

use crate::support::{PATH, SUCCESS, Seen, event, post, sealed, signed, watched, webhook};

/// A request as bytes on the wire.
async fn on_the_wire(request: Request<Full<bytes::Bytes>>) -> Vec<u8> {
    use http_body_util::BodyExt as _;
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
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

/// Serves one connection with bare hyper.
async fn serve_with_hyper(service: EventService<Dispatcher>) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (socket, _) = listener.accept().await.unwrap();
    tokio::spawn(
        http1::Builder::new()
            .serve_connection(TokioIo::new(socket), TowerToHyperService::new(service)),
    );
    client
}

#[tokio::test]
async fn bare_hyper_serves_the_service() {
    let (dispatcher, seen) = watched();
    let mut client = serve_with_hyper(EventService::new(webhook(), dispatcher)).await;
    let wire = on_the_wire(post("quick_v1")).await;
    for _ in 0..2 {
        let answer = exchange(&mut client, &wire).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with(SUCCESS), "{answer}");
    }
    assert_eq!(seen.finished(), 2);
}

#[tokio::test]
async fn bare_hyper_serves_a_stack_under_the_layer() {
    let below = tower::service_fn(|_: Request<hyper::body::Incoming>| async {
        Ok::<_, Infallible>(Response::new(Full::new(bytes::Bytes::from_static(
            b"below",
        ))))
    });
    let stack = EventLayer::new(PATH, webhook(), watched().0).layer(below);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (socket, _) = listener.accept().await.unwrap();
    tokio::spawn(
        http1::Builder::new()
            .serve_connection(TokioIo::new(socket), TowerToHyperService::new(stack)),
    );
    let answer = exchange(&mut client, &on_the_wire(post("quick_v1")).await).await;
    assert!(answer.ends_with(SUCCESS), "{answer}");
    let answer = exchange(&mut client, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(answer.ends_with("below"), "{answer}");
}

#[tokio::test]
async fn an_answer_before_the_body_was_read_leaves_the_connection_usable() {
    let (dispatcher, _) = watched();
    let mut client = serve_with_hyper(EventService::new(webhook(), dispatcher)).await;
    let refused = "POST /webhook/event HTTP/1.1\r\nhost: x\r\nx-lark-signature: x\r\n\
        content-length: 5\r\n\r\nhello";
    let answer = exchange(&mut client, refused.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    let answer = exchange(&mut client, &on_the_wire(post("quick_v1")).await).await;
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

async fn hang_up_in_the_middle(mut client: TcpStream, seen: Arc<Seen>) {
    let wire = on_the_wire(post("slow_v1")).await;
    client.write_all(&wire).await.unwrap();
    eventually("the handler starts", || seen.started() == 1).await;
    assert_eq!(seen.finished(), 0);
    drop(client);
    eventually("the handler finishes", || seen.finished() == 1).await;
}

#[tokio::test]
async fn a_client_that_hangs_up_on_hyper_leaves_the_handler_running() {
    let (dispatcher, seen) = watched();
    let client = serve_with_hyper(EventService::new(webhook(), dispatcher)).await;
    hang_up_in_the_middle(client, seen).await;
}

#[tokio::test]
async fn a_client_that_hangs_up_on_axum_leaves_the_handler_running() {
    let (dispatcher, seen) = watched();
    let app: Router = Router::new().route_service(PATH, EventService::new(webhook(), dispatcher));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let client = TcpStream::connect(address).await.unwrap();
    hang_up_in_the_middle(client, seen).await;
}

#[tokio::test]
async fn a_body_that_lies_about_its_length_is_no_event() {
    let (dispatcher, seen) = watched();
    let mut client = serve_with_hyper(EventService::new(webhook(), dispatcher)).await;
    let wire = on_the_wire(signed(sealed(&event("quick_v1", "{}")))).await;
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
