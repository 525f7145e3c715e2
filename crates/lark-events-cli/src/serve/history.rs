//! What the platform has delivered, and its state: shared by the driver, which writes it, and by the terminal
//! and the console, which show it.
//!
//! Readers follow changes by revision. Each change of a delivery, of a call or of the status gets the next
//! revision, so that a reader that resumes after a revision gets every later change, and each item once.

mod delivery;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use lark_events_sim::{ApiCall, Attempt, WebhookUrl};
use tokio::sync::watch;

pub(crate) use self::delivery::{Delivery, Progress};

/// The most ended deliveries kept.
pub(crate) const MAX_ENDED: usize = 1000;
/// The most deliveries that have not ended: each has a task, until the last redelivery of an app that is gone.
pub(crate) const MAX_RUNNING: usize = 5000;
/// The bytes of deliveries that have not ended from which no further one begins.
pub(crate) const MAX_RUNNING_BYTES: usize = 256 * 1024 * 1024;
/// The most bytes of ended deliveries kept: documents, requests and answers.
pub(crate) const MAX_ENDED_BYTES: usize = 64 * 1024 * 1024;
/// The most calls of the API kept.
pub(crate) const MAX_CALLS: usize = 1000;

/// The deliveries, calls and state of one run of the platform.
pub(crate) struct History {
    /// Distinguishes this run from earlier ones, whose revisions mean nothing here.
    run: u64,
    state: Mutex<State>,
    revision: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    /// The revision of the last change.
    revision: u64,
    deliveries: BTreeMap<usize, Delivery>,
    /// The number of each delivery, by the revision of its last change.
    changed: BTreeMap<u64, usize>,
    /// The ended ones with their bytes, oldest end first.
    ended: VecDeque<(usize, usize)>,
    ended_bytes: usize,
    /// The bytes with which those began that have not ended.
    running_bytes: usize,
    /// How many ended deliveries are no longer kept.
    forgotten: usize,
    calls: VecDeque<Call>,
    webhook: Webhook,
}

/// A call of the API by the app.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) call: ApiCall,
    pub(crate) at: SystemTime,
    /// The delivery whose event it answers, as far as its path or body names that event.
    pub(crate) delivery: Option<usize>,
    pub(crate) revision: u64,
}

/// The state of the app's webhook.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Webhook {
    /// No URL was given.
    #[default]
    Unset,
    /// The URL check has not been answered yet.
    Connecting(WebhookUrl),
    /// The URL check failed for this reason, and is repeated.
    Refused(WebhookUrl, String),
    /// It has passed the URL check, and answered the last attempt in some way.
    Set(WebhookUrl),
    /// It has passed the URL check; the last attempt got no answer, for this reason.
    Lost(WebhookUrl, String),
}

/// What is kept at one moment.
pub(crate) struct Kept<'a> {
    pub(crate) deliveries: &'a BTreeMap<usize, Delivery>,
    /// The last revision.
    pub(crate) revision: u64,
    /// How many ended deliveries are no longer kept.
    pub(crate) forgotten: usize,
}

/// All changes after a revision.
pub(crate) struct Changes {
    /// In the order of their last change.
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) calls: Vec<Call>,
    /// The last revision.
    pub(crate) revision: u64,
}

