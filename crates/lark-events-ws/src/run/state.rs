//! Entering states: for monitors, for the app's listener and for metrics.

use std::fmt;
use std::sync::Arc;

use super::Runner;
use crate::monitor::State;

/// What is told of each state.
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

/// Says that a connection is run no more, also when its future is dropped.
pub(super) struct Ending<'a>(pub(super) &'a Runner);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let Self(runner) = self;
        let final_state = matches!(*runner.state.borrow(), State::Closed | State::Failed(_));
        if !final_state {
            if std::thread::panicking() {
                // Perhaps the listener's own panic, and another one would abort the process.
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
