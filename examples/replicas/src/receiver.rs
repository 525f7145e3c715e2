//! A receiver: acknowledges an event once it is in the database.

use std::io::{self, Write as _};

use lark_events::{BoxError, Dispatcher, Outcome, Webhook};
use lark_events_inbox::Inbox;
use lark_events_tower::EventService;
use tokio::net::TcpListener;
use tower::ServiceBuilder;

use crate::{ENCRYPT_KEY, VERIFICATION_TOKEN};

pub(crate) const PATH: &str = "/webhook/event";

/// Runs until the process is killed. Prints its address, and a line for each acknowledged event.
pub(crate) async fn run() -> Result<(), BoxError> {
    let store = crate::store_of_child().await?;
    // It has no callbacks.
    let callbacks = Dispatcher::builder().build()?;
    let receiver = Inbox::builder(store).lane_by_chat().receiver(callbacks)?;
    let receiver = ServiceBuilder::new()
        .map_response(|outcome: Outcome| {
            // The parent has gone if this fails, and this process ends next.
            let _ = writeln!(io::stdout().lock(), "received");
            outcome
        })
        .service(receiver);

    let webhook = Webhook::builder()
        .encrypt_key(ENCRYPT_KEY)
        .verification_token(VERIFICATION_TOKEN)
        .build()?;
    let app = axum::Router::new().route_service(PATH, EventService::new(webhook, receiver));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(io::stdout().lock(), "{}", listener.local_addr()?)?;
    axum::serve(listener, app).await?;
    Ok(())
}
