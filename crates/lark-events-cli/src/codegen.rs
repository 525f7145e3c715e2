//! `lark-events codegen`: events of documentation pages as a module of the app.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use lark_events_codegen::{CodegenError, Module};
use serde_json::json;

use crate::Error;
use crate::output::{NAME, Output};
use crate::text::Text;

/// Write Rust types for events that no crate has, from saved documentation pages.
///
/// Reads pages of the platform's documentation as they are saved: Markdown, in Chinese. All of them
/// become one module, with a type for each event, the types in it, the samples, and tests of these. It
/// goes into your crate, which needs `lark-events`, `serde` with `derive`, and `serde_json` for the tests.
///
/// Pages give names, types and numbers; their sentences stay there. So no field is described.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lark-events codegen created.md updated.md
  lark-events codegen created.md --out src/events/kitchen.rs

Then add `mod events;` beside it, and register a handler with `on::<TheEvent>`.

Exit status 1: a page is no event page, or its facts make no types; nothing is written.")]
pub(crate) struct CodegenArgs {
    #[arg(required = true, value_name = "PAGE")]
    pages: Vec<PathBuf>,
    /// A file that ends with `.rs`, or the folder of a file `events.rs`.
    #[arg(long, value_name = "DIR|FILE", default_value = "src")]
    out: PathBuf,
    /// Overwrite a file that was not generated.
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
