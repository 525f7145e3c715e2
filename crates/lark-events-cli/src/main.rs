//! The `lark-events` command: a simulator, signed pushes, conformance checks and the catalogue
//! of events, on the command line.

#![warn(clippy::print_stdout, clippy::print_stderr)] // `output` escapes foreign text

mod catalogue;
mod check;
mod codegen;
mod console;
mod document;
mod escape;
mod events;
mod explain;
mod figures;
mod finding;
#[cfg(feature = "inbox")]
mod inbox;
mod inspect;
mod listen;
mod manual;
mod output;
mod payload;
mod push;
mod recording;
mod replay;
mod secrets;
mod serve;
mod stop;
mod table;
mod text;
mod utc;
mod webhook;

use std::future::Future;
use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::runtime::Runtime;

use self::output::Output;

/// Develop and test apps that receive Feishu/Lark events, in any language, offline.
#[derive(Debug, Parser)]
#[command(name = "lark-events", version, max_term_width = 100, after_help = EXIT_STATUS)]
struct Cli {
    #[command(flatten)]
    output: Output,
    #[command(subcommand)]
    command: Command,
}

const EXIT_STATUS: &str = "\
Exit status:
  0  success: accepted, found, passed
  1  negative result: rejected, not found, failed
  2  error: invalid arguments, unreadable input";

// Each command has its own module, with its arguments and `run`.
#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    Listen(listen::ListenArgs),
    Push(push::PushArgs),
    Replay(replay::ReplayArgs),
    Check(check::CheckArgs),
    Explain(explain::ExplainArgs),
    Inspect(inspect::InspectArgs),
    Events(events::EventsArgs),
    #[cfg(feature = "inbox")]
    Inbox(inbox::InboxArgs),
    Codegen(codegen::CodegenArgs),
    Completions(manual::CompletionsArgs),
    Man(manual::ManArgs),
}

/// Why a command has no result; the text goes to stderr.
type Error = Box<dyn std::error::Error + Send + Sync>;

/// The exit status of an [`Error`].
const TROUBLE: u8 = 2;

fn main() -> ExitCode {
    let Cli { output, command } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return output::misuse(&error),
    };
    let result = drive(async {
        match command {
            Command::Serve(args) => serve::run(args, output).await,
            Command::Listen(args) => listen::run(args, output).await,
            Command::Push(args) => push::run(args, output).await,
            Command::Replay(args) => replay::run(args, output).await,
            Command::Check(args) => check::run(args, output).await,
            Command::Explain(args) => explain::run(&args, output),
            Command::Inspect(args) => inspect::run(&args, output),
            Command::Events(args) => events::run(&args, output),
            #[cfg(feature = "inbox")]
            Command::Inbox(args) => inbox::run(args, output).await,
            Command::Codegen(args) => codegen::run(&args, output),
            Command::Completions(args) => manual::completions(&args, output),
            Command::Man(args) => manual::man(&args, output),
        }
    });
    match result {
        Ok(code) => code,
        // The reader of stdout has closed it.
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            output.error(&*error);
            ExitCode::from(TROUBLE)
        }
    }
}

/// Runs a command to its end without waiting for the threads that it leaves behind: the lookup of a name
/// may go on for minutes after its timeout.
fn drive<T>(command: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime = Runtime::new()?;
    let result = runtime.block_on(command);
    runtime.shutdown_background();
    result
}

fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_command_ends_whatever_hangs_in_a_thread_of_its_own() {
        let (hold, held) = mpsc::channel::<()>();
        let (ended, end) = mpsc::channel();
        thread::spawn(move || {
            let driven = drive(async {
                let (begun, begins) = tokio::sync::oneshot::channel();
                tokio::task::spawn_blocking(move || {
                    let _ = begun.send(());
                    held.recv()
                });
                Ok(begins.await?)
            });
            ended.send(driven.is_ok())
        });
        assert_eq!(end.recv_timeout(Duration::from_secs(30)), Ok(true));
        drop(hold);
    }
}
