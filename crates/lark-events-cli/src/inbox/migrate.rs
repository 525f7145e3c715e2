//! `lark-events inbox migrate`: brings the tables of a store to this version.

use std::process::ExitCode;

use clap::Args;
use lark_events_inbox::{SqliteFile, SqliteStore};
use serde_json::json;

use super::progress::Progress;
use super::store::{StoreArgs, failed};
use crate::Error;
use crate::output::{Output, even_if_unread};
use crate::text::Text;

/// Bring the tables of a store to the version of this program.
///
/// A worker or receiver does the same when it opens the store. All other commands leave older tables as they
/// are, and fail.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lark-events inbox migrate --store sqlite:events.db
  lark-events inbox migrate --store sqlite:events.db --print | sqlite3 events.db")]
pub(super) struct MigrateArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// Only print the SQL that is left to run.
    #[arg(long)]
    print: bool,
}

pub(super) async fn run(args: &MigrateArgs, output: Output) -> Result<ExitCode, Error> {
    let path = args.store.file()?;
    let version = SqliteFile::new(&path).version().await;
    let from = version.map_err(|error| failed(&path, &error))?;
    let to = SqliteFile::VERSION;
    if args.print && from <= to {
        return print(from, output);
    }
    let mut progress = Progress::new("migrating", output);
    let opened = SqliteStore::builder(&path).existing().open();
    let opened = progress.during(opened).await;
    opened.map_err(|error| failed(&path, &error))?;
    progress.clear();
    let printed = match output.json {
        true => output.print_json(&json!({"from": from, "to": to})),
        false if from == to => output.print(format!("the tables have version {to} already")),
        false => output.print(format!("migrated from version {from} to version {to}")),
    };
    even_if_unread(printed)?;
    Ok(ExitCode::SUCCESS)
}

fn print(from: u32, output: Output) -> Result<ExitCode, Error> {
    let steps = SqliteFile::migration(from);
    if steps.is_empty() {
        output.note(format_args!("the tables have version {from} already"));
    }
    for (step, version) in steps.iter().zip(from + 1..) {
        if output.json {
            output.print_json(&json!({"version": version, "sql": step}))?;
        } else {
            output.print(Text::lines(step.trim_end()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
