//! `lark-events check`: tests a webhook in any language with requests of the platform and forged ones.

mod answer;
mod authenticity;
mod case;
mod delivery;
mod endurance;
mod finding;
mod probe;

use std::io;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use lark_events_sim::WebhookUrl;
use serde::Serialize;
use serde_json::json;

use self::case::Case;
use self::finding::{Finding, Verdict};
use self::probe::Probe;
use crate::Error;
use crate::output::{BAD, FAINT, GOOD, Output, STRONG, even_if_unread};
use crate::secrets::Secrets;
use crate::text::Text;

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
        even_if_unread(show(*case, &finding, output))?;
    }
    even_if_unread(summarize(&counts, output))?;
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

/// The longest name of a case.
const NAME_WIDTH: usize = 16;

fn show(case: Case, finding: &Finding, output: Output) -> io::Result<()> {
    let name = case.name();
    if output.json {
        #[derive(Serialize)]
        struct Row<'a> {
            case: &'a str,
            #[serde(flatten)]
            finding: &'a Finding,
        }
        let case = &name;
        return output.print_json(&Row { case, finding });
    }
    let style = match finding.verdict {
        Verdict::Pass => GOOD,
        Verdict::Warn => STRONG,
        Verdict::Fail => BAD,
        Verdict::Skip => FAINT,
    };
    let seen = format!("  {name:<NAME_WIDTH$}  {}", finding.seen);
    output.print(Text::painted(style, finding.verdict.name()).then(seen))?;
    if let Some(advice) = finding.advice {
        let indent = format!("{:NAME_WIDTH$}        ", "");
        output.print(Text::line(indent).then(Text::painted(FAINT, advice)))?;
    }
    Ok(())
}

fn summarize(counts: &Counts, output: Output) -> io::Result<()> {
    if output.json {
        output.print_json(&json!({ "summary": counts }))
    } else {
        output.print(Text::painted(STRONG, counts.text()))
    }
}

/// The number of cases by verdict.
#[derive(Default, Serialize)]
struct Counts {
    passed: usize,
    warned: usize,
    failed: usize,
    skipped: usize,
}

impl Counts {
    fn add(&mut self, verdict: Verdict) {
        *match verdict {
            Verdict::Pass => &mut self.passed,
            Verdict::Warn => &mut self.warned,
            Verdict::Fail => &mut self.failed,
            Verdict::Skip => &mut self.skipped,
        } += 1;
    }

    fn text(&self) -> String {
        let Self {
            passed,
            warned,
            failed,
            skipped,
        } = self;
        format!("{passed} passed, {warned} warned, {failed} failed, {skipped} skipped")
    }
}
