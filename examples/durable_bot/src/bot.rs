//! The bot: events are acknowledged once they are in a file, and handled afterwards.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use lark_events::{BoxError, Dispatcher, Event, RawJson, Webhook};
use lark_events_inbox::{Inbox, SqliteStore};
use lark_events_tower::EventService;
use tokio::net::TcpListener;

use crate::{ENCRYPT_KEY, VERIFICATION_TOKEN};

pub(crate) const PATH: &str = "/webhook/event";

/// Runs until the process is killed.
pub(crate) async fn run(port: &str, file: &str) -> Result<(), BoxError> {
    let store = Arc::new(SqliteStore::open(file).await?);
    let dispatcher = Dispatcher::builder()
        .on_raw("im.message.receive_v1", answer)
        .build()?;
    let inbox = Inbox::builder(store)
        .lane_by_chat()
        // A minute by default: how long after a kill the events of the dead worker wait.
        .lease(Duration::from_secs(1))
        .build(dispatcher)?;

    let webhook = Webhook::builder()
        .encrypt_key(ENCRYPT_KEY)
        .verification_token(VERIFICATION_TOKEN)
        .build()?;
    let events = EventService::new(webhook, inbox.clone());
    let app = axum::Router::new().route_service(PATH, events);
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    let serve = async { axum::serve(listener, app).await.map_err(BoxError::from) };
    let work = async {
        inbox
            .run(std::future::pending())
            .await
            .map_err(BoxError::from)
    };
    tokio::try_join!(serve, work)?;
    Ok(())
}

/// A slow handler: one line on stdout for each message.
async fn answer(event: Event<RawJson>) -> io::Result<()> {
    tokio::time::sleep(Duration::from_millis(20)).await;
    let id = event.header.event_id.unwrap_or_default();
    writeln!(io::stdout().lock(), "{id}")
}
