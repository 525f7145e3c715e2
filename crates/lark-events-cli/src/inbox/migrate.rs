//! `lark-events inbox migrate`: brings the tables of a store to this version.

use std::process::ExitCode;

use clap::Args;
use lark_events_inbox::{SqliteFile, SqliteStore};
use lark_events_inbox_nats::NatsStoreBuilder;
use lark_events_inbox_postgres::PostgresStore;
use serde_json::json;

use super::nats::{self, Nats};
use super::postgres::{self, Postgres};
use super::progress::Progress;
use super::store::{Place, StoreArgs, failed};
use super::when::Age;
use crate::Error;
use crate::output::{Output, even_if_unread};
use crate::text::Text;

/// Migrate the tables of a store to the version of this program. On NATS, create its streams and consumers.
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
  lark-events inbox migrate --store nats://one,nats://two --replicas 3 --sync-always

On PostgreSQL, one role can own the tables and another one work with them: --grant-to gives the second
the rights to receive, to handle and to run all commands but migrate.

On NATS, streams that exist are only checked, and the options for streams have no effect on them.")]
pub(super) struct MigrateArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// Only print the SQL that is left to run.
    #[arg(long)]
    print: bool,
    /// Also grant the rights that a program needs to this existing role of PostgreSQL.
    #[arg(long, value_name = "ROLE")]
    grant_to: Option<String>,
    #[command(flatten)]
    streams: StreamArgs,
}

/// What the streams on NATS are created with.
#[derive(Debug, Args)]
#[command(next_help_heading = "Streams on NATS")]
struct StreamArgs {
    /// The number of servers that keep each event [default: 1].
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(1..=5))]
    replicas: Option<u8>,
    /// The number of partitions that lanes share [default: 64].
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=4096))]
    partitions: Option<u16>,
    /// The age at which an event is removed, finished or not [default: 7d].
    #[arg(long, value_name = "AGE")]
    max_age: Option<Age>,
    /// The maximum size of the stream; a full stream takes no events [default: no limit].
    #[arg(long, value_name = "BYTES")]
    max_bytes: Option<u64>,
    /// The time after which another worker handles the events of a dead worker [default: 60s].
    #[arg(long, value_name = "AGE")]
    ack_wait: Option<Age>,
    /// Declare that the servers have `sync_interval: always`, and so flush each event to disk.
    #[arg(long)]
    sync_always: bool,
}

impl StreamArgs {
    fn are_given(&self) -> bool {
        let Self {
            replicas,
            partitions,
            max_age,
            max_bytes,
            ack_wait,
            sync_always,
        } = self;
        let times = [max_age, ack_wait];
        *sync_always
            || replicas.is_some()
            || partitions.is_some()
            || max_bytes.is_some()
            || times.into_iter().any(Option::is_some)
    }

    fn set(&self, mut builder: NatsStoreBuilder) -> NatsStoreBuilder {
        if let Some(replicas) = self.replicas {
            builder = builder.replicas(replicas.into());
        }
        if let Some(partitions) = self.partitions {
            builder = builder.partitions(partitions);
        }
        if let Some(Age(age)) = self.max_age {
            builder = builder.max_age(age);
        }
        if let Some(bytes) = self.max_bytes {
            builder = builder.max_bytes(bytes);
        }
        if let Some(Age(wait)) = self.ack_wait {
            builder = builder.ack_wait(wait);
        }
        if self.sync_always {
            builder = builder.sync_always();
        }
        builder
    }
}

pub(super) async fn run(args: &MigrateArgs, output: Output) -> Result<ExitCode, Error> {
    let place = args.store.place()?;
    if args.grant_to.is_some() && !matches!(place, Place::Postgres(_)) {
        return Err("--grant-to: only a store on PostgreSQL has roles".into());
    }
    if args.streams.are_given() && !matches!(place, Place::Nats(_)) {
        return Err("the options for streams need a store on NATS".into());
    }
    match place {
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
        Place::Nats(nats) => on_nats(&nats, args, output).await,
    }
}

/// Streams have one version so far, and none if they do not exist.
async fn on_nats(store: &Nats, args: &MigrateArgs, output: Output) -> Result<ExitCode, Error> {
    if args.print {
        return Err("--print: a store on NATS has no SQL".into());
    }
    let builder = args.streams.set(store.builder.clone());
    let facts = builder.facts().await.map_err(nats::failed)?;
    let from = u32::from(facts.missing.is_empty());
    let mut progress = Progress::new("creating streams", output);
    let created = progress.during(builder.connect()).await;
    progress.clear();
    created.map_err(nats::failed)?;
    let printed = match (output.json, from) {
        (true, _) => output.print_json(&json!({"from": from, "to": 1})),
        (false, 0) => output.print("created the streams and their consumers"),
        (false, _) => output.print("the streams exist already"),
    };
    even_if_unread(printed)?;
    Ok(ExitCode::SUCCESS)
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
