//! `lark-events codegen`: a module of the app, with types for the events of documentation pages.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use lark_events_codegen::{CodegenError, Module};
use serde_json::json;

use crate::Error;
use crate::output::{NAME, Output};
use crate::text::Text;

/// Generate Rust types for events that no crate has, from saved documentation pages.
///
/// Reads pages of the platform's documentation, in Chinese or English, saved as the JSON that
/// `get_detail` returns or as Markdown. Writes one module with the types of each event, the samples,
/// and tests of the samples. Your crate needs `lark-events`, `serde` with `derive`, and `serde_json`
/// for the tests.
///
/// The module takes names, types and numbers from the pages, not their text: fields have no description.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lark-events codegen created.json updated.json
  lark-events codegen created.json --out src/events/kitchen.rs

Then add `mod events;` beside it, and register a handler with `on::<TheEvent>`.

Exit status 1: a page is not an event page, or describes no valid types; no file is written.")]
pub(crate) struct CodegenArgs {
    #[arg(required = true, value_name = "PAGE")]
    pages: Vec<PathBuf>,
    /// The file to write, `*.rs`, or a folder, which gets `events.rs`.
    #[arg(long, value_name = "DIR|FILE", default_value = "src")]
    out: PathBuf,
    /// Overwrite a file that this command did not generate.
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &CodegenArgs, output: Output) -> Result<ExitCode, Error> {
    let module = match Module::from_pages(&args.pages) {
        Ok(module) => module,
        Err(error @ (CodegenError::Refused(_) | CodegenError::Problems(_))) => {
            output.error(&error);
            return Ok(ExitCode::FAILURE);
        }
        Err(error) => return Err(error.into()),
    };
    let file = file(&args.out);
    let unformatted = match module.write(&file, args.force) {
        Err(error @ CodegenError::NotGenerated(_)) => {
            return Err(format!("{error}; --force overwrites it").into());
        }
        written => written?,
    };
    for note in &module.notes {
        output.note(Text::line(note));
    }
    for (name, fields) in &module.undescribed {
        let fields = fields.join(", ");
        output.note(Text::line(format_args!("no description: {name}: {fields}")));
    }
    if let Some(reason) = unformatted {
        output.note(Text::line(format_args!("not formatted: {reason}")));
    }
    if output.json {
        let events = module.events.iter();
        let events =
            events.map(|(event_type, name)| json!({"event_type": event_type, "rust_type": name}));
        let written = json!({"file": file, "events": events.collect::<Vec<_>>()});
        output.print_json(&written)?;
    } else {
        let events = module.events.iter();
        let events = events.map(|(event_type, name)| {
            Text::line(format_args!("  {event_type}  ")).then(Text::painted(NAME, name))
        });
        let wrote = Text::line(format_args!("wrote {}", file.display()));
        output.print(Text::below([wrote].into_iter().chain(events)))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn file(out: &Path) -> PathBuf {
    match out.extension() {
        Some(extension) if extension == "rs" => out.to_owned(),
        _ => out.join("events.rs"),
    }
}