impl History {
    pub(crate) fn new() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        let run = since_epoch.map_or(0, |time| u64::try_from(time.as_micros()).unwrap_or(0));
        Self {
            run,
            state: Mutex::default(),
            revision: watch::Sender::new(0),
        }
    }

    /// Distinguishes this run of the platform from earlier ones.
    pub(crate) fn run(&self) -> u64 {
        self.run
    }

    /// The last revision, and notice of later ones.
    pub(crate) fn revisions(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// The changes after a revision; after 0, everything kept.
    pub(crate) fn since(&self, revision: u64) -> Changes {
        let state = self.state();
        let changed = state.changed.range(revision.saturating_add(1)..);
        let deliveries = changed.filter_map(|(_, number)| state.deliveries.get(number));
        let calls = state.calls.iter().filter(|call| call.revision > revision);
        Changes {
            deliveries: deliveries.cloned().collect(),
            calls: calls.cloned().collect(),
            revision: state.revision,
        }
    }

    pub(crate) fn delivery(&self, number: usize) -> Option<Delivery> {
        self.state().deliveries.get(&number).cloned()
    }

    /// The revision of the last change of a delivery or of a call that belongs to it; `None` if the delivery is
    /// not kept.
    pub(crate) fn revision_of(&self, number: usize) -> Option<u64> {
        let state = self.state();
        let delivery = state.deliveries.get(&number)?.revision;
        let calls = state.calls.iter();
        let calls = calls.filter(|call| call.delivery == Some(number));
        calls.map(|call| call.revision).chain([delivery]).max()
    }

    /// Reads what is kept at one moment. The driver waits for the reader.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Kept<'_>) -> T) -> T {
        let state = self.state();
        read(&Kept {
            deliveries: &state.deliveries,
            revision: state.revision,
            forgotten: state.forgotten,
        })
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.state().calls.iter().cloned().collect()
    }

    pub(crate) fn webhook(&self) -> Webhook {
        self.state().webhook.clone()
    }

    /// How many ended deliveries are no longer kept.
    pub(crate) fn forgotten(&self) -> usize {
        self.state().forgotten
    }

    /// How many deliveries have not ended.
    pub(super) fn running(&self) -> usize {
        let state = self.state();
        state.deliveries.len() - state.ended.len()
    }

    /// Whether so many deliveries have not ended that no further one begins.
    pub(super) fn is_full(&self) -> bool {
        let state = self.state();
        let running = state.deliveries.len() - state.ended.len();
        running >= MAX_RUNNING || state.running_bytes >= MAX_RUNNING_BYTES
    }

    /// The numbers of the oldest and of the latest delivery that is kept.
    pub(crate) fn kept(&self) -> Option<(usize, usize)> {
        let state = self.state();
        let (first, _) = state.deliveries.first_key_value()?;
        let (last, _) = state.deliveries.last_key_value()?;
        Some((*first, *last))
    }

    /// Adds a delivery that has begun.
    pub(super) fn pushed(&self, delivery: Delivery) {
        self.change(|state| {
            let number = delivery.number;
            state.running_bytes += delivery.first_bytes();
            state.deliveries.insert(number, delivery);
            state.deliveries.get_mut(&number)
        });
    }

    /// Adds an attempt that has ended, and returns the delivery; `None` if it is not kept.
    pub(super) fn attempted(&self, number: usize, attempt: Attempt) -> Option<Delivery> {
        self.change(|state| {
            let delivery = state.deliveries.get_mut(&number)?;
            delivery.acknowledged |= attempt.accepted();
            delivery.attempts.push(attempt);
            Some(delivery)
        })
    }

    /// Ends a delivery and returns it; `None` if it is not kept or has ended before. Ended deliveries beyond the
    /// bounds are forgotten.
    pub(super) fn ended(&self, number: usize) -> Option<Delivery> {
        self.change_and(
            |state| {
                let delivery = state.deliveries.get_mut(&number)?;
                if delivery.ended {
                    return None;
                }
                delivery.ended = true;
                let bytes = delivery.bytes();
                state.running_bytes -= delivery.first_bytes();
                state.ended.push_back((number, bytes));
                state.ended_bytes += bytes;
                Some(delivery)
            },
            State::shorten,
        )
    }

    /// Adds a call of the API.
    pub(super) fn called(&self, call: ApiCall, delivery: Option<usize>) {
        // The call has the time of tokio's clock.
        let at = SystemTime::now().checked_sub(call.at.elapsed());
        self.touch_with(|state, revision| {
            if state.calls.len() >= MAX_CALLS {
                state.calls.pop_front();
            }
            state.calls.push_back(Call {
                call,
                at: at.unwrap_or(UNIX_EPOCH),
                delivery,
                revision,
            });
        });
    }

    /// Changes the state of the webhook.
    pub(super) fn set_webhook(&self, webhook: Webhook) {
        self.touch_with(|state, _| state.webhook = webhook);
    }

    /// Gives the status a new revision: faults, connections or counts of the platform have changed.
    pub(super) fn touch(&self) {
        self.touch_with(|_, _| ());
    }

    /// Changes a delivery.
    fn change(&self, change: impl FnOnce(&mut State) -> Option<&mut Delivery>) -> Option<Delivery> {
        self.change_and(change, |_| ())
    }

    /// Changes a delivery, and the rest before a reader sees it.
    fn change_and(
        &self,
        change: impl FnOnce(&mut State) -> Option<&mut Delivery>,
        and: impl FnOnce(&mut State),
    ) -> Option<Delivery> {
        let mut state = self.state();
        let next = state.revision + 1;
        let delivery = change(&mut state)?;
        let before = std::mem::replace(&mut delivery.revision, next);
        let changed = delivery.clone();
        state.changed.remove(&before);
        state.changed.insert(next, changed.number);
        state.revision = next;
        and(&mut state);
        drop(state);
        self.publish(next);
        Some(changed)
    }

    /// Changes something else.
    fn touch_with(&self, change: impl FnOnce(&mut State, u64)) {
        let mut state = self.state();
        state.revision += 1;
        let revision = state.revision;
        change(&mut state, revision);
        drop(state);
        self.publish(revision);
    }

    /// Wakes the readers. A change that was published late does not undo a later one.
    fn publish(&self, revision: u64) {
        self.revision.send_if_modified(|last| {
            let is_later = revision > *last;
            *last = revision.max(*last);
            is_later
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Holders leave no partial change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Forgets the ended deliveries beyond the bounds, oldest end first.
    fn shorten(&mut self) {
        while self.ended.len() > MAX_ENDED || self.ended_bytes > MAX_ENDED_BYTES {
            let Some((number, bytes)) = self.ended.pop_front() else {
                return;
            };
            self.ended_bytes -= bytes;
            self.forgotten += 1;
            if let Some(delivery) = self.deliveries.remove(&number) {
                self.changed.remove(&delivery.revision);
            }
        }
    }
}
