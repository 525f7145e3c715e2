//! Serves a router on a listener, behind the guard. All connections live in one future, so that dropping it
//! drops them and all that they hold.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tower_service::Service as _;

use super::guard::Guard;
use super::headers::secure;

/// Browsers open at most six for each site; further ones wait.
const MAX_CONNECTIONS: usize = 256;
/// The time that a request has for its headers.
const HEADER_LIMIT: Duration = Duration::from_secs(15);
/// The pause after a failure to accept, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until it is dropped.
pub(crate) async fn serve(listener: TcpListener, guard: Guard, router: Router) -> Infallible {
    let mut connections = FuturesUnordered::new();
    loop {
        let has_room = connections.len() < MAX_CONNECTIONS;
        tokio::select! {
            accepted = listener.accept(), if has_room => match accepted {
                Ok((stream, _)) => connections.push(connection(stream, router.clone(), guard)),
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
            Some(()) = connections.next() => {}
        }
    }
}

async fn connection(stream: TcpStream, router: Router, guard: Guard) {
    let service = service_fn(|request| answer(request, router.clone(), guard));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_LIMIT);
    // An error is the client's: it has closed the connection, or does not speak HTTP.
    let _ = http.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    request: Request<Incoming>,
    mut router: Router,
    guard: Guard,
) -> Result<Response, Infallible> {
    let (parts, body) = request.into_parts();
    let mut response = match guard.check(&parts) {
        Ok(()) => {
            let request = Request::from_parts(parts, Body::new(body));
            router.call(request).await.into_response()
        }
        Err(refused) => (StatusCode::FORBIDDEN, refused.to_string() + "\n").into_response(),
    };
    secure(response.headers_mut());
    Ok(response)
}
