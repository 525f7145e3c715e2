//! `lark-events inbox`: looks into the store of a durable inbox, and acts on its events while workers run.

mod act;
mod audit;
mod doctor;
mod filters;
mod list;
mod log;
mod migrate;
mod nats;
mod postgres;
mod progress;
mod prune;
mod replay;
mod row;
mod serve;
mod show;
mod stats;
mod store;
mod walk;
mod when;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::Error;
use crate::output::Output;

/// List, show, retry, drop and replay the events in the store of a durable inbox, also on a web page.
///
/// Every command works while receivers and workers run. Bodies are shown only by `show --body` and `serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lark-events inbox stats --store sqlite:events.db
  lark-events inbox ls --store sqlite:events.db --state dead
  lark-events inbox retry --store sqlite:events.db --error 'connection refused'
  lark-events inbox serve --store sqlite:events.db
  export LARK_EVENTS_STORE='postgres://worker:…@db.example.com/app'
  lark-events inbox ls

A store on PostgreSQL:
  Special characters of a password are %XX. PGPASSWORD and ~/.pgpass are not read. Without a
  password, log in through the server's socket: postgres:///app?host=/var/run/postgresql.
  The connection is encrypted if the server supports it; its certificate must be valid.
  SSL_CERT_FILE names further roots. `?sslmode=require` rejects a server without encryption,
  and `?sslmode=disable` does not encrypt.

A store on NATS JetStream:
  The URL may list servers of a cluster: nats://USER:PASSWORD@one,nats://two. `nats://TOKEN@one` logs
  in with a token. A connection is encrypted with tls://, or if the server requires it.
  SSL_CERT_FILE names further roots. The states of events follow from the consumers: an event that
  waits for a retry counts as leased, and only a dead letter has attempts and an error.

An event is in one of these states:
  ready    it can be claimed
  waiting  it waits for its lane, or for the time of a retry
  leased   it is being handled
  dead     its attempts failed: a dead letter
  done     it is finished; the store keeps it for its retention")]
pub(crate) struct InboxArgs {
    #[command(subcommand)]
    command: InboxCommand,
}

#[derive(Debug, Subcommand)]
enum InboxCommand {
    Ls(list::LsArgs),
    Show(show::ShowArgs),
    Retry(act::RetryArgs),
    Drop(act::DropArgs),
    Replay(replay::ReplayArgs),
    Serve(serve::ServeArgs),
    Stats(stats::StatsArgs),
    Prune(prune::PruneArgs),
    Migrate(migrate::MigrateArgs),
    Doctor(doctor::DoctorArgs),
}

pub(crate) async fn run(args: InboxArgs, output: Output) -> Result<ExitCode, Error> {
    match args.command {
        InboxCommand::Ls(args) => list::run(&args, output).await,
        InboxCommand::Show(args) => show::run(&args, output).await,
        InboxCommand::Retry(args) => act::retry(&args, output).await,
        InboxCommand::Drop(args) => act::drop(&args, output).await,
        InboxCommand::Replay(args) => replay::run(args, output).await,
        InboxCommand::Serve(args) => serve::run(&args, output).await,
        InboxCommand::Stats(args) => stats::run(&args, output).await,
        InboxCommand::Prune(args) => prune::run(&args, output).await,
        InboxCommand::Migrate(args) => migrate::run(&args, output).await,
        InboxCommand::Doctor(args) => doctor::run(&args, output).await,
    }
}
