//! What a server reports about a connection, besides its answers: a request without a permission has no answer.

use std::future::{Ready, ready};
use std::sync::{Arc, Mutex, PoisonError};

use async_nats::{Event, ServerError};
use lark_events_inbox::{StoreError, StoreErrorKind};

/// The last error that a server has reported.
#[derive(Clone, Default)]
pub(crate) struct Reports(Arc<Mutex<Option<String>>>);

impl Reports {
    /// Notes what a connection reports.
    pub(crate) fn callback(&self) -> impl Fn(Event) -> Ready<()> + Send + Sync + 'static {
        let reports = self.clone();
        move |event| {
            // It names a subject, never a body.
            if let Event::ServerError(ServerError::Other(text)) = event {
                tracing::warn!(error = %text, "the NATS server reports an error");
                reports.note(text);
            }
            ready(())
        }
    }

    fn note(&self, text: String) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(text);
    }

    /// Adds the reported cause to an error that has none.
    pub(crate) fn explain(&self, error: StoreError) -> StoreError {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*last, error.kind()) {
            (Some(text), StoreErrorKind::TimedOut | StoreErrorKind::Unavailable) => {
                let own = std::error::Error::source(&error);
                let own = own.map_or_else(|| error.to_string(), ToString::to_string);
                StoreError::with_source(error.kind(), format!("{own}: {text}"))
            }
            _ => error,
        }
    }
}
