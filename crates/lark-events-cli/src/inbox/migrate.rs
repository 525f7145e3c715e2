//! `lark-events inbox migrate`: brings the tables of a store to this version.

use std::process::ExitCode;

use clap::Args;
use lark_events_inbox::{SqliteFile, SqliteStore};
use lark_events_inbox_postgres::PostgresStore;
use serde_json::json;

use super::postgres::{self, Postgres};
use super::progress::Progress;
use super::store::{Place, StoreArgs, failed};
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
  lark-events inbox migrate --store sqlite:events.db --print | sqlite3 events.db
  lark-events inbox migrate --store postgres://owner@db/app --grant-to worker
  lark-events inbox migrate --store postgres://owner@db/app --print | psql -v ON_ERROR_STOP=1 app

On PostgreSQL, one role can own the tables and another one work with them: --grant-to gives the second
the rights to receive, to handle and to run all commands but migrate.")]
pub(super) struct MigrateArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// Only print the SQL that is left to run.
    #[arg(long)]
    print: bool,
    /// Also grant the rights that a program needs to this role of PostgreSQL, which exists.
    #[arg(long, value_name = "ROLE")]
    grant_to: Option<String>,
}

pub(super) async fn run(args: &MigrateArgs, output: Output) -> Result<ExitCode, Error> {
    match args.store.place()? {
        Place::File(_) if args.grant_to.is_some() => {
            Err("--grant-to: only a store on PostgreSQL has roles".into())
        }
        Place::File(path) => {
            let version = SqliteFile::new(&path).version().await;
            let from = version.map_err(|error| failed(&path, &error))?;
            let to = SqliteFile::VERSION;
            if args.print && from <= to {
                return print(from, &SqliteFile::migration(from), None, output);
            }
            let migrate = async {
                let opened = SqliteStore::builder(&path).existing().open().await;
                opened.map(drop).map_err(|error| failed(&path, &error))
            };
            finish((from, to), migrate, output).await
        }
        Place::Postgres(postgres) => on_postgres(&postgres, args, output).await,
    }
}

async fn on_postgres(
    store: &Postgres,
    args: &MigrateArgs,
    output: Output,
) -> Result<ExitCode, Error> {
    let builder = &store.builder;
    let from = builder.version().await.map_err(postgres::failed)?;
    // Programs of this version may work with newer tables.
    let to = PostgresStore::VERSION.max(from);
    let role = args.grant_to.as_deref();
    if args.print {
        let steps = builder.migration(from).map_err(postgres::failed)?;
        let grants = role.map(|role| builder.grants(role));
        let grants = grants.transpose().map_err(postgres::failed)?;
        return print(from, &steps, grants, output);
    }
    let migrate = async {
        builder.clone().connect().await.map_err(postgres::failed)?;
        if let Some(role) = role {
            builder.grant(role).await.map_err(postgres::failed)?;
        }
        Ok(())
    };
    finish((from, to), migrate, output).await
}

async fn finish(
    (from, to): (u32, u32),
    migrate: impl Future<Output = Result<(), Error>>,
    output: Output,
) -> Result<ExitCode, Error> {
    let mut progress = Progress::new("migrating", output);
    progress.during(migrate).await?;
    progress.clear();
    let printed = match output.json {
        true => output.print_json(&json!({"from": from, "to": to})),
        false if from == to => output.print(format!("the tables have version {to} already")),
        false => output.print(format!("migrated from version {from} to version {to}")),
    };
    even_if_unread(printed)?;
    Ok(ExitCode::SUCCESS)
}

fn print(
    from: u32,
    steps: &[String],
    grants: Option<String>,
    output: Output,
) -> Result<ExitCode, Error> {
    if steps.is_empty() {
        output.note(format_args!("the tables have version {from} already"));
    }
    let steps = steps.iter().zip(from + 1..);
    let steps = steps.map(|(step, version)| (step, json!({"version": version, "sql": step})));
    let grants = grants.iter().map(|sql| (sql, json!({"sql": sql})));
    for (sql, row) in steps.chain(grants) {
        if output.json {
            output.print_json(&row)?;
        } else {
            output.print(Text::lines(sql.trim_end()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
