//! The handler with tokio-postgres.

use lark_events::{BoxError, Event, RawJson};
use lark_events_inbox_postgres::Completion;
use tokio_postgres::Client;

use crate::Crash;

/// Inserts a row and finishes the event, in one transaction.
///
/// # Errors
///
/// When the server rejects a statement, or the claim was lost. The transaction is rolled back then.
pub async fn handle(
    client: &mut Client,
    event: &Event<RawJson>,
    crash: Crash,
) -> Result<(), BoxError> {
    let completion = event.extensions.get::<Completion>();
    let completion = completion.ok_or("expected an event of an inbox on PostgreSQL")?;
    let id = event.header.event_id.as_deref().unwrap_or_default();

    // It is rolled back when it is dropped.
    let transaction = client.transaction().await?;
    let insert = "INSERT INTO reply (event_id, body) VALUES ($1, 'hello')";
    transaction.execute(insert, &[&id]).await?;
    transaction
        .execute(completion.sql(), &[&completion.seq(), &completion.fence()])
        .await?;
    crash.at(Crash::BeforeCommit).await;
    transaction.commit().await?;

    crash.at(Crash::AfterCommit).await;
    Ok(())
}
