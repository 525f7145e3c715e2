//! Turns by key: one at a time for each key, in order of arrival.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::error::{LayerError, LayerErrorKind};

/// The keys with a current or waiting turn.
#[derive(Debug, Default)]
pub(crate) struct Lanes(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The current turn, followed by the waiting ones. A lane is removed with its last turn.
    lanes: HashMap<Arc<str>, VecDeque<Arc<Notify>>>,
    /// The number of waiting turns in all lanes.
    waiting: usize,
}

/// The limits on waiting turns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MaxWaiting {
    pub(crate) per_key: usize,
    pub(crate) all: usize,
}

impl MaxWaiting {
    /// A limit for all keys together, without a limit per key.
    pub(crate) fn of_all(all: usize) -> Self {
        let per_key = usize::MAX;
        Self { per_key, all }
    }
}

/// A place in a lane. Dropping it passes the turn on, or removes the waiting place.
#[derive(Debug)]
pub(crate) struct Turn {
    lanes: Arc<Lanes>,
    key: Arc<str>,
    granted: Arc<Notify>,
    had_to_wait: bool,
}

impl Lanes {
    /// Takes the next place in the lane of `key`, unless it would have to wait and the limit is
    /// reached.
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

    /// The number of waiting turns.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().waiting
    }

    /// The number of keys with a current turn.
    pub(crate) fn keys(&self) -> usize {
        self.lock().lanes.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Waits for this place's turn, which lasts until the place is dropped. Called once.
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
            // Either this place was waiting, or the next one stops waiting. A second notification of
            // the same turn has no effect.
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
