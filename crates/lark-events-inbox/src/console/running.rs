//! Runs an action in batches, with pauses, and reports its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use tracing::{info, warn};

use super::answer::Failure;
use super::count::AT_MOST;
use super::jobs::{Ended, Job, Scope};
use super::redaction::Redaction;
use super::{Action, Audit, Audited, Shared};
use crate::admin::{Admin, Filter, Operation, Order, Page};
use crate::store::{Appended, Entry, Refused, StoreError};

/// The events of one call of the store: each holds up its other callers for a short time only.
const BATCH: usize = 200;
/// The pause between two batches, in which workers get their turn.
const PAUSE: Duration = Duration::from_millis(20);

const STOPPED: &str = "the process stopped";
const PANICKED: &str = "the action panicked";

/// An action while it runs. Its end is audited, also when it is dropped.
pub(super) struct Running {
    pub(super) job: Arc<Job>,
    store: Arc<dyn Admin>,
    audit: Audit,
    redaction: Redaction,
    stopping: watch::Receiver<bool>,
}

impl Running {
    pub(super) fn new((job, stopping): (Arc<Job>, watch::Receiver<bool>), shared: &Shared) -> Self {
        Self {
            job,
            store: Arc::clone(&shared.store),
            audit: Arc::clone(&shared.audit),
            redaction: shared.redaction.clone(),
            stopping,
        }
    }

    pub(super) async fn run(self) {
        let ended = self.batches().await;
        self.job.end(ended.err().unwrap_or(Ended::Complete));
    }

    /// Appends an event.
    pub(super) async fn append(self, entry: Entry) -> Result<(), Failure> {
        let (failure, ended): (Failure, fn(String) -> Ended) =
            match self.store.append(vec![entry]).await {
                Ok(appended) => match appended.first() {
                    Some(Appended::New) => {
                        self.job.add(1);
                        self.job.end(Ended::Complete);
                        return Ok(());
                    }
                    Some(Appended::Refused(refused)) => {
                        (Failure::busy(why(*refused)), Ended::Stopped)
                    }
                    _ => {
                        let text = "the store has this event already: load the page again";
                        (Failure::conflict(text), Ended::Stopped)
                    }
                },
                Err(error) => {
                    log(&error, &self.redaction);
                    let failure = Failure {
                        cause: None,
                        ..error.into()
                    };
                    (failure, Ended::Failed)
                }
            };
        self.job.end(ended(failure.text.clone()));
        Err(failure)
    }

    async fn batches(&self) -> Result<(), Ended> {
        let Scope { filter, seqs } = &self.job.ask.scope;
        if seqs.is_empty() {
            return self.all(filter).await;
        }
        let mut seqs = seqs.clone();
        if self.is_drop() {
            seqs.reverse();
        }
        for (at, seq) in seqs.into_iter().enumerate() {
            if at > 0 && at.is_multiple_of(BATCH) {
                sleep(PAUSE).await;
            }
            self.check()?;
            let mut one = filter.clone();
            one.seq = Some(seq);
            self.batch(&one, 1).await?;
        }
        Ok(())
    }

    async fn all(&self, filter: &Filter) -> Result<(), Ended> {
        let mut page = Page::first(BATCH);
        if self.is_drop() && self.store.supports(Operation::ListNewestFirst) {
            page.order = Order::NewestFirst;
        }
        loop {
            self.check()?;
            let looked = self.store.look_through(filter, page, AT_MOST).await;
            let looked = looked.map_err(|error| self.failed(&error))?;
            if let (Some(first), Some(last)) = (looked.listed.first(), looked.listed.last()) {
                let mut batch = filter.clone();
                batch.from_seq = Some(first.seq.min(last.seq));
                batch.to_seq = Some(first.seq.max(last.seq));
                self.batch(&batch, self.left()).await?;
            }
            if looked.next.is_none() || self.left() == 0 {
                return Ok(());
            }
            page.after = looked.next;
            sleep(PAUSE).await;
        }
    }

    /// A drop changes the state of the next event of the lane, so that the newest are dropped first: a later batch
    /// does not meet that event.
    fn is_drop(&self) -> bool {
        self.job.ask.action == Action::Drop
    }

    /// No more events are dropped than were counted.
    fn left(&self) -> usize {
        match self.job.ask.total {
            Some(total) if total.is_all && self.is_drop() => {
                let left = total.events.saturating_sub(self.job.done());
                usize::try_from(left).unwrap_or(usize::MAX)
            }
            _ => usize::MAX,
        }
    }

    fn check(&self) -> Result<(), Ended> {
        match *self.stopping.borrow() {
            true => Err(Ended::Stopped(STOPPED.to_owned())),
            false => Ok(()),
        }
    }

    async fn batch(&self, filter: &Filter, limit: usize) -> Result<(), Ended> {
        let events = self.job.ask.action.run(&*self.store, filter, limit).await;
        self.job.add(events.map_err(|error| self.failed(&error))?);
        Ok(())
    }

    fn failed(&self, error: &StoreError) -> Ended {
        log(error, &self.redaction);
        Ended::Failed(error.to_string())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let job = &self.job;
        let why = if std::thread::panicking() {
            PANICKED
        } else {
            STOPPED
        };
        job.end(Ended::Failed(why.to_owned()));
        let error = match job.ended() {
            Some(Ended::Failed(error) | Ended::Stopped(error)) => Some(error),
            _ => None,
        };
        info!(
            action = job.ask.action.as_str(),
            events = job.done(),
            is_complete = error.is_none(),
            "an action of an operator ended"
        );
        (self.audit)(&Audited {
            who: job.ask.who.clone(),
            action: job.ask.action,
            filter: job.ask.scope.filter.clone(),
            seqs: job.ask.scope.seqs.clone(),
            events: job.done(),
            error,
        });
    }
}

fn why(refused: Refused) -> &'static str {
    match refused {
        Refused::Full => "the store is full: drop events or wait, then try again",
        Refused::TooLarge => "the event is larger than the store accepts: make its body smaller",
        Refused::NoWorker => {
            "no worker runs that could handle the event: start one, then try again"
        }
        Refused::ShuttingDown => "all workers are shutting down: wait for the next, then try again",
    }
}

/// Logs an error of the store with its causes, as far as they may be shown.
pub(super) fn log(error: &StoreError, redaction: &Redaction) {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    let text = redaction.text(&text);
    warn!(error = &*text, "the inbox's page could not use the store");
}
