//! A webhook in an axum app: each event is a JSON line on stdout.
//!
//! ```sh
//! LARK_ENCRYPT_KEY=… LARK_VERIFICATION_TOKEN=… cargo run --example axum_webhook
//! ```
//!
//! `LISTEN_ADDR` is 127.0.0.1:7777 by default, `LARK_LOG=debug` logs why requests are rejected. SIGINT
//! and SIGTERM drain and exit 0. `axum::serve` bounds neither the time of a sender nor the number of
//! connections, so the listener does. Behind a reverse proxy set `LISTEN_MAX_PER_PEER=256`.

mod bounded_listener;
mod event_app;
mod webhook_app;

use axum::Router;
use lark_events::BoxError;
use lark_events_tower::EventService;
use tokio::sync::oneshot;

use self::event_app::{GRACE, dispatcher, log_to_stderr, stop_signal};
use self::webhook_app::{PATH, drain, listen, webhook};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    log_to_stderr()?;
    let stop = stop_signal()?;
    let events = EventService::new(webhook()?, dispatcher()?);
    let app = Router::new().route_service(PATH, events.clone());

    let (stopping, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listen().await?, app).with_graceful_shutdown(async move {
        stop.await;
        drop(stopping);
    });
    // After the signal, connections have a bounded time to finish; one that hangs is cut off.
    let grace_is_over = async {
        let _ = stopped.await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        result = server => result?,
        () = grace_is_over => tracing::warn!("connections were still open"),
    }
    drain(&events).await;
    Ok(())
}
