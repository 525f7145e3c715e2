//! `lark-events inbox replay`: events once more, from the queue or to a webhook.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use clap::Args;
use lark_events::event::Schema;
use lark_events::webhook::SIGNATURE_HEADER;
use lark_events::{Delivery, RawJson};
use lark_events_inbox::{Admin, Listed};
use lark_events_sim::{ANSWER_LIMIT, Platform, WebhookUrl};
use serde::Serialize;
use serde_json::json;

use super::act::REPLAY;
use super::progress::Progress;
use super::store::StoreArgs;
use super::walk::{Operation, Selection, Walk};
use crate::Error;
use crate::figures::count;
use crate::output::{Output, STRONG, even_if_unread};
use crate::secrets::Secrets;
use crate::text::Text;
use crate::webhook::client::Client;
use crate::webhook::pushed::Pushed;

/// Put finished events back into the queue, or post events to a webhook.
///
/// Takes the events that were received before the command started, in the order of their numbers.
///
/// Without --to, workers handle the events again. With --to, each event that matches, finished or not, is
/// posted once, with its own id and time, encrypted and signed anew; the store does not change. A webhook
/// that recognises duplicates accepts an event that it knows without handling it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lark-events inbox replay --store sqlite:events.db --since 2h --type im.message.receive_v1
  lark-events inbox replay --store sqlite:events.db --since 3d --to http://localhost:3000/events
  lark-events inbox replay --store sqlite:events.db --all --to $URL --keep-going --json

Exit status 1: no event was replayed, or the webhook did not accept one, with status 200 in time.")]
pub(super) struct ReplayArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// Post to this webhook, `http://` or `https://`, instead.
    #[arg(long, value_name = "URL")]
    to: Option<WebhookUrl>,
    /// Continue after an event that the webhook did not accept.
    #[arg(long, requires = "to")]
    keep_going: bool,
    /// Seconds to wait for each answer.
    #[arg(long, value_name = "SECONDS", default_value_t = ANSWER_LIMIT.as_secs(), requires = "to")]
    timeout: u64,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    secrets: Secrets,
}

const POST: Operation = Operation {
    name: "post",
    doing: "posting",
    done: "posted",
};

pub(super) async fn run(args: ReplayArgs, output: Output) -> Result<ExitCode, Error> {
    let Some(to) = args.to else {
        return REPLAY.run(&args.store, &args.selection, output).await;
    };
    args.selection.check("replay")?;
    let webhook = Target {
        client: Client::new(to)?,
        key: args.secrets.key()?,
        token: args.secrets.token()?.unwrap_or_default(),
        timeout: Duration::from_secs(args.timeout),
    };
    let store = args.store.open().await?;
    let mut walk = args.selection.walk(&*store, &[], |_| true)?;
    walk.filter.until.get_or_insert(SystemTime::now());
    if args.selection.dry_run {
        let events = walk.dry_run(&POST, output).await?;
        return Ok(ExitCode::from(u8::from(events == 0)));
    }
    let counts = post(&*store, walk, &webhook, args.keep_going, output).await?;
    even_if_unread(counts.show(output))?;
    let is_good = counts.accepted > 0 && counts.not_accepted == 0;
    Ok(ExitCode::from(u8::from(!is_good)))
}

/// Where to post, and how.
struct Target {
    client: Client,
    key: Option<String>,
    token: String,
    timeout: Duration,
}

/// How many events the webhook accepted.
#[derive(Debug, Default)]
struct Counts {
    accepted: usize,
    not_accepted: usize,
}

impl Counts {
    fn show(&self, output: Output) -> std::io::Result<()> {
        let Self {
            accepted,
            not_accepted,
        } = self;
        if output.json {
            let summary = json!({"accepted": accepted, "not_accepted": not_accepted});
            return output.print_json(&json!({ "summary": summary }));
        }
        let posted = count(accepted + not_accepted, "event");
        let text = format!("posted {posted}: {accepted} accepted, {not_accepted} not accepted");
        output.print(Text::painted(STRONG, text))
    }
}

