//! The text of a reply, between the handler that writes it and the task that shows it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::MAX_STREAM_BYTES;
use crate::error::ApiError;

#[derive(Default)]
pub(super) struct Buffer {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    text: String,
    is_closed: bool,
    failed: Option<ApiError>,
}

impl Buffer {
    pub(super) fn push(&self, text: &str) -> Result<(), ApiError> {
        let mut state = self.state();
        if let Some(failed) = &state.failed {
            return Err(failed.clone());
        }
        if state.text.len().saturating_add(text.len()) > MAX_STREAM_BYTES {
            return Err(ApiError::invalid(format!(
                "expected a reply of at most {MAX_STREAM_BYTES} bytes, got a longer one"
            )));
        }
        state.text.push_str(text);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_one();
    }

    pub(super) fn fail(&self, error: ApiError) {
        self.state().failed = Some(error);
    }

    /// The text, and whether there will be no more.
    pub(super) fn now(&self) -> (String, bool) {
        let state = self.state();
        (state.text.clone(), state.is_closed)
    }

    /// Waits until there is text beyond `seen` bytes, or no more will come.
    pub(super) async fn beyond(&self, seen: usize) {
        loop {
            let changed = self.changed.notified();
            {
                let state = self.state();
                if state.text.len() > seen || state.is_closed {
                    return;
                }
            }
            changed.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
