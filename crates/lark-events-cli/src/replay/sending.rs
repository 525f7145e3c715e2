//! Sends entries of a recording, and counts the answers.

use std::fmt::Display;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use lark_events::{EncryptKey, RawJson};
use lark_events_layers::record::Entry;
use lark_events_sim::{Document, Platform, PlatformBuilder};
use serde_json::json;
use tokio::task::JoinSet;

use super::ReplayArgs;
use super::pace::Pace;
use crate::Error;
use crate::document::envelope::Envelope;
use crate::events::pattern::Pattern;
use crate::figures::count;
use crate::output::{FAINT, Output, even_if_unread};
use crate::push::event_id as event_id_of;
use crate::text::Text;
use crate::webhook::answer::Posted;
use crate::webhook::client::Client;
use crate::webhook::pushed::Pushed;

/// The most bytes of requests under way, beside a single larger one.
const MAX_BYTES_UNDER_WAY: usize = 32 * 1024 * 1024;

/// Sends entries to a webhook, each when it is due.
pub(super) struct Sending {
    args: ReplayArgs,
    output: Output,
    client: Client,
    app: PlatformBuilder,
    key: Option<EncryptKey>,
    token: Option<String>,
    only: Vec<Pattern>,
    pace: Pace,
    /// The requests under way.
    running: JoinSet<Sent>,
    /// The bytes of their bodies.
    bytes: usize,
    counts: Counts,
}

/// Counts for the summary.
#[derive(Debug, Default)]
struct Counts {
    accepted: usize,
    not_accepted: usize,
    /// By `--only`.
    left_out: usize,
    /// Lines without an event that can be sent.
    skipped: usize,
}

/// A request that has been answered, or not.
struct Sent {
    event_type: String,
    event_id: String,
    bytes: usize,
    posted: Posted,
}

impl Sending {
    pub(super) fn new(args: ReplayArgs, output: Output) -> Result<Self, Error> {
        let (key, token) = (args.secrets.key()?, args.secrets.token()?);
        let mut app = Platform::builder().verification_token(token.clone().unwrap_or_default());
        if let Some(key) = &key {
            app = app.encrypt_key(key.as_str());
        }
        Ok(Self {
            client: Client::new(args.to.clone())?,
            only: args.only.iter().map(|text| Pattern::new(text)).collect(),
            pace: Pace::new(args.speed),
            key: key.map(EncryptKey::new),
            args,
            output,
            app,
            token,
            running: JoinSet::new(),
            bytes: 0,
            counts: Counts::default(),
        })
    }

    /// Sends an entry when it is due; the inner error is why it has no event that can be sent.
    pub(super) async fn send(&mut self, entry: &Entry) -> Result<Result<(), String>, Error> {
        let Some(document) = &entry.document else {
            return Ok(Err("the entry has no document".to_owned()));
        };
        let delivery = entry.delivery();
        let event_type = delivery
            .as_ref()
            .map(|delivery| &delivery.header.event_type);
        let event_type = event_type.map(ToString::to_string).unwrap_or_default();
        let is_wanted = |pattern: &Pattern| pattern.matches_type(&event_type);
        if !self.only.is_empty() && !self.only.iter().any(is_wanted) {
            self.counts.left_out += 1;
            return Ok(Ok(()));
        }
        let header = match delivery {
            Ok(delivery) => delivery.header,
            Err(error) => return Ok(Err(format!("the event cannot be sent again: {error}"))),
        };
        let request = match self.args.new_ids {
            true => self.new_event(document, header.app_id.as_deref()),
            false => self.same_event(document.as_str()),
        };
        let request = match request {
            Ok(request) => request,
            Err(why) => return Ok(Err(format!("the event cannot be sent again: {why}"))),
        };
        let due = self.pace.due(entry.time());
        self.answered_until(due).await?;
        self.answered_until_room_for(request.body().len()).await?;
        let event_id = header.event_id.as_deref().unwrap_or_default();
        let event_id = match self.args.new_ids {
            true => event_id_of(request.body(), self.key.as_ref()),
            false => event_id.to_owned(),
        };
        self.spawn(event_type, event_id, request);
        Ok(Ok(()))
    }

