//! The path of an event, in one process. By webhook: a simulator checks the URL of an axum
//! server and pushes an encrypted, signed `vc.reserve_config.updated_v1`; then a sender without the
//! key sends a forged event. By long connection: the same handlers and event, without a server.
//!
//! ```sh
//! cargo run --example quickstart
//! ```

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use lark_events::{BoxError, Dispatcher, Event, Webhook};
use lark_events_sim::{Document, Platform};
use lark_events_tower::EventService;
use lark_events_ws::{Domain, LongConnection};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use vc_events::ReserveConfigUpdatedV1;

const APP_ID: &str = "cli_a1b2c3d4e5f60718";
const APP_SECRET: &str = "quickstart app secret";
const KEY: &str = "quickstart encrypt key";
const TOKEN: &str = "quickstart verification token";
const PATH: &str = "/webhook/event";

async fn on_updated(event: Event<ReserveConfigUpdatedV1>) -> Result<(), BoxError> {
    let body = &event.body;
    let time = body.time_config.as_ref().ok_or("no time limits")?;
    let tenant = event.header.tenant_key.as_deref().unwrap_or("?");
    println!("  handler: {} of tenant {tenant}", event.header.event_type);
    println!("  handler: {:?} {:?}", body.scope_type, body.scope_id);
    println!(
        "  handler: bookable {:?} days ahead, from second {:?} to {:?} of the day",
        time.days_in_advance, time.start_time, time.end_time
    );
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // The app's handlers, for both transports.
    let dispatcher = Dispatcher::builder()
        .on::<ReserveConfigUpdatedV1>(on_updated)
        .build()?;
    by_webhook(dispatcher.clone()).await?;
    by_long_connection(dispatcher).await
}

async fn by_webhook(dispatcher: Dispatcher) -> Result<(), BoxError> {
    // The app: a webhook with the app's two secrets, and a route.
    let webhook = Webhook::builder()
        .encrypt_key(KEY)
        .verification_token(TOKEN)
        .build()?;
    let events = EventService::new(webhook, dispatcher);
    let app = Router::new().route_service(PATH, events.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}{PATH}", listener.local_addr()?);
    println!("serving {url}");
    let server = tokio::spawn(axum::serve(listener, app).into_future());

    // The platform checks a URL before it pushes events to it.
    let platform = Platform::builder()
        .encrypt_key(KEY)
        .verification_token(TOKEN)
        .webhook(&url)
        .start()
        .await?;
    println!("URL check: passed");

    // Then it pushes the event, encrypted and signed.
    push(&platform).await?;

    // A sender without the key sends a forged event.
    println!("forged event:");
    let forger = Platform::builder()
        .encrypt_key("a guess")
        .verification_token(TOKEN);
    let forged = forger.request(Document::sample::<ReserveConfigUpdatedV1>());
    let answer = platform.post(forged).await;
    println!("  answer: {answer}");
    if answer.status() != Some(StatusCode::UNAUTHORIZED) {
        return Err("expected the forged event to be rejected".into());
    }

    server.abort();
    events.drain(Duration::from_secs(1)).await?;
    Ok(())
}

async fn by_long_connection(dispatcher: Dispatcher) -> Result<(), BoxError> {
    let platform = Platform::builder().app(APP_ID, APP_SECRET).start().await?;
    // The app needs its id and secret. It connects to the platform, and needs no URL.
    let connection = LongConnection::builder(APP_ID, APP_SECRET)
        .domain(Domain::custom(platform.base_url()))
        .no_proxy()
        .build()?;

    // It runs until the shutdown signal: here, when the event has been pushed.
    let (shut_down, asked) = oneshot::channel::<()>();
    let running = connection.run(dispatcher).with_graceful_shutdown(async {
        let _ = asked.await;
    });
    let running = tokio::spawn(running.into_future());
    platform.until(|stats| stats.connections == 1).await;
    println!("long connection: open");
    let pushed = push(&platform).await;
    drop(shut_down);
    running.await??;
    println!("long connection: closed");
    pushed
}

/// Pushes the documented sample of the event, once.
async fn push(platform: &Platform) -> Result<(), BoxError> {
    println!("event:");
    let mut push = platform.push(Document::sample::<ReserveConfigUpdatedV1>());
    let attempt = push.next_attempt().await.ok_or("no attempt")?;
    println!("  attempt {}: {}", attempt.number, attempt.answer);
    if !attempt.accepted() {
        return Err("expected the event to be accepted".into());
    }
    Ok(())
}
