//! `lark-events inbox show`: all facts of one event, and its attempts.

use std::process::ExitCode;

use clap::Args;
use clap::builder::styling::Style;
use lark_events::RawJson;
use lark_events_inbox::{Admin, AttemptRecord, Filter, Page, Shown, State};
use serde::Serialize;

use super::row::{Row, painted};
use super::store::StoreArgs;
use super::when::{short, since, utc};
use crate::Error;
use crate::figures::{count, time};
use crate::output::{BAD, FAINT, NAME, Output, STRONG};
use crate::table::Table;
use crate::text::Text;
use lark_events_pages::{Layout, lay_out};

/// Show one event with the history of its attempts, and its body if you ask for it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lark-events inbox show 1042 --store sqlite:events.db
  lark-events inbox show --event-id 5e3702a8 --store sqlite:events.db --body
  lark-events inbox show 1042 --store sqlite:events.db --body --json | jq .body

Exit status 1: the store does not have the event, or has several with this event id.")]
pub(super) struct ShowArgs {
    /// The number of the event in the store.
    #[arg(value_name = "SEQ", required_unless_present = "event_id")]
    seq: Option<u64>,
    /// The event id, instead of the number.
    #[arg(long, value_name = "ID", conflicts_with = "seq")]
    event_id: Option<String>,
    #[command(flatten)]
    store: StoreArgs,
    /// Also print the body, which may contain personal data.
    #[arg(long)]
    body: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    row: Row<'a>,
    trace: Option<&'a str>,
    history: Vec<Attempt<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a RawJson>,
}

#[derive(Serialize)]
struct Attempt<'a> {
    number: u32,
    ended_at: String,
    millis: f64,
    outcome: &'static str,
    error: Option<&'a str>,
}

impl<'a> From<&'a AttemptRecord> for Attempt<'a> {
    fn from(attempt: &'a AttemptRecord) -> Self {
        Self {
            number: attempt.number,
            ended_at: utc(attempt.ended),
            millis: attempt.took.as_secs_f64() * 1e3,
            outcome: attempt.outcome.as_str(),
            error: attempt.error.as_deref(),
        }
    }
}

pub(super) async fn run(args: &ShowArgs, output: Output) -> Result<ExitCode, Error> {
    let store = args.store.open().await?;
    let seq = match (args.seq, &args.event_id) {
        (Some(seq), _) => seq,
        (None, Some(id)) => match only(&*store, id).await? {
            Ok(seq) => seq,
            Err(why) => {
                output.note(Text::line(why));
                return Ok(ExitCode::FAILURE);
            }
        },
        (None, None) => return Err("no event to show: give its number or --event-id".into()),
    };
    let Some(shown) = store.show(seq).await? else {
        output.note(format_args!("the store has no event {seq}"));
        return Ok(ExitCode::FAILURE);
    };
    if output.json {
        let body = lay_out(shown.delivery.raw.as_str(), Layout::Compact);
        let body = RawJson::parse(body)?;
        output.print_json(&Document {
            row: Row::from(&shown.listed),
            trace: shown.trace.as_deref(),
            history: shown.history.iter().map(Attempt::from).collect(),
            body: args.body.then_some(&body),
        })?;
    } else {
        output.print(page(&shown, args.body))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The number of the only event with this id, or why there is none.
async fn only(store: &dyn Admin, id: &str) -> Result<Result<u64, String>, Error> {
    let mut filter = Filter::default();
    filter.event_id = Some(id.to_owned());
    let page = Page::first(10);
    let found = store.list(&filter, page).await?;
    Ok(match &found[..] {
        [] => Err(format!("the store has no event with the id {id}")),
        [one] => Ok(one.seq),
        several => {
            let numbers = several.iter().map(|one| one.seq.to_string());
            let numbers: Vec<_> = numbers.collect();
            let numbers = numbers.join(", ");
            Err(format!(
                "several events have the id {id}: give the number of one, {numbers}"
            ))
        }
    })
}

fn page(shown: &Shown, body: bool) -> Text {
    let listed = &shown.listed;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let received = utc(listed.received_at);
    let age = short(since(listed.received_at));
    let mut facts = Table::default();
    for (label, text) in [
        ("state", state(shown)),
        ("event id", text(&listed.event_id)),
        ("app", text(&listed.app_id)),
        ("tenant", text(&listed.tenant_key)),
        ("lane", text(&listed.lane)),
        ("received", format!("{received} ({age} ago)")),
        ("by", listed.transport.as_str().replace('_', " ")),
        ("trace", text(&shown.trace)),
        ("attempts", listed.attempts.to_string()),
        ("last error", text(&listed.last_error)),
    ] {
        if !text.is_empty() {
            facts.row([label.to_owned(), text]);
        }
    }
    let head = Text::painted(STRONG, listed.seq)
        .then("  ")
        .then(Text::painted(NAME.bold(), &listed.event_type));
    let mut lines = vec![head];
    lines.extend(facts.lines(|row, column| match (row, column) {
        (_, 0) => FAINT,
        (0, _) => painted(listed.state),
        _ => Style::new(),
    }));
    if !shown.history.is_empty() {
        lines.push(Text::default());
        lines.extend(history(&shown.history));
    }
    if body {
        lines.extend([Text::default(), Text::painted(STRONG, "Body")]);
        let body = lay_out(shown.delivery.raw.as_str(), Layout::Pretty);
        lines.push(Text::lines(body));
    }
    Text::below(lines)
}

/// `leased, for 42s`
fn state(shown: &Shown) -> String {
    let name = shown.listed.state.as_str();
    let left = shown.listed.visible_in.map(short);
    match (shown.listed.state, left) {
        (State::Leased, Some(left)) => format!("{name}, for another {left}"),
        (State::Waiting, Some(left)) => format!("{name} for a retry in {left}"),
        (State::Waiting, None) => format!("{name} for its lane"),
        _ => name.to_owned(),
    }
}

fn history(history: &[AttemptRecord]) -> impl Iterator<Item = Text> {
    let mut table = Table::default();
    let head = count(history.len(), "ended attempt");
    table.row(["ATTEMPT", "ENDED", "TOOK", "OUTCOME", "ERROR"]);
    for attempt in history {
        table.row([
            attempt.number.to_string(),
            utc(attempt.ended),
            time(attempt.took),
            attempt.outcome.as_str().to_owned(),
            attempt.error.clone().unwrap_or_default(),
        ]);
    }
    let lines = table.lines(|row, column| match (row, column) {
        (0, _) => FAINT,
        (_, 4) => BAD,
        _ => Style::new(),
    });
    let lines: Vec<_> = lines.collect();
    [Text::painted(STRONG, head)].into_iter().chain(lines)
}
