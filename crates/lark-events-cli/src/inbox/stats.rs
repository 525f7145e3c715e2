//! `lark-events inbox stats`: how many events there are, how old, and why they fail.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use clap::builder::styling::Style;
use lark_events_inbox::{Admin, Filter, Group, GroupLimits, Grouping, State, Status, StoreError};
use serde::Serialize;

use super::list::UNDONE;
use super::progress::Progress;
use super::store::StoreArgs;
use super::when::short;
use crate::Error;
use crate::output::{BAD, FAINT, NAME, Output, STRONG};
use crate::table::Table;
use crate::text::Text;

/// Count events by state, type and error, and show the age of the oldest and the workers.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lark-events inbox stats --store sqlite:events.db
  lark-events inbox stats --store sqlite:events.db --json | jq .dead_by_error

  oldest         the age of the oldest event that is neither finished nor dead
  lag            how long the event that is handled next has been ready
  blocked lanes  lanes whose first event waits for a retry")]
pub(super) struct StatsArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// Also count finished events, which reads the whole log.
    #[arg(long)]
    all: bool,
}

/// How many errors are shown.
const ERRORS: usize = 10;
/// More types than apps have.
const TYPES: usize = 10_000;

/// Scripts rely on the members and their order.
#[derive(Serialize)]
struct Stats {
    ready: u64,
    waiting: u64,
    leased: u64,
    dead: u64,
    /// `None` if finished events were not counted.
    done: Option<u64>,
    oldest_seconds: Option<f64>,
    lag_seconds: Option<f64>,
    blocked_lanes: u64,
    workers: u64,
    worker_seen_seconds: Option<f64>,
    dead_by_error: Vec<ByError>,
    by_type: Vec<ByType>,
}

#[derive(Serialize)]
struct ByError {
    error: Option<String>,
    events: u64,
}

#[derive(Serialize, Default)]
struct ByType {
    event_type: String,
    undone: u64,
    dead: u64,
    done: Option<u64>,
}

pub(super) async fn run(args: &StatsArgs, output: Output) -> Result<ExitCode, Error> {
    let store = args.store.open().await?;
    let mut progress = Progress::new("counting", output);
    let counted = count(&*store, args.all);
    let (status, stats) = progress.during(counted).await?;
    progress.clear();
    if output.json {
        output.print_json(&stats)?;
    } else {
        output.print(page(&status, &stats))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn count(store: &dyn Admin, all: bool) -> Result<(Status, Stats), StoreError> {
    let status = store.status().await?;
    let groups = async |states: &[State], by, limit| {
        let mut filter = Filter::default();
        filter.states = states.to_vec();
        let groups = store.groups(&filter, by, GroupLimits::all(limit));
        Ok::<_, StoreError>(groups.await?.groups)
    };
    let dead_by_error = groups(&[State::Dead], Grouping::Error, ERRORS).await?;
    let undone = groups(&UNDONE, Grouping::EventType, TYPES).await?;
    let dead = groups(&[State::Dead], Grouping::EventType, TYPES).await?;
    let done = match all {
        true => Some(groups(&[State::Done], Grouping::EventType, TYPES).await?),
        false => None,
    };
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
    let stats = Stats {
        ready: status.ready,
        waiting: status.waiting,
        leased: status.leased,
        dead: status.dead,
        done: done
            .as_ref()
            .map(|done| done.iter().map(|group| group.count).sum()),
        oldest_seconds: seconds(status.oldest),
        lag_seconds: seconds(status.lag),
        blocked_lanes: status.blocked_lanes,
        workers: status.workers,
        worker_seen_seconds: seconds(status.worker_seen),
        dead_by_error: dead_by_error
            .into_iter()
            .map(|group| ByError {
                error: group.value,
                events: group.count,
            })
            .collect(),
        by_type: by_type(undone, dead, done),
    };
    Ok((status, stats))
}

/// One row for each type, the most undone and dead events first.
fn by_type(undone: Vec<Group>, dead: Vec<Group>, done: Option<Vec<Group>>) -> Vec<ByType> {
    let mut types: BTreeMap<String, ByType> = BTreeMap::new();
    let counts_done = done.is_some();
    let mut add = |groups: Vec<Group>, set: fn(&mut ByType, u64)| {
        for Group { value, count, .. } in groups {
            let event_type = value.unwrap_or_default();
            let row = types.entry(event_type.clone()).or_insert_with(|| ByType {
                event_type,
                done: counts_done.then_some(0),
                ..ByType::default()
            });
            set(row, count);
        }
    };
    add(undone, |row, count| row.undone = count);
    add(dead, |row, count| row.dead = count);
    add(done.unwrap_or_default(), |row, count| {
        row.done = Some(count);
    });
    let mut rows: Vec<_> = types.into_values().collect();
    rows.sort_by_key(|row| std::cmp::Reverse((row.undone + row.dead, row.done)));
    rows
}

fn page(status: &Status, stats: &Stats) -> Text {
    let mut facts = Table::default();
    let age = |time: Option<Duration>| time.map_or("none".to_owned(), short);
    let done = stats.done.map(|done| done.to_string());
    let seen = status.worker_seen;
    let seen = seen.map(|seen| format!(" (seen {} ago)", short(seen)));
    let workers = format!("{}{}", status.workers, seen.unwrap_or_default());
    for (label, text) in [
        ("ready", Some(status.ready.to_string())),
        ("waiting", Some(status.waiting.to_string())),
        ("leased", Some(status.leased.to_string())),
        ("dead", Some(status.dead.to_string())),
        ("done", done),
        ("oldest", Some(age(status.oldest))),
        ("lag", Some(age(status.lag))),
        ("blocked lanes", Some(status.blocked_lanes.to_string())),
        ("workers", Some(workers)),
    ] {
        if let Some(text) = text {
            facts.row([label.to_owned(), text]);
        }
    }
    let is_dead = status.dead > 0;
    let mut lines: Vec<_> = facts
        .lines(|row, column| match (row, column) {
            (_, 0) => FAINT,
            (3, _) if is_dead => BAD,
            _ => Style::new(),
        })
        .collect();
    let heading = |title| [Text::default(), Text::painted(STRONG, title)];
    if !stats.dead_by_error.is_empty() {
        lines.extend(heading("Dead letters by error"));
        let mut errors = Table::default();
        for ByError { error, events } in &stats.dead_by_error {
            let error = error.as_deref().unwrap_or("(none)");
            errors.row([format!("  {events}"), error.to_owned()]);
        }
        lines.extend(errors.lines(|_, _| Style::new()));
    }
    if !stats.by_type.is_empty() {
        lines.push(Text::default());
        lines.extend(types(&stats.by_type));
    }
    Text::below(lines)
}

fn types(rows: &[ByType]) -> Vec<Text> {
    let mut types = Table::default();
    let head = ["EVENT TYPE", "UNDONE", "DEAD"].map(str::to_owned);
    let counts_done = rows.iter().any(|row| row.done.is_some());
    let done = |text: String| counts_done.then_some(text);
    types.row(head.into_iter().chain(done("DONE".to_owned())));
    for row in rows {
        let counts = [row.undone, row.dead].map(|count| count.to_string());
        let finished = done(row.done.unwrap_or_default().to_string());
        types.row(
            [row.event_type.clone()]
                .into_iter()
                .chain(counts)
                .chain(finished),
        );
    }
    let lines = types.lines(|row, column| match (row, column) {
        (0, _) => STRONG,
        (_, 0) => NAME,
        _ => Style::new(),
    });
    lines.collect()
}
