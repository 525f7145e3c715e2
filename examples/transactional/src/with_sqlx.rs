//! The handler with sqlx.

use lark_events::{BoxError, Event, RawJson};
use lark_events_inbox_postgres::Completion;
use sqlx::{AssertSqlSafe, PgPool};

use crate::Crash;

/// Inserts a row and finishes the event, in one transaction.
///
/// # Errors
///
/// When the server rejects a statement, or the claim was lost. The transaction is rolled back then.
pub async fn handle(pool: &PgPool, event: &Event<RawJson>, crash: Crash) -> Result<(), BoxError> {
    let completion = event.extensions.get::<Completion>();
    let completion = completion.ok_or("expected an event of an inbox on PostgreSQL")?;
    let id = event.header.event_id.as_deref().unwrap_or_default();

    // It is rolled back when it is dropped.
    let mut transaction = pool.begin().await?;
    sqlx::query("INSERT INTO reply (event_id, body) VALUES ($1, 'hello')")
        .bind(id)
        .execute(&mut *transaction)
        .await?;
    // Its only variable part is the name of the schema, which the store has checked.
    sqlx::query(AssertSqlSafe(completion.sql()))
        .bind(completion.seq())
        .bind(completion.fence())
        .execute(&mut *transaction)
        .await?;
    crash.at(Crash::BeforeCommit).await;
    transaction.commit().await?;

    crash.at(Crash::AfterCommit).await;
    Ok(())
}