    /// A new event with the recorded content, for the recorded app.
    fn new_event(
        &self,
        document: &RawJson,
        recorded: Option<&str>,
    ) -> Result<Request<Bytes>, String> {
        let parsed = Document::parse(document.clone().into_bytes());
        let mut document = parsed.map_err(|error| error.to_string())?.as_new();
        if let Some(id) = self.args.app_id.as_deref().or(recorded) {
            document = document.header("app_id", id);
        }
        Ok(self.app.request(document))
    }

    /// The recorded event with the token of the app.
    fn same_event(&self, document: &str) -> Result<Request<Bytes>, String> {
        let mut envelope = Envelope::parse(document).ok_or("the document has no envelope")?;
        if let Some(token) = &self.token {
            envelope.set_token(token);
        }
        if let Some(id) = &self.args.app_id {
            envelope.set_app_id(id);
        }
        Ok(self.app.request(Document::from(envelope.into_bytes())))
    }

    fn spawn(&mut self, event_type: String, event_id: String, request: Request<Bytes>) {
        let (client, limit) = (self.client.clone(), Duration::from_secs(self.args.timeout));
        let bytes = request.body().len();
        self.bytes += bytes;
        self.running.spawn(async move {
            let posted = client.send(request, limit).await;
            Sent {
                event_type,
                event_id,
                bytes,
                posted,
            }
        });
    }

    /// Waits until another request can be under way.
    async fn answered_until_room_for(&mut self, bytes: usize) -> Result<(), Error> {
        while !self.running.is_empty()
            && (self.running.len() >= self.pace.at_once()
                || self.bytes + bytes > MAX_BYTES_UNDER_WAY)
        {
            self.next_answered().await?;
        }
        Ok(())
    }

    /// Waits for something else, and shows the answers meanwhile.
    pub(super) async fn answered_until<T>(
        &mut self,
        other: impl Future<Output = T>,
    ) -> Result<T, Error> {
        let mut other = std::pin::pin!(other);
        loop {
            tokio::select! {
                other = &mut other => return Ok(other),
                shown = self.next_answered(), if !self.running.is_empty() => shown?,
            }
        }
    }

    /// Waits for the answers to all requests under way.
    pub(super) async fn all_answered(&mut self) -> Result<(), Error> {
        while !self.running.is_empty() {
            self.next_answered().await?;
        }
        Ok(())
    }

    /// Shows the next answer.
    async fn next_answered(&mut self) -> Result<(), Error> {
        let Some(sent) = self.running.join_next().await else {
            return Ok(());
        };
        let Sent {
            event_type,
            event_id,
            bytes,
            posted,
        } = sent?;
        self.bytes -= bytes;
        let pushed = Pushed::new(&event_type, &event_id, self.key.is_some(), &posted);
        match pushed.accepted {
            true => self.counts.accepted += 1,
            false => self.counts.not_accepted += 1,
        }
        let shown = match self.output.json {
            true => self.output.print_json(&pushed),
            false => self.output.print(pushed.line(&posted)),
        };
        Ok(even_if_unread(shown)?)
    }

    /// Reports a line without an event that can be sent.
    pub(super) fn skipped(&mut self, why: impl Display) {
        self.counts.skipped += 1;
        self.output.note(Text::line(why));
    }

    /// Prints the summary, and returns the exit status.
    pub(super) fn finish(self, is_stopped: bool) -> Result<ExitCode, Error> {
        let Counts {
            accepted,
            not_accepted,
            left_out,
            skipped,
        } = self.counts;
        let unanswered = self.running.len();
        let shown = if self.output.json {
            self.output.print_json(&json!({
                "kind": "summary", "accepted": accepted, "not_accepted": not_accepted,
                "left_out": left_out, "skipped": skipped, "unanswered": unanswered,
                "stopped": is_stopped,
            }))
        } else {
            let sent = count(accepted + not_accepted + unanswered, "event");
            let mut text = format!("{sent} sent: {accepted} accepted, {not_accepted} not accepted");
            for (number, what) in [
                (unanswered, "not answered yet"),
                (left_out, "left out"),
                (skipped, "skipped"),
            ] {
                if number > 0 {
                    text += &format!(", {number} {what}");
                }
            }
            if is_stopped {
                text += "; stopped before the end of the recording";
            }
            self.output.print(Text::painted(FAINT, text))
        };
        even_if_unread(shown)?;
        let is_good = not_accepted + skipped + unanswered == 0 && !is_stopped;
        Ok(ExitCode::from(u8::from(!is_good)))
    }
}
