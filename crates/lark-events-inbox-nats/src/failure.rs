//! Failures of NATS, as those of a store.

use std::error::Error;
use std::io;

use async_nats::jetstream;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use lark_events_inbox::{StoreError, StoreErrorKind};
use rustls::InvalidMessage;

/// An error of the client, with its causes. They name subjects and streams, never bodies.
pub(crate) fn failed(error: &(dyn Error + 'static)) -> StoreError {
    StoreError::with_source(kind(error), text(error))
}

/// An error of a publish.
pub(crate) fn not_published(error: &PublishError) -> StoreError {
    let kind = match error.kind() {
        PublishErrorKind::TimedOut | PublishErrorKind::BrokenPipe => StoreErrorKind::TimedOut,
        _ => kind(error),
    };
    StoreError::with_source(kind, text(error))
}

fn kind(error: &(dyn Error + 'static)) -> StoreErrorKind {
    use jetstream::ErrorCode;

    // A stream that is full answers "store failed".
    let full = [
        ErrorCode::STREAM_STORE_FAILED,
        ErrorCode::INSUFFICIENT_RESOURCES,
        ErrorCode::ACCOUNT_RESOURCES_EXCEEDED,
        ErrorCode::STORAGE_RESOURCES_EXCEEDED,
    ];
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(answer) = error.downcast_ref::<jetstream::Error>() {
            let is_full = full.contains(&answer.error_code());
            return if is_full {
                StoreErrorKind::Full
            } else {
                StoreErrorKind::Unavailable
            };
        }
        next = error.source();
    }
    StoreErrorKind::Unavailable
}

/// An error with its causes.
pub(crate) fn text(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    if is_not_encrypted(error) {
        text.push_str(": the server does not use TLS");
    }
    text
}

/// Whether a server answered without encryption when TLS began.
fn is_not_encrypted(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        if let Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) =
            inner.and_then(|inner| inner.downcast_ref())
        {
            return true;
        }
        next = error.source();
    }
    false
}
