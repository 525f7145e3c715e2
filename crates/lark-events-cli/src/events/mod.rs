//! `lark-events events`: the catalogue of events, searched and shown.

pub(crate) mod pattern;
mod show;

use std::process::ExitCode;

use clap::builder::styling::Style;
use clap::{Args, Subcommand};
use serde::Serialize;

pub(crate) use self::pattern::Pattern;
use crate::Error;
use crate::catalogue::{self, Known};
use crate::output::{FAINT, NAME, Output, STRONG};
use crate::table::Table;
use crate::text::Text;

/// Search the catalogue of events, or show one event.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  lark-events events meeting
  lark-events events 群 机器人
  lark-events events 'vc.*_ended_v?' --long
  lark-events events --json | jq -r .event_type
  lark-events events show im.message.receive_v1

Exit status 1: nothing matches."
)]
pub(crate) struct EventsArgs {
    /// Words, each a part of the event type, the title, the page's title, the Rust type or the domain;
    /// or a whole event or Rust type with `*` for any text and `?` for any character. Lists all events
    /// if left out.
    pattern: Vec<String>,
    /// Also show which permissions allow the event (any one of them), and its documentation page.
    #[arg(short, long)]
    long: bool,
    #[command(subcommand)]
    command: Option<EventsCommand>,
}

#[derive(Debug, Subcommand)]
enum EventsCommand {
    Show(show::ShowArgs),
}

/// An event in a list, for machines.
#[derive(Serialize)]
struct Listed {
    event_type: &'static str,
    rust_type: &'static str,
    module: &'static str,
    #[serde(rename = "crate")]
    crate_name: &'static str,
    title: &'static str,
    scopes: &'static [&'static str],
    page: Option<&'static str>,
    updated: Option<&'static str>,
    /// The page's title.
    page_title: Option<&'static str>,
    /// The sources of its fields, other than a page.
    sdks: &'static [&'static str],
    /// Whether it is in no official source.
    unconfirmed: bool,
}

impl From<Known> for Listed {
    fn from(known: Known) -> Self {
        let Known {
            domain,
            name,
            info,
            origin,
            ..
        } = known;
        Self {
            event_type: info.event_type,
            rust_type: name,
            module: domain.module,
            crate_name: domain.crate_name,
            title: info.title,
            scopes: info.scopes,
            page: info.page,
            updated: info.updated,
            page_title: origin.title,
            sdks: origin.sdks,
            unconfirmed: origin.is_unconfirmed,
        }
    }
}

pub(crate) fn run(args: &EventsArgs, output: Output) -> Result<ExitCode, Error> {
    if let Some(EventsCommand::Show(args)) = &args.command {
        return show::run(args, output);
    }
    let text = args.pattern.join(" ");
    let pattern = Pattern::new(&text);
    let found: Vec<_> = catalogue::all()
        .filter(|known| pattern.matches(known))
        .collect();
    if found.is_empty() {
        output.note(format_args!("no event matches {text}"));
        return Ok(ExitCode::FAILURE);
    }
    if output.json {
        for known in found {
            output.print_json(&Listed::from(known))?;
        }
    } else {
        output.print(table(&found, args.long))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn table(found: &[Known], long: bool) -> Text {
    let mut table = Table::default();
    if long {
        table.row(["EVENT TYPE", "RUST TYPE", "PERMISSIONS", "PAGE"]);
    } else {
        table.row(["EVENT TYPE", "RUST TYPE", "TITLE"]);
    }
    for known in found {
        let info = known.info;
        let mut row = vec![info.event_type.to_owned(), known.path()];
        if long {
            row.push(info.scopes.join("|"));
            row.push(info.page.unwrap_or_default().to_owned());
        } else {
            row.push(info.title.to_owned());
        }
        table.row(row);
    }
    Text::below(table.lines(|row, column| match (row, column) {
        (0, _) => STRONG,
        (_, 0) => NAME,
        (_, 3) => FAINT,
        _ => Style::new(),
    }))
}
