//! Runs an action in batches, with pauses, and reports its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use tracing::{info, warn};

use super::count::AT_MOST;
use super::jobs::{Ended, Job, Scope};
use super::redaction::Redaction;
use super::{Audit, Audited, Shared};
use crate::admin::{Admin, Filter, Page};
use crate::store::StoreError;

/// The events of one call of the store: each holds up its other callers for a short time only.
const BATCH: usize = 200;
/// The pause between two batches, in which workers get their turn.
const PAUSE: Duration = Duration::from_millis(20);

const STOPPED: &str = "the process stopped";

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

    /// Ends an action that has changed one event.
    pub(super) fn end_with_one(self) {
        self.job.add(1);
        self.job.end(Ended::Complete);
    }

    async fn batches(&self) -> Result<(), Ended> {
        let Scope { filter, seqs } = &self.job.ask.scope;
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

    async fn all(&self, filter: &Filter) -> Result<(), Ended> {
        let mut page = Page::first(BATCH);
        loop {
            let looked = self.store.look_through(filter, page, AT_MOST).await;
            let looked = looked.map_err(|error| self.failed(&error))?;
            if let (Some(first), Some(last)) = (looked.listed.first(), looked.listed.last()) {
                let mut batch = filter.clone();
                batch.from_seq = Some(first.seq);
                batch.to_seq = Some(last.seq);
                self.batch(&batch).await?;
            }
            if looked.next.is_none() {
                return Ok(());
            }
            page.after = looked.next;
            sleep(PAUSE).await;
        }
    }

    async fn batch(&self, filter: &Filter) -> Result<(), Ended> {
        if *self.stopping.borrow() {
            return Err(Ended::Stopped(STOPPED.to_owned()));
        }
        let events = self.job.ask.action.run(&*self.store, filter).await;
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
        job.end(Ended::Failed(STOPPED.to_owned()));
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
