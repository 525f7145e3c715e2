//! Atomic batches: one commit for many events, of servers from 2.12 on.
//!
//! They pay where the server flushes each commit to disk. A duplicate rejects its whole batch.

use async_nats::{HeaderMap, jetstream};
use lark_events_inbox::{Appended, StoreError, StoreErrorKind};
use serde::Deserialize;
use tokio::time::timeout;

use crate::append::Outgoing;
use crate::failure::failed;
use crate::link::{Link, TIMEOUT};

/// The events of a batch: the server takes 1,000.
const MAX_BATCH: usize = 256;
/// The errors of the server after which the events may be published one by one: a duplicate among them, and a
/// stream that does not take batches.
const SINGLES: [u64; 2] = [10_201, 10_174];

/// The answer to a message of a batch.
#[derive(Deserialize)]
struct Answer {
    error: Option<jetstream::Error>,
}

/// Publishes messages as one batch. `None` if they must be published one by one: nothing of the batch is stored.
pub(crate) async fn publish(
    link: &Link,
    messages: &[Outgoing],
) -> Result<Option<Vec<Appended>>, StoreError> {
    if messages.len() > MAX_BATCH {
        return Ok(None);
    }
    let id = format!("{:032x}", fastrand::u128(..));
    for (number, message) in (1_usize..).zip(messages) {
        let mut headers = message.headers.clone();
        headers.insert("Nats-Batch-Id", &*id);
        headers.insert("Nats-Batch-Sequence", &*number.to_string());
        let is_last = number == messages.len();
        if is_last {
            headers.insert("Nats-Batch-Commit", "1");
        }
        if number == 1 || is_last {
            if !is_accepted(link, message, headers).await? {
                return Ok(None);
            }
        } else {
            let (subject, body) = (message.subject.clone(), message.body.clone());
            let sent = link.client.publish_with_headers(subject, headers, body);
            sent.await.map_err(|error| failed(&error))?;
        }
    }
    Ok(Some(vec![Appended::New; messages.len()]))
}

/// Whether the server goes on with the batch, instead of asking for single events.
async fn is_accepted(
    link: &Link,
    message: &Outgoing,
    headers: HeaderMap,
) -> Result<bool, StoreError> {
    let (subject, body) = (message.subject.clone(), message.body.clone());
    let sent = link.client.request_with_headers(subject, headers, body);
    let answer = timeout(TIMEOUT, sent).await;
    let answer = answer.map_err(|_| StoreError::new(StoreErrorKind::TimedOut))?;
    let answer = answer.map_err(|error| failed(&error))?;
    if answer.payload.is_empty() {
        return Ok(true);
    }
    let answer: Answer = serde_json::from_slice(&answer.payload)
        .map_err(|error| StoreError::with_source(StoreErrorKind::Unavailable, error))?;
    match answer.error {
        None => Ok(true),
        Some(error) if SINGLES.contains(&error.error_code().0) => Ok(false),
        Some(error) => Err(failed(&error)),
    }
}
