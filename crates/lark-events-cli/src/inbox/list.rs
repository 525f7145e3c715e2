//! `lark-events inbox ls`: events without their bodies.

use std::process::ExitCode;

use clap::Args;
use lark_events_inbox::State;

use super::filters::Filters;
use super::progress::Progress;
use super::row::{Row, table};
use super::store::StoreArgs;
use super::walk::Walk;
use crate::Error;
use crate::output::Output;

/// List events, without their bodies: those that are not finished, and dead letters.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lark-events inbox ls --store sqlite:events.db
  lark-events inbox ls --store sqlite:events.db --state dead --error 'connection refused'
  lark-events inbox ls --store sqlite:events.db --all --since 2h --json | jq -r .event_id

Exit status 1: no event matches.")]
pub(super) struct LsArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// Also list finished events.
    #[arg(long, conflicts_with = "state")]
    all: bool,
    /// The maximum number of events: those with the lowest numbers.
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    #[command(flatten)]
    filters: Filters,
}

/// The states of events that are not finished.
pub(super) const UNDONE: [State; 3] = [State::Ready, State::Waiting, State::Leased];

pub(super) async fn run(args: &LsArgs, output: Output) -> Result<ExitCode, Error> {
    let mut states = [&UNDONE[..], &[State::Dead]].concat();
    if args.all {
        states.clear();
    }
    let filter = args.filters.filter(&states)?;
    let store = args.store.open().await?;
    let mut progress = Progress::new("reading", output);
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let mut walk = Walk::new(&*store, filter);
    // One more than wanted shows whether there are more.
    walk.left = u64::from(args.limit) + 1;
    let (mut found, mut listed) = (0, Vec::new());
    while let Some(batch) = progress.during(walk.next()).await? {
        let mut events = batch.events;
        progress.add(events.len() as u64);
        let room = limit.saturating_sub(found);
        found += events.len();
        events.truncate(room);
        if output.json {
            progress.clear();
            for one in &events {
                output.print_json(&Row::from(one))?;
            }
        } else {
            listed.append(&mut events);
        }
    }
    progress.clear();
    if found == 0 {
        output.note("no event matches");
        return Ok(ExitCode::FAILURE);
    }
    if !output.json {
        output.print(table(&listed))?;
    }
    if found > limit {
        output.note(format_args!(
            "only the first {limit} events; --limit changes that"
        ));
    }
    Ok(ExitCode::SUCCESS)
}
