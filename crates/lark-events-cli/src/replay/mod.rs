//! `lark-events replay`: sends the events of a recording again, signed anew.

mod pace;
mod sending;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use lark_events_layers::record::{ReadErrorKind, Recording};
use lark_events_sim::{ANSWER_LIMIT, WebhookUrl};

use self::pace::Speed;
use self::sending::Sending;
use crate::output::Output;
use crate::secrets::Secrets;
use crate::stop::Signals;
use crate::{Error, payload, recording};

/// Send the events of a recording to a webhook again, encrypted and signed anew.
///
/// Reads a file that `serve --record`, `listen --record` or a `RecordLayer` wrote. Events keep their ids, so that
/// they are duplicates for an app that has handled them; --new-ids makes them new events. Each recorded attempt is
/// sent, also if several are of the same event.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lark-events replay events.jsonl --to http://localhost:3000/webhook/event
  lark-events replay events.jsonl --to $URL --only 'im.message.*' --new-ids
  lark-events replay events.jsonl --to $URL --speed 10

Exit status 1: the webhook did not accept an event, a line has none that can be sent, or a signal stopped the
command before the end.")]
pub(crate) struct ReplayArgs {
    /// The recording; `-` is stdin.
    file: PathBuf,
    /// The URL of the webhook, `http://` or `https://`.
    #[arg(long, value_name = "URL")]
    to: WebhookUrl,
    /// Send only events whose type contains this text or matches this pattern, such as `im.message.*`; can be
    /// repeated.
    #[arg(long, value_name = "TYPE")]
    only: Vec<String>,
    /// Send at the pace of the recording, this many times as fast; by default, each event follows the answer
    /// to the one before.
    #[arg(long, value_name = "FACTOR")]
    speed: Option<Speed>,
    /// Send each event as a new one: with a new id and time, and a new `message_id` in messages.
    #[arg(long)]
    new_ids: bool,
    /// The id of the receiving app, instead of the recorded one.
    #[arg(long, value_name = "ID")]
    app_id: Option<String>,
    /// Seconds to wait for each answer; the platform waits for 3.
    #[arg(long, value_name = "SECONDS", default_value_t = ANSWER_LIMIT.as_secs())]
    timeout: u64,
    #[command(flatten)]
    secrets: Secrets,
}

pub(crate) async fn run(args: ReplayArgs, output: Output) -> Result<ExitCode, Error> {
    let mut signals = Signals::catch()?;
    let name = payload::name(&args.file);
    let mut recording = Recording::new(payload::open(&args.file, "a recording")?);
    let mut sending = Sending::new(args, output)?;
    let mut failure = None;
    let mut is_stopped = loop {
        // Reading may block: a pipe waits for its writer.
        let read = tokio::task::spawn_blocking(move || (recording.next(), recording));
        let read = tokio::select! {
            () = signals.next() => break true,
            read = sending.answered_until(read) => read??,
        };
        recording = read.1;
        match read.0 {
            None => break false,
            Some(Ok(entry)) => tokio::select! {
                () = signals.next() => break true,
                sent = sending.send(&entry) => if let Err(why) = sent? {
                    let line = recording.line();
                    sending.skipped(format_args!("{name}: line {line}: {why}"));
                },
            },
            Some(Err(error)) => match error.kind() {
                ReadErrorKind::Cut | ReadErrorKind::Invalid | ReadErrorKind::TooLong => {
                    sending.skipped(format_args!("{name}: {error}"));
                }
                _ => {
                    failure = Some(recording::failed(&name, &error));
                    break false;
                }
            },
        }
    };
    // The first signal waits for the requests under way, and the second one does not.
    let mut is_second = is_stopped;
    loop {
        tokio::select! {
            () = signals.next() => if std::mem::replace(&mut is_second, true) {
                is_stopped = true;
                break;
            },
            answered = sending.all_answered() => {
                answered?;
                break;
            }
        }
    }
    let code = sending.finish(is_stopped)?;
    failure.map_or(Ok(code), |why| Err(why.into()))
}
