//! Turns by key: of those with one key one at a time, in the order in which they came.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::error::{LayerError, LayerErrorKind};

/// The keys that somebody has a turn of or waits for.
#[derive(Debug, Default)]
pub(crate) struct Lanes(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Whose turn it is, and then who waits. A lane goes with its last.
    lanes: HashMap<Arc<str>, VecDeque<Arc<Notify>>>,
    /// How many wait, in all lanes.
    waiting: usize,
}

/// How many may wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MaxWaiting {
    pub(crate) per_key: usize,
    pub(crate) all: usize,
}

impl MaxWaiting {
    /// Of all keys together, with no bound of each.
    pub(crate) fn of_all(all: usize) -> Self {
        let per_key = usize::MAX;
        Self { per_key, all }
    }
}

/// A place in a lane. Dropping it gives the turn to the next, or leaves no hole where it waited.
#[derive(Debug)]
pub(crate) struct Turn {
    lanes: Arc<Lanes>,
    key: Arc<str>,
    granted: Arc<Notify>,
    had_to_wait: bool,
}

impl Lanes {
    /// Takes the next place in the lane of `key`, unless it is one to wait in and as many wait as may.
    #[expect(clippy::arithmetic_side_effects, reason = "less than `max_waiting` before")]
    pub(crate) fn enter(
        self: &Arc<Self>,
        key: impl Into<Arc<str>>,
        max_waiting: MaxWaiting,
    ) -> Result<Turn, LayerError> {
        let key = key.into();
        let mut state = self.lock();
        let State { lanes, waiting } = &mut *state;
        let lane = lanes.entry(Arc::clone(&key)).or_default();
        let granted = Arc::new(Notify::new());
        let had_to_wait = !lane.is_empty();
        if !had_to_wait {
            granted.notify_one();
        } else if *waiting < max_waiting.all && lane.len() <= max_waiting.per_key {
            *waiting += 1;
        } else {
            return Err(LayerError::new(LayerErrorKind::Overloaded));
        }
        lane.push_back(Arc::clone(&granted));
        Ok(Turn {
            lanes: Arc::clone(self),
            key,
            granted,
            had_to_wait,
        })
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().waiting
    }

    /// How many keys somebody has a turn of.
    pub(crate) fn keys(&self) -> usize {
        self.lock().lanes.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Waits until it is this one's turn, which it then is until it is dropped. Asked once.
    pub(crate) async fn granted(&self) {
        self.granted.notified().await;
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn had_to_wait(&self) -> bool {
        self.had_to_wait
    }
}

impl Drop for Turn {
    #[expect(clippy::arithmetic_side_effects, reason = "in a lane of several all but one wait")]
    fn drop(&mut self) {
        let mut state = self.lanes.lock();
        let State { lanes, waiting } = &mut *state;
        let Some(lane) = lanes.get_mut(&self.key) else {
            return;
        };
        let place = lane.iter().position(|one| Arc::ptr_eq(one, &self.granted));
        place.and_then(|place| lane.remove(place));
        match lane.front() {
            // Either this one waited, or the next does no longer. To be told again of a turn that
            // one has means nothing.
            Some(next) => {
                *waiting -= 1;
                next.notify_one();
            }
            None => {
                lanes.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests;
