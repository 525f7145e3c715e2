//! `lark-events replay`: sends the events of a recording again, signed anew.

mod pace;

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use lark_events_layers::record::{Entry, ReadErrorKind, Recording};
use lark_events_sim::{ANSWER_LIMIT, APP_ID, Document, Platform, PlatformBuilder, WebhookUrl};
use serde_json::json;
use tokio::task::JoinSet;

use self::pace::{Pace, Speed};
use crate::events::pattern::Pattern;
use crate::figures::count;
use crate::output::{FAINT, Output, even_if_unread};
use crate::secrets::Secrets;
use crate::text::Text;
use crate::webhook::answer::Posted;
use crate::webhook::client::Client;
use crate::webhook::pushed::Pushed;
use crate::{Error, payload, stop};

/// Send the events of a recording to a webhook again, encrypted and signed anew.
///
/// Reads a file that `serve --record`, `listen --record` or a `RecordLayer` wrote. Events keep their ids, so
/// that they are duplicates to an app that has handled them; --new-ids makes them new events. An event that
/// was delivered several times is sent as often.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lark-events replay events.jsonl --to http://localhost:3000/webhook/event
  lark-events replay events.jsonl --to $URL --only 'im.message.*' --new-ids
  lark-events replay events.jsonl --to $URL --speed 10

Exit status 1: the webhook did not accept an event, or a line cannot be read.")]
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
    /// The id of the receiving app.
    #[arg(long, value_name = "ID", default_value = APP_ID)]
    app_id: String,
    /// Seconds to wait for each answer; the platform waits for 3.
    #[arg(long, value_name = "SECONDS", default_value_t = ANSWER_LIMIT.as_secs())]
    timeout: u64,
    #[command(flatten)]
    secrets: Secrets,
}

/// Counts for the summary.
#[derive(Debug, Default)]
struct Counts {
    accepted: usize,
    not_accepted: usize,
    left_out: usize,
    unreadable: usize,
}

pub(crate) async fn run(args: ReplayArgs, output: Output) -> Result<ExitCode, Error> {
    let mut stop = std::pin::pin!(stop::signal()?);
    let mut replay = Replay::new(&args, output)?;
    let name = payload::name(&args.file);
    let opened = || -> io::Result<Box<dyn BufRead + Send>> {
        Ok(match payload::is_stdin(&args.file) {
            true => Box::new(BufReader::new(io::stdin())),
            false => Box::new(BufReader::new(File::open(&args.file)?)),
        })
    };
    let input = opened().map_err(|error| format!("{name}: {error}"))?;
    let mut recording = Recording::new(input);
    loop {
        // Reading may block: a pipe waits for its writer.
        let read = tokio::task::spawn_blocking(move || (recording.next(), recording));
        let (next, rest) = tokio::select! {
            () = stop.as_mut() => break,
            read = read => read?,
        };
        recording = rest;
        match next {
            None => break,
            Some(Ok(entry)) => {
                let sent = replay.send(&entry);
                tokio::select! {
                    () = stop.as_mut() => break,
                    sent = sent => sent?,
                }
            }
            Some(Err(error)) => match error.kind() {
                ReadErrorKind::Cut | ReadErrorKind::Invalid | ReadErrorKind::TooLong => {
                    replay.counts.unreadable += 1;
                    output.note(format_args!("{name}: {error}"));
                }
                _ => return Err(format!("{name}: {error}").into()),
            },
        }
    }
    replay.finish(stop).await
}

struct Replay<'a> {
    args: &'a ReplayArgs,
    output: Output,
    client: Client,
    app: PlatformBuilder,
    is_signed: bool,
    only: Vec<Pattern>,
    pace: Pace,
    /// The requests under way.
    running: JoinSet<Sent>,
    counts: Counts,
}

/// A request that has been answered, or not.
struct Sent {
    event_type: String,
    event_id: String,
    posted: Posted,
}

