//! The events that an operation takes, in batches, so that workers write in between.

use std::collections::VecDeque;

use clap::Args;
use lark_events_inbox::{Admin, Filter, Listed, Page, State, StoreError};
use serde_json::json;

use super::filters::Filters;
use super::progress::Progress;
use super::row::{Row, table};
use crate::Error;
use crate::figures::count;
use crate::output::{Output, even_if_unread};
use crate::text::Text;

/// The maximum number of events in one transaction.
pub(super) const BATCH: usize = 500;
/// How many events a dry run shows.
const SHOWN: usize = 10;

/// Which events an operation takes.
#[derive(Debug, Args)]
pub(super) struct Selection {
    /// Take all events that the operation can take; required without a filter.
    #[arg(long)]
    all: bool,
    /// The maximum number of events: those with the lowest numbers.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Only print how many events the operation would take, and the first of them.
    #[arg(short = 'n', long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    filters: Filters,
}

impl Selection {
    /// The events to take: those in one of `states`, unless the arguments name states.
    pub(super) fn walk<'a>(
        &self,
        store: &'a dyn Admin,
        states: &[State],
        takes: fn(&Listed) -> bool,
    ) -> Result<Walk<'a>, Error> {
        let mut walk = Walk::new(store, self.filters.filter(states)?);
        walk.left = self.limit.unwrap_or(u64::MAX);
        walk.takes = takes;
        Ok(walk)
    }

    /// Fails if there is neither a filter nor `--all`.
    pub(super) fn check(&self, operation: &str) -> Result<(), Error> {
        if self.all || !self.filters.is_empty() {
            return Ok(());
        }
        Err(format!("no filter: pass one, or --all to {operation} all events").into())
    }
}

/// Goes through events in the order of their numbers, each once.
pub(super) struct Walk<'a> {
    store: &'a dyn Admin,
    pub(super) filter: Filter,
    /// `None` before the first event.
    sources: Option<Vec<Source>>,
    pub(super) left: u64,
    /// Whether the operation can take an event in this state.
    pub(super) takes: fn(&Listed) -> bool,
}

/// Some events of a walk.
pub(super) struct Batch {
    pub(super) events: Vec<Listed>,
    /// Matches these events alone, and those in between that the operation cannot take.
    pub(super) filter: Filter,
}

impl<'a> Walk<'a> {
    /// Goes through all events that match.
    pub(super) fn new(store: &'a dyn Admin, filter: Filter) -> Self {
        Self {
            store,
            filter,
            sources: None,
            left: u64::MAX,
            takes: |_| true,
        }
    }

    /// The next events; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Batch>, StoreError> {
        loop {
            let (mut events, mut has_more) = (Vec::new(), false);
            for _ in 0..BATCH {
                has_more = false;
                if self.left == 0 {
                    break;
                }
                let Some(event) = self.first().await? else {
                    break;
                };
                has_more = true;
                if (self.takes)(&event) {
                    self.left -= 1;
                    events.push(event);
                }
            }
            if let (Some(first), Some(last)) = (events.first(), events.last()) {
                let mut filter = self.filter.clone();
                filter.from_seq = Some(first.seq);
                filter.to_seq = Some(last.seq);
                return Ok(Some(Batch { events, filter }));
            }
            if !has_more {
                return Ok(None);
            }
        }
    }

    /// The first event that is left.
    async fn first(&mut self) -> Result<Option<Listed>, StoreError> {
        let sources = self
            .sources
            .get_or_insert_with(|| Source::all(&self.filter));
        for source in &mut *sources {
            source.fill(self.store).await?;
        }
        let heads = sources.iter().filter_map(Source::head);
        let Some(seq) = heads.min() else {
            return Ok(None);
        };
        // An event that changed its state since may be in two sources.
        let is_first = |source: &&mut Source| source.head() == Some(seq);
        let first = sources.iter_mut().filter(is_first);
        let first = first.filter_map(|source| source.listed.pop_front());
        Ok(first.last())
    }

    /// Counts the events, and prints the first of them.
    pub(super) async fn dry_run(
        mut self,
        operation: &Operation,
        output: Output,
    ) -> Result<u64, Error> {
        let mut progress = Progress::new("counting", output);
        let (mut first, mut events) = (Vec::new(), 0);
        while let Some(batch) = progress.during(self.next()).await? {
            let length = batch.events.len() as u64;
            progress.add(length);
            events += length;
            let room = SHOWN - first.len();
            first.extend(batch.events.into_iter().take(room));
        }
        progress.clear();
        even_if_unread(operation.show_dry_run(&first, events, output))?;
        Ok(events)
    }
}

/// Events that a store keeps in one place. One list of two places would read all of a place without a
/// match for each page of the other.
struct Source {
    filter: Filter,
    listed: VecDeque<Listed>,
    after: Option<u64>,
    is_read: bool,
}

impl Source {
    fn all(filter: &Filter) -> Vec<Self> {
        let states = &filter.states;
        let (dead, undone): (Vec<_>, Vec<_>) =
            states.iter().partition(|state| **state == State::Dead);
        let groups = match states.is_empty() || states.contains(&State::Done) {
            true => vec![states.clone()],
            false => vec![dead, undone],
        };
        let is_one = groups.len() == 1;
        let groups = groups
            .into_iter()
            .filter(|group| is_one || !group.is_empty());
        let source = |states| {
            let mut filter = filter.clone();
            filter.states = states;
            Self {
                filter,
                listed: VecDeque::new(),
                after: None,
                is_read: false,
            }
        };
        groups.map(source).collect()
    }

    async fn fill(&mut self, store: &dyn Admin) -> Result<(), StoreError> {
        if self.is_read || !self.listed.is_empty() {
            return Ok(());
        }
        let page = Page {
            after: self.after,
            ..Page::first(BATCH)
        };
        let listed = store.list(&self.filter, page).await?;
        self.is_read = listed.len() < BATCH;
        self.after = listed.last().map(|last| last.seq);
        self.listed = listed.into();
        Ok(())
    }

    /// The number of the next event.
    fn head(&self) -> Option<u64> {
        self.listed.front().map(|listed| listed.seq)
    }
}

/// The name of an operation on many events, and how its result reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation {
    /// `retry`
    pub(super) name: &'static str,
    /// `retrying`
    pub(super) doing: &'static str,
    /// Before the number of events: `retried`.
    pub(super) done: &'static str,
}

impl Operation {
    /// Prints the result.
    pub(super) fn show(&self, events: u64, output: Output) -> std::io::Result<()> {
        self.summarize(false, events, output)
    }

    fn summarize(&self, dry_run: bool, events: u64, output: Output) -> std::io::Result<()> {
        if output.json {
            let operation = self.name;
            let summary = json!({"operation": operation, "dry_run": dry_run, "events": events});
            return output.print_json(&summary);
        }
        let number = count(usize::try_from(events).unwrap_or(usize::MAX), "event");
        output.print(if dry_run {
            format!("would {} {number}", self.name)
        } else {
            format!("{} {number}", self.done)
        })
    }

    fn show_dry_run(&self, first: &[Listed], events: u64, output: Output) -> std::io::Result<()> {
        if output.json {
            for one in first {
                output.print_json(&Row::from(one))?;
            }
            return self.summarize(true, events, output);
        }
        self.summarize(true, events, output)?;
        if first.is_empty() {
            return Ok(());
        }
        let more = events - first.len() as u64;
        let more = (more > 0).then(|| Text::line(format_args!("… and {more} more")));
        output.print(Text::below([table(first)].into_iter().chain(more)))
    }
}
