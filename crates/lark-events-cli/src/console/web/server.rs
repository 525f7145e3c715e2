//! Serves a router on a listener, behind the guard. Each connection is a task, so that a slow or a failing page
//! is the problem of one client; dropping the server ends all of them.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use lark_events_pages::{Guard, Refused, secure};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tower_service::Service as _;

use super::writing::LimitedWrites;

/// The most open connections; further ones wait.
const MAX_CONNECTIONS: usize = 256;
/// The time that a request has for its headers.
const HEADER_LIMIT: Duration = Duration::from_secs(15);
/// The pause after a failure to accept, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until it is dropped. `refuse` makes the response to a request that does not pass the guard.
pub(crate) async fn serve(
    listener: TcpListener,
    guard: Guard,
    router: Router,
    refuse: fn(path: &str, Refused) -> Response,
) -> Infallible {
    let mut connections = JoinSet::new();
    let mut paused_until = None;
    loop {
        let accepts = paused_until.is_none() && connections.len() < MAX_CONNECTIONS;
        tokio::select! {
            accepted = listener.accept(), if accepts => match accepted {
                Ok((stream, _)) => {
                    let service = Guarded { guard, router: router.clone(), refuse };
                    connections.spawn(connection(stream, service));
                }
                Err(_) => paused_until = Some(Instant::now() + ACCEPT_PAUSE),
            },
            () = sleep_until(paused_until.unwrap_or_else(Instant::now)), if paused_until.is_some() => {
                paused_until = None;
            }
            // A panic of a page ends its connection; the panic hook has printed it.
            Some(_) = connections.join_next() => {}
        }
    }
}

/// The router behind the guard.
#[derive(Clone)]
struct Guarded {
    guard: Guard,
    router: Router,
    refuse: fn(&str, Refused) -> Response,
}

async fn connection(stream: TcpStream, service: Guarded) {
    let service = service_fn(|request| service.clone().answer(request));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_LIMIT);
    let stream = TokioIo::new(LimitedWrites::new(stream));
    // An error is the client's: it has closed the connection, or does not speak HTTP.
    let _ = http.serve_connection(stream, service).await;
}

impl Guarded {
    async fn answer(mut self, request: Request<Incoming>) -> Result<Response, Infallible> {
        let (parts, body) = request.into_parts();
        let mut response = match self.guard.check(&parts) {
            Ok(()) => {
                let request = Request::from_parts(parts, Body::new(body));
                self.router.call(request).await.into_response()
            }
            Err(refused) => (self.refuse)(parts.uri.path(), refused),
        };
        secure(response.headers_mut());
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::sync::{Arc, Mutex};

    use axum::routing::get;
    use http::StatusCode;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::time::timeout;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    fn refuse(_: &str, _: Refused) -> Response {
        StatusCode::FORBIDDEN.into_response()
    }

    /// The first line of the answer, or nothing.
    async fn status(address: std::net::SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let _ = timeout(LIMIT, stream.read_to_string(&mut answer))
            .await
            .unwrap();
        answer.lines().next().unwrap_or_default().to_owned()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_page_that_panics_or_blocks_leaves_others_alone() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (release, blocked) = mpsc::channel::<()>();
        let blocked = Arc::new(Mutex::new(blocked));
        let block = async move || {
            let _ = blocked.lock().unwrap().recv_timeout(LIMIT);
        };
        let panics = async || -> &'static str { panic!("a page fails on purpose") };
        let router = Router::new()
            .route("/", get(async || "fine"))
            .route("/panics", get(panics))
            .route("/blocks", get(block));
        let mut tasks = JoinSet::new();
        tasks.spawn(
            async move { match serve(listener, Guard::new(address), router, refuse).await {} },
        );
        assert_eq!(status(address, "/panics").await, "");
        let mut waits = JoinSet::new();
        waits.spawn(async move { status(address, "/blocks").await });
        for _ in 0..3 {
            assert_eq!(status(address, "/").await, "HTTP/1.1 200 OK");
        }
        assert!(waits.try_join_next().is_none());
        release.send(()).unwrap();
        let status = timeout(LIMIT, waits.join_next()).await.unwrap();
        assert_eq!(status.unwrap().unwrap(), "HTTP/1.1 200 OK");
    }
}
