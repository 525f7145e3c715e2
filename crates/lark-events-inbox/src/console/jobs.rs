//! Actions that run, and those that ended last. Of two that were started from the same state of the page, one
//! wins.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Action;
use crate::admin::{Count, Filter};

/// The actions that a page can still show, and with which a form is compared.
const MAX_KEPT: usize = 200;
/// The actions that run at once. More would not be faster: a store writes one batch after the other.
const MAX_RUNNING: usize = 4;

/// The actions of a console.
pub(super) struct Jobs {
    /// Tells the revisions of this process from those of another.
    run: u64,
    started: u64,
    /// The highest revision of an action that is not kept.
    forgotten: u64,
    kept: VecDeque<Arc<Job>>,
    tasks: JoinSet<()>,
    /// Whether actions are to end. Each running one has a receiver.
    stopping: watch::Sender<bool>,
}

/// The events of an action.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    pub(super) filter: Filter,
    /// Among them those with these numbers; all if there are none.
    pub(super) seqs: Vec<u64>,
}

/// One action.
pub(super) struct Job {
    pub(super) id: u64,
    revision: u64,
    pub(super) ask: Ask,
    done: AtomicU64,
    ended: Mutex<Option<Ended>>,
}

/// What a request asks for.
pub(super) struct Ask {
    pub(super) action: Action,
    pub(super) scope: Scope,
    /// The events in words.
    pub(super) what: String,
    /// The events that were counted before.
    pub(super) total: Option<Count>,
    /// The page to return to.
    pub(super) back: String,
    pub(super) who: Option<String>,
    /// The state of the page that had the form.
    pub(super) revision: String,
}

/// How an action ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    Complete,
    /// Whether the last batch was done is unknown.
    Failed(String),
    /// What was done is known.
    Stopped(String),
}

/// Why an action was not started.
pub(super) enum Lost {
    /// This one was started since the page was loaded; one that is not kept if there is none.
    Changed(Option<Arc<Job>>),
    /// Too many run.
    Busy,
    /// The process is about to end.
    Stopping,
}

impl Jobs {
    pub(super) fn new() -> Self {
        Self {
            run: fastrand::u64(..),
            started: 0,
            forgotten: 0,
            kept: VecDeque::new(),
            tasks: JoinSet::new(),
            stopping: watch::Sender::new(false),
        }
    }

    /// The state that a form was shown in.
    pub(super) fn revision(&self) -> String {
        format!("{:x}-{}", self.run, self.started)
    }

    pub(super) fn find(&self, id: u64) -> Option<Arc<Job>> {
        self.kept.iter().find(|job| job.id == id).cloned()
    }

    /// Registers an action, if none since the page was loaded is about the same events.
    pub(super) fn begin(&mut self, ask: Ask) -> Result<(Arc<Job>, watch::Receiver<bool>), Lost> {
        if *self.stopping.borrow() {
            return Err(Lost::Stopping);
        }
        // Forms of another process are compared by the store alone: it changes each event once.
        if let Some(seen) = self.seen(&ask.revision) {
            let mut since = self.kept.iter().rev().filter(|job| job.revision > seen);
            let other = since.find(|job| job.may_have_changed(&ask.scope));
            if other.is_some() || seen < self.forgotten {
                return Err(Lost::Changed(other.cloned()));
            }
        }
        let running = self.kept.iter().filter(|job| job.ended().is_none());
        if running.count() >= MAX_RUNNING {
            return Err(Lost::Busy);
        }
        self.started = self.started.saturating_add(1);
        let job = Arc::new(Job {
            id: fastrand::u64(..),
            revision: self.started,
            ask,
            done: AtomicU64::new(0),
            ended: Mutex::new(None),
        });
        self.kept.push_back(Arc::clone(&job));
        if self.kept.len() > MAX_KEPT {
            self.forget();
        }
        Ok((job, self.stopping.subscribe()))
    }

    /// Ends the actions that run, and begins no others. The sender is closed once they have ended.
    pub(super) fn stop(&self) -> watch::Sender<bool> {
        self.stopping.send_replace(true);
        self.stopping.clone()
    }

    /// Forgets the oldest action that does not run.
    fn forget(&mut self) {
        let ended = self.kept.iter().position(|job| job.ended().is_some());
        if let Some(job) = ended.and_then(|ended| self.kept.remove(ended)) {
            self.forgotten = self.forgotten.max(job.revision);
        }
    }

    /// The revision of a form of this process.
    fn seen(&self, revision: &str) -> Option<u64> {
        let (run, revision) = revision.split_once('-')?;
        let is_own = u64::from_str_radix(run, 16) == Ok(self.run);
        is_own.then(|| revision.parse().ok())?
    }

    /// Runs an action on, also after the request.
    pub(super) fn spawn(&mut self, running: impl Future<Output = ()> + Send + 'static) {
        while self.tasks.try_join_next().is_some() {}
        self.tasks.spawn(running);
    }
}

impl Scope {
    fn overlaps(&self, other: &Self) -> bool {
        match (&self.seqs[..], &other.seqs[..]) {
            ([], _) | (_, []) => !self.is_apart_from(other),
            (these, others) => these.iter().any(|seq| others.contains(seq)),
        }
    }

    /// No event is in both: the filters differ in a property that events keep.
    fn is_apart_from(&self, other: &Self) -> bool {
        let properties = |scope: &Self| {
            let filter = scope.filter.clone();
            [filter.event_type, filter.lane, filter.event_id]
        };
        let mut pairs = properties(self).into_iter().zip(properties(other));
        pairs.any(|(one, other)| one.is_some() && other.is_some() && one != other)
    }
}

impl Job {
    pub(super) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, events: u64) {
        self.done.fetch_add(events, Ordering::Relaxed);
    }

    pub(super) fn ended(&self) -> Option<Ended> {
        self.lock().clone()
    }

    /// Ends it, if it has not ended.
    pub(super) fn end(&self, ended: Ended) {
        self.lock().get_or_insert(ended);
    }

    fn may_have_changed(&self, scope: &Scope) -> bool {
        let changed_nothing = self.done() == 0
            && match self.ended() {
                Some(Ended::Complete | Ended::Stopped(_)) => true,
                // An event that was appended twice would be handled twice.
                Some(Ended::Failed(_)) => self.ask.action != Action::Edit,
                None => false,
            };
        !changed_nothing && self.ask.scope.overlaps(scope)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Ended>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
