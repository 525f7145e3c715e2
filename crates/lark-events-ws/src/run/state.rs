//! Entering states: notifies monitors, the app's listener and metrics.

use std::fmt;
use std::sync::Arc;

use super::Runner;
use crate::monitor::State;

/// The app's listener.
#[derive(Clone)]
pub(crate) struct Listener(pub(crate) Arc<dyn Fn(&State) + Send + Sync>);

impl Listener {
    fn hear(&self, state: &State) {
        (self.0)(state);
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

/// Reports the end of a connection, even when its future is dropped.
pub(super) struct Ending<'a>(pub(super) &'a Runner);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let Self(runner) = self;
        let final_state = matches!(*runner.state.borrow(), State::Closed | State::Failed(_));
        if !final_state {
            if std::thread::panicking() {
                // The panic may be the listener's, and a second one would abort the process.
                runner.set(State::Closed);
            } else {
                runner.enter(State::Closed);
            }
        }
    }
}

impl Runner {
    fn set(&self, state: State) {
        #[cfg(feature = "metrics")]
        crate::metrics::state(self.app_id(), &self.state.borrow(), &state);
        self.state.send_replace(state);
    }

    pub(super) fn enter(&self, state: State) {
        self.set(state.clone());
        if let Some(listener) = &self.listener {
            listener.hear(&state);
        }
    }
}