impl<'a> Replay<'a> {
    fn new(args: &'a ReplayArgs, output: Output) -> Result<Self, Error> {
        let key = args.secrets.key()?;
        let token = args.secrets.token()?.unwrap_or_default();
        let mut app = Platform::builder()
            .app(&args.app_id, "")
            .verification_token(token);
        if let Some(key) = &key {
            app = app.encrypt_key(key.as_str());
        }
        Ok(Self {
            args,
            output,
            client: Client::new(args.to.clone())?,
            app,
            is_signed: key.is_some(),
            only: args.only.iter().map(|text| Pattern::new(text)).collect(),
            pace: Pace::new(args.speed),
            running: JoinSet::new(),
            counts: Counts::default(),
        })
    }

    /// Sends an entry when it is due.
    async fn send(&mut self, entry: &Entry) -> Result<(), Error> {
        let document = entry
            .document
            .as_ref()
            .map(|json| json.clone().into_bytes());
        let document = document.and_then(|json| Document::parse(json).ok());
        let event_type = document.as_ref().and_then(Document::event_type);
        let (Some(document), Some(event_type)) = (document, event_type) else {
            self.counts.left_out += 1;
            return Ok(());
        };
        let is_wanted = |pattern: &Pattern| pattern.matches_type(&event_type);
        if !self.only.is_empty() && !self.only.iter().any(is_wanted) {
            self.counts.left_out += 1;
            return Ok(());
        }
        self.pace.due(entry.time()).await;
        while self.running.len() >= self.pace.at_once() {
            self.next_answer().await?;
        }
        let document = match self.args.new_ids {
            true => document.as_new(),
            false => document.keep_duplicate_key(),
        };
        let event_id = entry.delivery().ok().and_then(|it| it.header.event_id);
        let request = self.app.request(document);
        let (client, limit) = (self.client.clone(), Duration::from_secs(self.args.timeout));
        let event_id = event_id.filter(|_| !self.args.new_ids).unwrap_or_default();
        self.running.spawn(async move {
            let posted = client.send(request, limit).await;
            Sent {
                event_type,
                event_id,
                posted,
            }
        });
        Ok(())
    }

    /// Shows the next answer, if a request is under way.
    async fn next_answer(&mut self) -> Result<(), Error> {
        let Some(sent) = self.running.join_next().await else {
            return Ok(());
        };
        let sent = sent?;
        let pushed = Pushed::new(
            &sent.event_type,
            &sent.event_id,
            self.is_signed,
            &sent.posted,
        );
        match pushed.accepted {
            true => self.counts.accepted += 1,
            false => self.counts.not_accepted += 1,
        }
        let shown = match self.output.json {
            true => self.output.print_json(&pushed),
            false => self.output.print(pushed.line(&sent.posted)),
        };
        Ok(even_if_unread(shown)?)
    }

    /// Waits for the requests under way, and prints the summary.
    async fn finish(
        mut self,
        mut stop: impl Future<Output = ()> + Unpin,
    ) -> Result<ExitCode, Error> {
        while !self.running.is_empty() {
            tokio::select! {
                // A second signal does not wait.
                () = &mut stop => break,
                shown = self.next_answer() => shown?,
            }
        }
        let Counts {
            accepted,
            not_accepted,
            left_out,
            unreadable,
        } = self.counts;
        let shown = match self.output.json {
            true => self.output.print_json(&json!({
                "kind": "summary", "accepted": accepted, "not_accepted": not_accepted,
                "left_out": left_out, "unreadable": unreadable,
            })),
            false => self.output.print(Text::painted(
                FAINT,
                format_args!(
                    "{} sent: {accepted} accepted, {not_accepted} not accepted; {left_out} left out; {}",
                    count(accepted + not_accepted, "event"),
                    count(unreadable, "unreadable line"),
                ),
            )),
        };
        even_if_unread(shown)?;
        let is_good = not_accepted == 0 && unreadable == 0;
        Ok(ExitCode::from(u8::from(!is_good)))
    }
}