async fn post(
    store: &dyn Admin,
    mut walk: Walk<'_>,
    webhook: &Target,
    keep_going: bool,
    output: Output,
) -> Result<Counts, Error> {
    let mut progress = Progress::new(POST.doing, output);
    let mut counts = Counts::default();
    while let Some(batch) = progress.during(walk.next()).await? {
        for listed in &batch.events {
            let Some(shown) = progress.during(store.show(listed.seq)).await? else {
                // It was pruned since the batch was read.
                continue;
            };
            let posted = webhook.post(listed, &shown.delivery, &mut progress, output);
            let is_accepted = posted.await?;
            progress.add(1);
            if is_accepted {
                counts.accepted += 1;
                continue;
            }
            counts.not_accepted += 1;
            if !keep_going {
                let seq = listed.seq;
                output.note(format_args!(
                    "stopped at event {seq}: --from-seq {seq} resumes there, --keep-going continues \
                    after failures"
                ));
                return Ok(counts);
            }
        }
    }
    Ok(counts)
}

impl Target {
    /// Posts one event and prints the answer. Returns whether the webhook accepted it.
    async fn post(
        &self,
        listed: &Listed,
        delivery: &Delivery,
        progress: &mut Progress,
        output: Output,
    ) -> Result<bool, Error> {
        #[derive(Serialize)]
        struct Posted<'a> {
            seq: u64,
            #[serde(flatten)]
            pushed: &'a Pushed<'a>,
        }
        let mut app = Platform::builder();
        if let Some(key) = &self.key {
            app = app.encrypt_key(key.as_str());
        }
        // Unchanged but for the token, so that the app gets what it got before.
        let request = app.request(with_token(delivery, &self.token)?);
        let signed = request.headers().contains_key(SIGNATURE_HEADER);
        let sent = self.client.send(request, self.timeout);
        let answer = progress.during(sent).await;
        progress.clear();
        let event_id = listed.event_id.as_deref().unwrap_or_default();
        let pushed = Pushed::new(&listed.event_type, event_id, signed, &answer);
        let seq = listed.seq;
        let printed = if output.json {
            let pushed = &pushed;
            output.print_json(&Posted { seq, pushed })
        } else {
            output.print(Text::line(format_args!("{seq}  ")).then(pushed.line(&answer)))
        };
        even_if_unread(printed)?;
        Ok(pushed.accepted)
    }
}

/// The document of an event with the app's token, which the store does not have.
fn with_token(delivery: &Delivery, token: &str) -> Result<Bytes, Error> {
    type Members = BTreeMap<String, RawJson>;
    let document = RawJson::parse(delivery.to_document())?;
    let mut members: Members = document.decode()?;
    let token = RawJson::encode(&token)?;
    if delivery.header.schema == Schema::V1 {
        members.insert("token".to_owned(), token);
    } else if let Some(header) = members.get_mut("header") {
        let mut inner: Members = header.decode()?;
        inner.insert("token".to_owned(), token);
        *header = RawJson::encode(&inner)?;
    }
    Ok(RawJson::encode(&members)?.into_bytes())
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use lark_events::Transport;

    use super::*;

    #[test]
    fn only_the_token_is_added_in_both_envelopes() {
        let parse = |document: Bytes| {
            Delivery::parse_unauthenticated(document, Transport::Local, UNIX_EPOCH).unwrap()
        };
        for document in [
            r#"{"schema":"2.0","header":{"event_id":"e","event_type":"tea.pot.ready_v1","x":[1.0]},"event":{"a":1e400}}"#,
            r#"{"uuid":"e","ts":"1","type":"event_callback","event":{"type":"message","a":1.00}}"#,
        ] {
            let delivery = parse(document.into());
            let with = with_token(&delivery, "t-1").unwrap();
            let text = std::str::from_utf8(&with).unwrap();
            assert_eq!(text.matches(r#""token":"t-1""#).count(), 1, "{text}");
            let again = parse(with);
            assert_eq!(again.to_document(), delivery.to_document());
        }
    }
}
