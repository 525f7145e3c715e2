//! `lark-events inbox prune`: finished events out of the store.

use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use lark_events_inbox::{Filter, SqliteStore, State};

use super::progress::Progress;
use super::store::StoreArgs;
use super::walk::{Operation, Walk};
use super::when::{Age, short};
use crate::Error;
use crate::output::{Output, even_if_unread};

/// Remove finished events that are older than an age, and the keys by which their redeliveries are
/// recognised.
///
/// Workers do the same with the retention of the store. Dead letters stay, and so do all events younger than 8
/// hours and 11 minutes, which may be redelivered or replayed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lark-events inbox prune --store sqlite:events.db --older-than 3d --dry-run
  lark-events inbox prune --store sqlite:events.db --older-than 12h

The file or table does not shrink: new events use the free space.")]
pub(super) struct PruneArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// The age of the youngest event to remove, such as 12h or 3d.
    #[arg(long, value_name = "AGE")]
    older_than: Option<Age>,
    /// Remove all events that may be removed; required without --older-than.
    #[arg(long, conflicts_with = "older_than")]
    all: bool,
    /// Only print how many events would be removed, and the first of them.
    #[arg(short = 'n', long)]
    dry_run: bool,
}

const PRUNE: Operation = Operation {
    name: "prune",
    doing: "pruning",
    done: "pruned",
};

pub(super) async fn run(args: &PruneArgs, output: Output) -> Result<ExitCode, Error> {
    let shortest = SqliteStore::MIN_RETENTION;
    let age = match args.older_than {
        Some(Age(age)) if age < shortest => {
            output.note(format_args!(
                "expected an age of at least {}, got {}: younger events stay, because they \
                may be redelivered or replayed",
                hours(shortest),
                short(age)
            ));
            shortest
        }
        Some(Age(age)) => age,
        None if args.all => shortest,
        None => {
            return Err(
                "no age: pass --older-than, or --all to prune all events that may be pruned".into(),
            );
        }
    };
    let store = args.store.open().await?;
    if args.dry_run {
        let mut filter = Filter::default();
        filter.states = vec![State::Done];
        let until = SystemTime::now().checked_sub(age);
        filter.until = Some(until.unwrap_or(UNIX_EPOCH));
        let mut walk = Walk::new(&*store, filter);
        walk.takes = |listed| listed.kept_for.is_none();
        walk.dry_run(&PRUNE, output).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut progress = Progress::new(PRUNE.doing, output);
    // In batches of the store.
    let pruned = progress.during(store.prune(age)).await?;
    progress.clear();
    even_if_unread(PRUNE.show(pruned, output))?;
    Ok(ExitCode::SUCCESS)
}

/// `8 h 11 min`
fn hours(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    format!("{} h {} min", minutes / 60, minutes % 60)
}
