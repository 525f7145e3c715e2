//! Two apps in one program. By webhook: one URL for both, where the signature identifies the app.
//! An event whose `app_id` does not match the app whose key signed it is rejected. By long
//! connection: one connection per app, with the same handlers.
//!
//! ```sh
//! cargo run --example two_apps
//! ```

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use lark_events::{BoxError, Dispatcher, Webhook, Webhooks};
use lark_events_sim::{Document, Platform, PlatformBuilder};
use lark_events_tower::EventService;
use lark_events_ws::{Domain, LongConnection, LongConnections};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use vc_events::ReserveConfigUpdatedV1;

const PATH: &str = "/webhook/event";

/// An app's credentials, as in the developer console.
struct App {
    id: &'static str,
    secret: &'static str,
    key: &'static str,
    token: &'static str,
}

const APPS: [App; 2] = [
    App {
        id: "cli_rooms",
        secret: "rooms app secret",
        key: "rooms encrypt key",
        token: "rooms token",
    },
    App {
        id: "cli_kitchen",
        secret: "kitchen app secret",
        key: "kitchen encrypt key",
        token: "kitchen token",
    },
];

impl App {
    fn webhook(&self) -> Result<Webhook, BoxError> {
        let webhook = Webhook::builder()
            .app_id(self.id)
            .encrypt_key(self.key)
            .verification_token(self.token);
        Ok(webhook.build()?)
    }

    /// The simulator for this app.
    fn platform(&self) -> PlatformBuilder {
        Platform::builder()
            .app(self.id, self.secret)
            .encrypt_key(self.key)
            .verification_token(self.token)
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let dispatcher = Dispatcher::builder()
        .on::<ReserveConfigUpdatedV1>(|event| async move {
            let app_id = event.header.app_id.unwrap_or_default();
            println!("  handler: an event of {app_id}");
        })
        .build()?;
    by_webhook(dispatcher.clone()).await?;
    by_long_connection(dispatcher).await
}

async fn by_webhook(dispatcher: Dispatcher) -> Result<(), BoxError> {
    let webhooks: Result<Vec<_>, _> = APPS.iter().map(App::webhook).collect();
    let events = EventService::new(Webhooks::by_signature(webhooks?)?, dispatcher);
    let app = Router::new().route_service(PATH, events.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}{PATH}", listener.local_addr()?);
    println!("one URL for both: {url}");
    let server = tokio::spawn(axum::serve(listener, app).into_future());

    for app in &APPS {
        let platform = app.platform().webhook(&url).start().await?;
        push(&platform).await?;
    }
    let [rooms, kitchen] = &APPS;
    println!("an event for {}, signed by {}:", kitchen.id, rooms.id);
    let foreign = Document::sample::<ReserveConfigUpdatedV1>().header("app_id", kitchen.id);
    let platform = rooms.platform().webhook(&url).start().await?;
    let answer = platform.post(rooms.platform().request(foreign)).await;
    println!("  answer: {answer}");
    if answer.status() != Some(StatusCode::UNAUTHORIZED) {
        return Err("expected the foreign event to be rejected".into());
    }
    server.abort();
    events.drain(Duration::from_secs(1)).await?;
    Ok(())
}

async fn by_long_connection(dispatcher: Dispatcher) -> Result<(), BoxError> {
    println!("a long connection each:");
    let mut platforms = Vec::new();
    let mut connections = Vec::new();
    for app in &APPS {
        let platform = app.platform().start().await?;
        let connection = LongConnection::builder(app.id, app.secret)
            .domain(Domain::custom(platform.base_url()))
            .no_proxy();
        connections.push(connection.build()?);
        platforms.push(platform);
    }
    let (shut_down, asked) = oneshot::channel::<()>();
    let connections = LongConnections::of(connections)?;
    let running = connections.run(dispatcher).with_graceful_shutdown(async {
        let _ = asked.await;
    });
    let running = tokio::spawn(running.into_future());
    for platform in &platforms {
        platform.until(|stats| stats.connections == 1).await;
        push(platform).await?;
    }
    drop(shut_down);
    running.await??;
    Ok(())
}

/// Pushes the documented sample of the event, once.
async fn push(platform: &Platform) -> Result<(), BoxError> {
    let mut push = platform.push(Document::sample::<ReserveConfigUpdatedV1>());
    let attempt = push.next_attempt().await.ok_or("no attempt")?;
    println!("  {}: {}", platform.app_id(), attempt.answer);
    if !attempt.accepted() {
        return Err("expected the event to be accepted".into());
    }
    Ok(())
}
