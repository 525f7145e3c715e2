//! The whole way of an event in one process: an axum server, and a local platform that checks its URL
//! and pushes it a sealed and signed `vc.reserve_config.updated_v1`; then somebody sends a forged one.
//!
//! ```sh
//! cargo run --example quickstart
//! ```

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use lark_events::{BoxError, Dispatcher, Event, EventType, Webhook};
use lark_events_sim::Platform;
use lark_events_tower::EventService;
use tokio::net::TcpListener;
use vc_events::ReserveConfigUpdatedV1;

const KEY: &str = "quickstart encrypt key";
const TOKEN: &str = "quickstart verification token";
const PATH: &str = "/webhook/event";

async fn on_updated(event: Event<ReserveConfigUpdatedV1>) -> Result<(), BoxError> {
    let body = &event.body;
    let time = body.time_config.as_ref().ok_or("no time limits")?;
    println!(
        "  handler: {} of tenant {}",
        event.header.event_type, event.header.tenant_key
    );
    println!("  handler: {:?} {:?}", body.scope_type, body.scope_id);
    println!(
        "  handler: bookable {:?} days ahead, from second {:?} to {:?} of the day",
        time.days_in_advance, time.start_time, time.end_time
    );
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // The app: a webhook with the app's two secrets, a typed handler, a route.
    let webhook = Webhook::builder()
        .encrypt_key(KEY)
        .verification_token(TOKEN)
        .build()?;
    let dispatcher = Dispatcher::builder()
        .on::<ReserveConfigUpdatedV1>(on_updated)
        .build()?;
    let events = EventService::new(webhook, dispatcher);
    let app = Router::new().route_service(PATH, events.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}{PATH}", listener.local_addr()?);
    println!("serving {url}");
    let server = tokio::spawn(axum::serve(listener, app).into_future());

    // The platform: before it takes a URL, it checks it.
    let platform = Platform::builder()
        .encrypt_key(KEY)
        .verification_token(TOKEN)
        .webhook(&url)
        .start()
        .await?;
    println!("URL check: passed");

    // Then the event, sealed and signed.
    println!("event:");
    let mut push = platform.push(ReserveConfigUpdatedV1::INFO);
    let attempt = push.next_attempt().await.ok_or("no attempt")?;
    println!("  attempt {}: {}", attempt.number, attempt.answer);
    if !attempt.accepted() {
        return Err("expected the event to be accepted".into());
    }

    // And what somebody else might send, without the key.
    println!("forged event:");
    let forger = Platform::builder()
        .encrypt_key("a guess")
        .verification_token(TOKEN);
    let forged = forger.request(ReserveConfigUpdatedV1::INFO);
    let answer = platform.post(forged).await;
    println!("  answer: {answer}");
    if answer.status() != Some(StatusCode::UNAUTHORIZED) {
        return Err("expected the forged event to be refused".into());
    }

    server.abort();
    events.drain(Duration::from_secs(1)).await?;
    Ok(())
}
