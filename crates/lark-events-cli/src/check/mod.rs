//! `lark-events check`: tests a webhook in any language with requests of the platform and forged ones.

mod answer;
mod authenticity;
mod case;
mod delivery;
mod endurance;
mod probe;

use std::io;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use lark_events_sim::WebhookUrl;
use serde_json::json;

use self::case::Case;
use self::probe::Probe;
use crate::Error;
use crate::finding::{Counts, NAME_WIDTH};
use crate::output::{Output, even_if_unread};
use crate::secrets::Secrets;

/// Check a webhook, in any language, with valid, malformed, forged and slow requests.
///
/// The checks run the webhook's handlers, with the sample of an event and random ids.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct CheckArgs {
    /// The URL of the webhook, `http://` or `https://`.
    #[arg(required_unless_present = "list")]
    url: Option<WebhookUrl>,
    #[command(flatten)]
    secrets: Secrets,
    /// An event that the app has a handler for.
    #[arg(long, value_name = "TYPE", default_value = "im.message.receive_v1")]
    event: String,
    /// Run this case only; can be repeated.
    #[arg(long, value_name = "CASE", hide_possible_values = true)]
    only: Vec<Case>,
    /// List the cases.
    #[arg(long)]
    list: bool,
}

const AFTER_HELP: &str = "\
Examples:
  lark-events check http://localhost:3000/webhook/event
  lark-events check https://example.com/events --event vc.meeting.meeting_started_v1
  lark-events check $URL --only refusals-alike --only slow-bodies

Verdicts:
  accepted  status 200; the platform redelivers an event after any other status
  rejected  any status but 2xx; 401 is usual, and some official SDKs answer 500.
            A 2xx that equals the answer to a good event is a failure, since it does not show
            whether a forged event was handled; a 2xx that differs is a warning.
  fail      events can be lost or forged, or any sender can stop the webhook
  warn      correct for some apps, wrong for others
  skip      the case needs the Encrypt Key or the Verification Token, which is not set

Exit status 1: a case fails.";

pub(crate) async fn run(args: CheckArgs, output: Output) -> Result<ExitCode, Error> {
    let Some(url) = args.url.filter(|_| !args.list) else {
        list(output)?;
        return Ok(ExitCode::SUCCESS);
    };
    let probe = Probe::new(url, &args.secrets, &args.event).await?;
    let mut counts = Counts::default();
    for case in Case::value_variants() {
        if !args.only.is_empty() && !args.only.contains(case) {
            continue;
        }
        output.busy_with(format_args!("{} …", case.name()));
        let finding = case.run(&probe).await;
        output.busy_with("");
        counts.add(finding.verdict);
        even_if_unread(finding.show(&case.name(), output))?;
    }
    even_if_unread(counts.show(output))?;
    Ok(ExitCode::from(u8::from(counts.failed > 0)))
}

fn list(output: Output) -> io::Result<()> {
    for case in Case::value_variants() {
        let (name, requires) = (case.name(), case.requires());
        if output.json {
            output.print_json(&json!({ "case": name, "requires": requires }))?;
        } else {
            output.print(format_args!("{name:<NAME_WIDTH$}  {requires}"))?;
        }
    }
    Ok(())
}
