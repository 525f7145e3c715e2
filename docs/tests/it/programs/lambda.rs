//! AWS Lambda: the last program of the guide's page about other servers.

use std::sync::Arc;

use lark_events::{BoxError, Dispatcher, LateHandler, Webhook};
use lark_events_inbox::{Inbox, Receiver, Store};
use lark_events_inbox_postgres::PostgresStore;
use lark_events_tower::EventService;

pub fn receiver(
    webhook: Webhook,
    store: Arc<dyn Store>,
    callbacks: Dispatcher,
) -> Result<EventService<Receiver<Dispatcher>>, BoxError> {
    let receiver = Inbox::builder(store).lane_by_chat().receiver(callbacks)?;
    let events = EventService::builder(webhook, receiver).late(LateHandler::Cancel);
    Ok(events.build()?)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let webhook = Webhook::builder()
        .encrypt_key(std::env::var("LARK_ENCRYPT_KEY")?)
        .verification_token(std::env::var("LARK_VERIFICATION_TOKEN")?)
        .build()?;
    let store = PostgresStore::builder(std::env::var("DATABASE_URL")?)
        .without_migration()
        .connect()
        .await?;
    let callbacks = Dispatcher::builder().build()?; // the handlers of callbacks, if there are any
    lambda_http::run(receiver(webhook, Arc::new(store), callbacks)?).await
}
