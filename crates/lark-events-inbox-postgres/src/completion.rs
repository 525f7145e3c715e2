//! Finishing an event in the handler's own transaction.

use std::fmt;
use std::sync::Arc;

use lark_events_inbox::Fence;

use crate::rows::bits;

/// Finishes an event in a transaction of its handler, so that the writes of the handler and the completion of the
/// event are one commit. After a crash, either both are stored, or neither is and the event is handled again.
///
/// It is among the extensions of an event that a [`PostgresStore`](crate::PostgresStore) has claimed. With any
/// driver, execute [`sql`](Self::sql) with [`seq`](Self::seq) and [`fence`](Self::fence) as the last statement
/// before the commit: from then on, the transaction holds the lock of the event's lane, and a receiver that appends
/// an event of this lane waits, with its whole batch. The transaction must have the isolation level *read
/// committed*, which is PostgreSQL's default, and use the database of the inbox.
///
/// The statement fails with the SQLSTATE [`LOST`](Self::LOST) if the claim was lost, for example because the
/// handler took longer than its lease while the worker could not reach the server. Roll back then: another worker
/// handles the event.
///
/// With tokio-postgres:
///
/// ```
/// use lark_events::{BoxError, Event, RawJson};
/// use lark_events_inbox_postgres::Completion;
///
/// async fn handle(client: &mut tokio_postgres::Client, event: Event<RawJson>) -> Result<(), BoxError> {
///     let completion = event.extensions.get::<Completion>().ok_or("no inbox on PostgreSQL")?;
///     let transaction = client.transaction().await?;
///     let insert = "INSERT INTO handled (event_id) VALUES ($1)";
///     transaction.execute(insert, &[&event.header.event_id]).await?;
///     transaction.execute(completion.sql(), &[&completion.seq(), &completion.fence()]).await?;
///     transaction.commit().await?;
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Completion {
    sql: Arc<str>,
    fence: Fence,
}

impl Completion {
    /// The SQLSTATE of a completion whose claim was lost.
    pub const LOST: &'static str = "LK001";

    pub(crate) fn new(sql: Arc<str>, fence: Fence) -> Self {
        Self { sql, fence }
    }

    /// The statement of a schema.
    pub(crate) fn statement(schema: &str) -> Arc<str> {
        format!("SELECT {schema}.complete($1, $2)").into()
    }

    /// The statement, with two parameters of the type `bigint`.
    #[must_use]
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// The first parameter: the number of the event.
    #[must_use]
    pub fn seq(&self) -> i64 {
        bits(self.fence.seq())
    }

    /// The second parameter: the claim.
    #[must_use]
    pub fn fence(&self) -> i64 {
        bits(self.fence.nonce())
    }
}

impl fmt::Debug for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completion")
            .field("seq", &self.fence.seq())
            .finish_non_exhaustive()
    }
}
