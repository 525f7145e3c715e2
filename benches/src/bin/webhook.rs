//! What `cargo xtask bench-http` puts under load: `webhook hyper` and `webhook axum` at `LISTEN_ADDR`,
//! whose handler does nothing but count, and `webhook bare`, which is the limit: hyper reads the body
//! and answers 200.

use std::env;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::{HttpService, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use lark_events::{BoxError, Dispatcher, Event, Webhook};
use lark_events_tower::EventService;
use tokio::net::TcpListener;
use vc_events::ReserveConfigUpdatedV1;

static HANDLED: AtomicU64 = AtomicU64::new(0);

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let kind = env::args().nth(1).unwrap_or_default();
    let listener = TcpListener::bind(env::var("LISTEN_ADDR")?).await?;
    match kind.as_str() {
        "bare" => serve(listener, service_fn(read)).await,
        "hyper" => serve(listener, TowerToHyperService::new(events()?)).await,
        "axum" => {
            let app = axum::Router::new().route_service("/webhook/event", events()?);
            Ok(axum::serve(listener, app).await?)
        }
        _ => Err("usage: webhook bare|hyper|axum".into()),
    }
}

async fn read(request: Request<Incoming>) -> hyper::Result<Response<Empty<Bytes>>> {
    black_box(request.into_body().collect().await?.to_bytes());
    Ok(Response::default())
}

fn events() -> Result<EventService<Dispatcher>, BoxError> {
    let webhook = Webhook::builder()
        .encrypt_key(env::var("LARK_ENCRYPT_KEY")?)
        .verification_token(env::var("LARK_VERIFICATION_TOKEN")?);
    let dispatcher = Dispatcher::builder().on(count);
    Ok(EventService::new(webhook.build()?, dispatcher.build()?))
}

async fn count(event: Event<ReserveConfigUpdatedV1>) {
    black_box(event.body);
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

async fn serve<S, B>(listener: TcpListener, service: S) -> Result<(), BoxError>
where
    S: HttpService<Incoming, ResBody = B> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    loop {
        let (socket, _) = listener.accept().await?;
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(socket), service.clone());
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                eprintln!("connection closed: {error}");
            }
        });
    }
}
