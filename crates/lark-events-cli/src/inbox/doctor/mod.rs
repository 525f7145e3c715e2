//! `lark-events inbox doctor`: what is wrong with a store, and what to do about it.

mod nats;
mod postgres;
mod sqlite;

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use lark_events_inbox::Status;

use super::store::{Place, StoreArgs};
use super::when::short;
use crate::Error;
use crate::finding::{Counts, Finding};
use crate::output::{Output, even_if_unread};

/// Check a store: its file or server, its tables, its workers and its queue. Changes nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lark-events inbox doctor --store sqlite:events.db
  lark-events inbox doctor --store postgres://worker@db/app
  lark-events inbox doctor --store nats://worker@one,nats://two
  lark-events inbox doctor --store sqlite:events.db --json | jq 'select(.verdict == \"fail\")'

Verdicts:
  fail  events are lost, exposed, or not handled, or will be soon
  warn  look at it
  skip  not checked, because of an earlier failure

Exit status 1: a check fails.")]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) async fn run(args: &DoctorArgs, output: Output) -> Result<ExitCode, Error> {
    let mut report = Report {
        counts: Counts::default(),
        output,
    };
    match args.store.place()? {
        Place::File(path) => sqlite::check(&path, &mut report).await?,
        Place::Postgres(store) => postgres::check(&store, &mut report).await?,
        Place::Nats(store) => nats::check(&store, &mut report).await?,
    }
    even_if_unread(report.counts.show(output))?;
    Ok(ExitCode::from(u8::from(report.counts.failed > 0)))
}

struct Report {
    counts: Counts,
    output: Output,
}

impl Report {
    fn add(&mut self, case: &str, finding: Finding) -> std::io::Result<()> {
        self.counts.add(finding.verdict);
        even_if_unread(finding.show(case, self.output))
    }

    /// Checks the queue. Without a status, `Err` is why there is none.
    fn add_queue(&mut self, status: Result<&Status, Finding>) -> std::io::Result<()> {
        for (case, check) in QUEUE {
            let finding = match &status {
                Ok(status) => check(status),
                Err(why) => why.clone(),
            };
            self.add(case, finding)?;
        }
        Ok(())
    }
}

type Check = fn(&Status) -> Finding;

/// The checks of the queue.
const QUEUE: [(&str, Check); 4] = [
    ("workers", workers),
    ("lag", lag),
    ("oldest", oldest),
    ("dead", dead),
];

fn workers(status: &Status) -> Finding {
    let undone = status.ready + status.waiting + status.leased;
    let seen = match status.worker_seen {
        Some(seen) => format!("seen {} ago", short(seen)),
        None => "none was ever seen".to_owned(),
    };
    match status.workers {
        0 if undone > 0 => Finding::fail(
            format!("no worker runs, {seen}; {undone} events are not finished"),
            "start a worker: events are acknowledged, but not handled",
        ),
        0 => Finding::warn(
            format!("no worker runs, {seen}"),
            "start a worker before events come in",
        ),
        workers => Finding::pass(format!("{workers} running, {seen}")),
    }
}

fn lag(status: &Status) -> Finding {
    const LONG: Duration = Duration::from_secs(60);
    match status.lag {
        None => Finding::pass("no event is ready"),
        Some(lag) if lag < LONG => Finding::pass(short(lag)),
        Some(lag) => Finding::warn(
            format!("the next event has been ready for {}", short(lag)),
            "see whether workers run; if they do, raise their number or shorten the handlers",
        ),
    }
}

fn oldest(status: &Status) -> Finding {
    const LONG: Duration = Duration::from_hours(8);
    match status.oldest {
        None => Finding::pass("all events are finished or dead"),
        Some(oldest) if oldest < LONG => Finding::pass(short(oldest)),
        Some(oldest) => Finding::warn(
            format!("an event has not been finished for {}", short(oldest)),
            "see `lark-events inbox ls`; retry or drop it",
        ),
    }
}

fn dead(status: &Status) -> Finding {
    match status.dead {
        0 => Finding::pass("no dead letters"),
        dead => Finding::warn(
            format!("{dead} dead letters"),
            "see the errors with `lark-events inbox stats`; retry or drop them",
        ),
    }
}
