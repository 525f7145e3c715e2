//! Actions that run, and those that ended last. Of two that were started from the same state of the page, one
//! wins.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::info;

use super::count::Count;
use super::{Action, Audit, Audited};
use crate::admin::{Admin, Filter, Page, State};
use crate::store::StoreError;

/// The events of one call of the store: each holds up its other callers for a short time only.
const BATCH: usize = 200;
/// The pause between two batches, in which workers get their turn.
const PAUSE: Duration = Duration::from_millis(20);
/// The actions that a page can still show, and with which a form is compared.
const MAX_KEPT: usize = 200;
/// The actions that run at once. More would not be faster: a store writes one batch after the other.
const MAX_RUNNING: usize = 4;

/// The actions of a console.
pub(super) struct Jobs {
    /// Tells the revisions of this process from those of another.
    run: u64,
    started: u64,
    kept: VecDeque<Arc<Job>>,
    tasks: JoinSet<()>,
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
    pub(super) action: Action,
    pub(super) scope: Scope,
    /// The events that were counted before.
    pub(super) total: Option<Count>,
    /// The page to return to.
    pub(super) back: String,
    who: Option<String>,
    done: AtomicU64,
    ended: Mutex<Option<Ended>>,
}

/// How an action ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    Complete,
    Failed(String),
}

/// Why an action was not started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// Another one was started since the page was loaded.
    Changed,
    /// Too many run.
    Busy,
}

/// What a request asks for.
pub(super) struct Ask {
    pub(super) action: Action,
    pub(super) scope: Scope,
    pub(super) total: Option<Count>,
    pub(super) back: String,
    pub(super) who: Option<String>,
    /// The state of the page that had the form.
    pub(super) revision: String,
}

impl Jobs {
    pub(super) fn new() -> Self {
        Self {
            run: fastrand::u64(..),
            started: 0,
            kept: VecDeque::new(),
            tasks: JoinSet::new(),
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
    pub(super) fn begin(&mut self, ask: Ask) -> Result<Arc<Job>, Lost> {
        // Forms of another process are compared by the store alone: it changes each event once.
        if let Some(seen) = self.seen(&ask.revision) {
            let forgotten = self.started.saturating_sub(self.kept.len() as u64);
            let mut since = self.kept.iter().filter(|job| job.revision > seen);
            if seen < forgotten || since.any(|job| job.scope.overlaps(&ask.scope)) {
                return Err(Lost::Changed);
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
            action: ask.action,
            scope: ask.scope,
            total: ask.total,
            back: ask.back,
            who: ask.who,
            done: AtomicU64::new(0),
            ended: Mutex::new(None),
        });
        self.kept.push_back(Arc::clone(&job));
        if self.kept.len() > MAX_KEPT {
            self.kept.pop_front();
        }
        Ok(job)
    }

    /// The revision of a form of this process.
    fn seen(&self, revision: &str) -> Option<u64> {
        let (run, revision) = revision.split_once('-')?;
        let is_own = u64::from_str_radix(run, 16) == Ok(self.run);
        is_own.then(|| revision.parse().ok())?
    }

    /// Runs an action on, also after the request.
    pub(super) fn spawn(&mut self, running: Running) {
        while self.tasks.try_join_next().is_some() {}
        self.tasks.spawn(running.run());
    }
}

impl Scope {
    fn overlaps(&self, other: &Self) -> bool {
        match (&self.seqs[..], &other.seqs[..]) {
            ([], _) | (_, []) => true,
            (these, others) => these.iter().any(|seq| others.contains(seq)),
        }
    }
}

impl Job {
    pub(super) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    pub(super) fn ended(&self) -> Option<Ended> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Ended>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, events: u64) {
        self.done.fetch_add(events, Ordering::Relaxed);
    }
}

/// An action while it runs. Its end is audited, also when it is dropped.
pub(super) struct Running {
    pub(super) job: Arc<Job>,
    store: Arc<dyn Admin>,
    audit: Audit,
}

impl Running {
    pub(super) fn new(job: Arc<Job>, store: Arc<dyn Admin>, audit: Audit) -> Self {
        Self { job, store, audit }
    }

    pub(super) async fn run(self) {
        let ended = match self.batches().await {
            Ok(()) => Ended::Complete,
            Err(error) => Ended::Failed(chain(&error)),
        };
        self.end(ended);
    }

    /// Ends an action that has changed one event.
    pub(super) fn end_with_one(self) {
        self.job.add(1);
        self.end(Ended::Complete);
    }

    pub(super) fn end(&self, ended: Ended) {
        let mut place = self.job.lock();
        if place.is_none() {
            *place = Some(ended);
        }
    }

    async fn batches(&self) -> Result<(), StoreError> {
        let Scope { filter, seqs } = &self.job.scope;
        for (at, seq) in seqs.iter().enumerate() {
            if at > 0 && at.is_multiple_of(BATCH) {
                sleep(PAUSE).await;
            }
            let mut one = filter.clone();
            one.seq = Some(*seq);
            self.batch(&one).await?;
        }
        if !seqs.is_empty() {
            return Ok(());
        }
        // Stores keep states in different places, each in the order of its numbers.
        for state in &filter.states {
            let mut filter = filter.clone();
            filter.states = vec![*state];
            self.all(&filter).await?;
        }
        Ok(())
    }

    async fn all(&self, filter: &Filter) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = Page {
                after,
                limit: BATCH,
            };
            let listed = self.store.list(filter, page).await?;
            let (Some(first), Some(last)) = (listed.first(), listed.last()) else {
                return Ok(());
            };
            let mut batch = filter.clone();
            batch.from_seq = Some(first.seq);
            batch.to_seq = Some(last.seq);
            self.batch(&batch).await?;
            after = Some(last.seq);
            if listed.len() < BATCH {
                return Ok(());
            }
            sleep(PAUSE).await;
        }
    }

    async fn batch(&self, filter: &Filter) -> Result<(), StoreError> {
        let events = self.job.action.run(&*self.store, filter).await?;
        self.job.add(events);
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end(Ended::Failed("the process stopped".to_owned()));
        let job = &self.job;
        let error = match job.ended() {
            Some(Ended::Failed(error)) => Some(error),
            _ => None,
        };
        info!(
            action = job.action.as_str(),
            events = job.done(),
            is_complete = error.is_none(),
            "an action of an operator ended"
        );
        (self.audit)(&Audited {
            who: job.who.clone(),
            action: job.action,
            filter: job.scope.filter.clone(),
            seqs: job.scope.seqs.clone(),
            events: job.done(),
            error,
        });
    }
}

/// The states in which an action takes events.
pub(super) fn states(action: Action) -> Vec<State> {
    let all = State::ALL.into_iter();
    all.filter(|state| Action::of(*state).contains(&action))
        .collect()
}

/// An error with its causes.
pub(super) fn chain(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
