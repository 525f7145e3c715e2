//! `lark-events events show`: all facts of one event.

use std::process::ExitCode;

use clap::Args;
use clap::builder::styling::Style;
use lark_events::RawJson;
use lark_events::event::Schema;
use lark_events_types::catalogue::{Field, fields};
use serde::Serialize;

use super::Listed;
use crate::Error;
use crate::catalogue::{self, Known};
use crate::output::{FAINT, NAME, Output, STRONG};
use crate::table::Table;
use crate::text::Text;
use lark_events_pages::{Layout, lay_out};

/// Show the facts, the fields and the sample of an event.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lark-events events show vc.meeting.meeting_started_v1
  lark-events events show MeetingStartedV1 --json | jq .sample

Exit status 1: no event has this name, or several have.")]
pub(crate) struct ShowArgs {
    /// The event type, or its Rust type, such as `MeetingStartedV1` or `vc_events::MeetingStartedV1`.
    #[arg(value_name = "TYPE")]
    name: String,
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    listed: Listed,
    schema: Option<&'static str>,
    field_scopes: &'static [&'static str],
    app_types: &'static [&'static str],
    fields: Vec<Field>,
    sample: Option<RawJson>,
}

pub(super) fn run(args: &ShowArgs, output: Output) -> Result<ExitCode, Error> {
    let found = catalogue::named(&args.name);
    let [known] = found[..] else {
        output.note(if found.is_empty() {
            catalogue::unknown(&args.name).into()
        } else {
            several(&args.name, &found)
        });
        return Ok(ExitCode::FAILURE);
    };
    let info = known.info;
    let fields = fields(info.event_type).unwrap_or_default();
    if !output.json {
        output.print(page(&known, &fields))?;
        return Ok(ExitCode::SUCCESS);
    }
    let sample = known
        .event
        .sample
        .map(|json| lay_out(json, Layout::Compact));
    output.print_json(&Shown {
        listed: known.into(),
        schema: schema(&known),
        field_scopes: info.field_scopes,
        app_types: info.app_types,
        fields,
        sample: sample.map(RawJson::parse).transpose()?,
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Lists the events that a name may mean.
fn several(name: &str, found: &[Known]) -> Text {
    let head = format!("{name} is a type in {} modules:", found.len());
    let one = |known: &Known| format!("  {}  {}", known.info.event_type, known.path());
    let lines = [head].into_iter().chain(found.iter().map(one));
    Text::below(lines.map(Text::line))
}

/// The version of the envelope; the old card callback has none.
fn schema(known: &Known) -> Option<&'static str> {
    match known.info.schema {
        _ if known.info.event_type == "card.action.trigger_v1" => None,
        Schema::V1 => Some("1.0"),
        _ => Some("2.0"),
    }
}

fn page(known: &Known, fields: &[Field]) -> Text {
    let info = known.info;
    let origin = known.origin;
    let unconfirmed = origin.is_unconfirmed.then_some("no official source");
    let mut facts = Table::default();
    let updated = info.updated.map(|day| format!(" (as of {day})"));
    for (label, text) in [
        ("Rust type", known.path()),
        ("crate", known.domain.crate_name.to_owned()),
        ("envelope", schema(known).unwrap_or("none").to_owned()),
        ("any permission of", info.scopes.join(", ")),
        ("for single fields", info.field_scopes.join(", ")),
        ("app types", info.app_types.join(", ")),
        (
            "page",
            info.page.unwrap_or_default().to_owned() + &updated.unwrap_or_default(),
        ),
        ("in Chinese", origin.title.unwrap_or_default().to_owned()),
        ("fields as in", origin.sdks.join(", ")),
        ("confirmed by", unconfirmed.unwrap_or_default().to_owned()),
    ] {
        if !text.is_empty() {
            facts.row([label.to_owned(), text]);
        }
    }
    let plain = Style::new();
    let heading = |title| [Text::default(), Text::painted(STRONG, title)];
    let mut lines = vec![
        Text::painted(NAME.bold(), info.event_type),
        Text::line(info.title),
        Text::default(),
    ];
    lines.extend(facts.lines(|_, column| if column == 0 { FAINT } else { plain }));
    lines.extend(heading("Fields"));
    if fields.is_empty() {
        lines.push("No source that is known here describes them.".into());
    }
    let mut tree = Table::default();
    add(&mut tree, fields, 1);
    lines.extend(tree.lines(|_, column| if column == 1 { NAME } else { plain }));
    if let Some(sample) = known.event.sample {
        lines.extend(heading("Sample"));
        lines.push(Text::lines(sample.trim_end()));
    }
    Text::below(lines)
}

/// A row for each field and known value, indented by depth.
fn add(tree: &mut Table, fields: &[Field], depth: usize) {
    let indented = |depth: usize, text: &str| "  ".repeat(depth) + text;
    for field in fields {
        tree.row([
            indented(depth, &field.name),
            field.rust_type.clone(),
            field.doc.clone(),
        ]);
        for value in &field.values {
            tree.row([
                indented(depth + 1, &format!("= {}", value.key.as_str())),
                value.name.clone(),
                value.doc.clone(),
            ]);
        }
        add(tree, &field.fields, depth + 1);
    }
}
