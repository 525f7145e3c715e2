//! A webhook in bare hyper, as a layer over the app's own service: each event is a JSON line on
//! stdout.
//!
//! ```sh
//! LARK_ENCRYPT_KEY=… LARK_VERIFICATION_TOKEN=… cargo run --example hyper_webhook
//! ```
//!
//! `LISTEN_ADDR` is 127.0.0.1:7777 by default, `LARK_LOG=debug` logs why requests are rejected. SIGINT
//! and SIGTERM drain and exit 0. The example sets the bounds that a server on the internet needs: the
//! time and the buffer for a request's headers and, in the listener, the number of connections.
//! Behind a reverse proxy set `LISTEN_MAX_PER_PEER=256`.

mod bounded_listener;
mod event_app;
mod webhook_app;

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use lark_events::BoxError;
use lark_events_tower::{EventLayer, EventService};
use tokio::time::timeout;
use tower::Layer;
use tracing::{debug, warn};

use self::event_app::{GRACE, dispatcher, log_to_stderr, stop_signal};
use self::webhook_app::{PATH, drain, listen, webhook};

/// Headers come in one packet; a sender that takes longer may be an attacker.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// The read buffer of a connection, which includes the headers: they take 1 or 2 KB, and hyper's default is
/// 400 KB.
const MAX_BUFFER: usize = 64 * 1024;

/// The app's own service, for everything but events.
async fn app(_: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    let mut response = Response::new(Empty::new());
    *response.status_mut() = StatusCode::NOT_FOUND;
    Ok(response)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    log_to_stderr()?;
    let mut stop = std::pin::pin!(stop_signal()?);
    let events = EventService::new(webhook()?, dispatcher()?);
    let service = EventLayer::with_service(PATH, events.clone()).layer(tower::service_fn(app));
    let service = TowerToHyperService::new(service);
    // Without a timer, hyper's header timeout has no effect.
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_BUFFER);

    let mut listener = listen().await?;
    let graceful = GracefulShutdown::new();
    loop {
        let (socket, _) = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let connection = http.serve_connection(TokioIo::new(socket), service.clone());
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                debug!(%error, "connection closed");
            }
        });
    }
    drop(listener);
    if timeout(GRACE, graceful.shutdown()).await.is_err() {
        warn!("connections were still open");
    }
    drain(&events).await;
    Ok(())
}
