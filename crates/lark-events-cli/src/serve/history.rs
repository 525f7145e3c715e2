//! What the platform has delivered, and its state: shared by the driver, which writes it, and by the terminal
//! and the console, which show it.
//!
//! Readers follow changes by revision. Each change of a delivery, of a call or of the status gets the next
//! revision, so that a reader that resumes after a revision gets every later change, and each item once.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use lark_events_sim::{Answer, ApiCall, Attempt, Document, Mode, WebhookUrl};
use tokio::sync::watch;

/// The most ended deliveries kept.
pub(crate) const MAX_ENDED: usize = 1000;
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
    deliveries: BTreeMap<usize, Delivery>,
    /// The number of each delivery, by the revision of its last change.
    changed: BTreeMap<u64, usize>,
    /// The ended ones, oldest end first.
    ended: VecDeque<usize>,
    ended_bytes: usize,
    /// How many ended deliveries are no longer kept.
    forgotten: usize,
    calls: VecDeque<Call>,
    webhook: Webhook,
}

/// A pushed event or callback.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    /// Counts from 1.
    pub(crate) number: usize,
    pub(crate) event_type: String,
    pub(crate) event_id: String,
    pub(crate) mode: Mode,
    pub(crate) is_callback: bool,
    /// The delivery that this one repeats.
    pub(crate) replay_of: Option<usize>,
    /// Pushed again, it is a new event.
    pub(crate) template: Document,
    /// The plain document as it was pushed. It contains the Verification Token.
    pub(crate) document: Bytes,
    pub(crate) pushed_at: SystemTime,
    /// In the order in which they ended.
    pub(crate) attempts: Vec<Attempt>,
    /// Whether the app has acknowledged the event; rejecting a later copy does not undo that.
    pub(crate) acknowledged: bool,
    /// Whether no attempt follows.
    pub(crate) ended: bool,
    /// The revision of its last change.
    pub(crate) revision: u64,
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

/// The progress of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Not acknowledged yet; an attempt is under way or follows.
    Pending,
    Acknowledged,
    /// Not acknowledged, and no attempt follows.
    GivenUp,
}

/// All changes after a revision.
pub(crate) struct Changes {
    /// In the order of their last change.
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) calls: Vec<Call>,
    /// The last revision.
    pub(crate) revision: u64,
}

impl Delivery {
    pub(crate) fn progress(&self) -> Progress {
        match (self.acknowledged, self.ended) {
            (true, _) => Progress::Acknowledged,
            (false, true) => Progress::GivenUp,
            (false, false) => Progress::Pending,
        }
    }

    /// When the platform sends the event again.
    pub(crate) fn next_attempt(&self) -> Option<SystemTime> {
        if self.ended || self.acknowledged {
            return None;
        }
        let last = self.attempts.iter().rfind(|attempt| !attempt.copy)?;
        self.pushed_at.checked_add(last.next?)
    }

    /// The bytes that keeping it takes: redeliveries share the body of the first attempt.
    fn bytes(&self) -> usize {
        let answers = self.attempts.iter().map(|attempt| match &attempt.answer {
            Answer::Response { body, .. } => body.len(),
            Answer::Ack { reply, .. } => reply.as_ref().map_or(0, Bytes::len),
            _ => 0,
        });
        // The document is kept plain, as a template, and encrypted in base64.
        self.document.len() * 4 + answers.sum::<usize>()
    }
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
        let changed = state.changed.range(revision + 1..);
        let deliveries = changed.filter_map(|(_, number)| state.deliveries.get(number));
        let calls = state.calls.iter().filter(|call| call.revision > revision);
        Changes {
            deliveries: deliveries.cloned().collect(),
            calls: calls.cloned().collect(),
            revision: *self.revision.borrow(),
        }
    }

    pub(crate) fn delivery(&self, number: usize) -> Option<Delivery> {
        self.state().deliveries.get(&number).cloned()
    }

    /// Reads the kept deliveries by number, and the last revision, at one moment. The driver waits for the
    /// reader.
    pub(crate) fn read<T>(
        &self,
        read: impl FnOnce(&BTreeMap<usize, Delivery>, u64) -> T,
    ) -> T {
        let state = self.state();
        read(&state.deliveries, state.revision)
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

    fn state(&self) -> MutexGuard<'_, State> {
        // Holders leave no partial change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
