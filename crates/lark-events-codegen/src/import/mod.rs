//! `cargo xtask codegen import PAGE…`: saved pages of the platform's documentation become fact
//! files, whole. Only facts are taken: names, types, numbers, sample values; no sentence is.
//!
//! ```text
//! bytes -> page (blocks) -> events (a table and a sample each) -> fields -> sampled -> document
//! ```

mod changes;
mod document;
pub(crate) mod events;
mod fields;
mod kind;
mod markup;
pub(crate) mod page;
mod sample;
mod sampled;
mod wording;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use self::events::Imported;
use self::page::{Page, Refusal};
use super::files::ensure_file_contents;
use super::overlay::Overlay;
use super::problem::Problems;
use super::{CodegenError, names, sources};

/// What an import did, as lines to print, and whether all pages were taken.
#[derive(Debug, Default)]
pub struct Report {
    /// New and updated fact files, with what changed in them.
    pub lines: Vec<String>,
    /// Pages that were not taken, each with its line and what was expected there.
    pub refused: Vec<String>,
}

/// What the pages do not say.
#[derive(Debug, Default)]
pub struct Setting {
    repairs: Vec<SampleRepair>,
    /// By event type, where it does not begin with its domain.
    pub domains: BTreeMap<String, String>,
    /// The domain of an event that names none and is not among those.
    pub otherwise: Option<String>,
}

/// A sample that is no JSON, put right.
#[derive(Debug)]
struct SampleRepair {
    event_type: String,
    /// The overlay that has it.
    file: String,
    find: String,
    replace: String,
}

/// `specs/domains.toml`: the events of each domain whose types do not begin with it.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
struct DomainsFile(BTreeMap<String, Vec<String>>);

impl Setting {
    fn read(root: &Path) -> Result<Self, CodegenError> {
        let mut setting = Self::default();
        let mut problems = Problems::default();
        let path = root.join(sources::DOMAINS);
        if path.exists() {
            let text = fs::read_to_string(&path).map_err(|error| CodegenError::io(&path, error))?;
            match toml::from_str::<DomainsFile>(&text) {
                Ok(DomainsFile(domains)) => {
                    for (domain, event_types) in domains {
                        if !names::is_domain_name(&domain) {
                            problems.push(sources::DOMAINS, &domain, "not a name for a domain");
                        }
                        for event_type in event_types {
                            let old = setting.domains.insert(event_type.clone(), domain.clone());
                            if let Some(old) = old {
                                let rule = format!("`{event_type}` is in {old} too");
                                problems.push(sources::DOMAINS, &domain, rule);
                            }
                        }
                    }
                }
                Err(error) => problems.push(sources::DOMAINS, "", error.message()),
            }
        }
        for overlay in sources::read_overlays(root)? {
            let Some(parsed) = Overlay::parse(&overlay.file, &overlay.text, &mut problems) else {
                continue;
            };
            for (event_type, words) in parsed.events {
                for repair in words.repairs {
                    setting.repairs.push(SampleRepair {
                        event_type: event_type.clone(),
                        file: overlay.file.clone(),
                        find: repair.find,
                        replace: repair.replace,
                    });
                }
            }
        }
        problems.checkpoint().map_err(CodegenError::Problems)?;
        Ok(setting)
    }

    /// What the file of domains says, or the first word of the event type.
    fn domain(&self, event_type: &str) -> Option<String> {
        let listed = self.domains.get(event_type).cloned();
        let named = listed.or_else(|| {
            let (first, _) = event_type.split_once('.')?;
            (!first.is_empty()).then(|| first.to_owned())
        });
        named.or_else(|| self.otherwise.clone())
    }
}

/// Imports pages. Those that are no event pages are refused, and the others go on.
pub(crate) fn run(root: &Path, pages: &[PathBuf]) -> Result<Report, CodegenError> {
    let setting = Setting::read(root)?;
    let mut report = Report::default();
    let mut seen = BTreeMap::new();
    for page in pages {
        let name = page.display().to_string();
        let bytes = match fs::read(page) {
            Ok(bytes) => bytes,
            Err(error) => {
                report.refused.push(format!("{name}: {error}"));
                continue;
            }
        };
        match events_of(&bytes, &setting) {
            Ok(events) => {
                for event in events {
                    if let Some(first) = seen.insert(event.event_type.clone(), name.clone()) {
                        let line = format!("{name}: `{}` stands on {first} too", event.event_type);
                        report.refused.push(line);
                        continue;
                    }
                    write(root, &name, &event, &mut report)?;
                }
            }
            Err(Refusal { line, expected }) => {
                report
                    .refused
                    .push(format!("{name}:{line}: expected {expected}"));
            }
        }
    }
    Ok(report)
}

/// The events on a page.
///
/// # Errors
///
/// The first place of the page that says it is no event page.
pub fn events_of(bytes: &[u8], setting: &Setting) -> Result<Vec<Imported>, Refusal> {
    events::read(&Page::parse(bytes)?, setting)
}

/// Writes a fact file and tells what is new in it, and what is doubtful.
fn write(
    root: &Path,
    page: &str,
    event: &Imported,
    report: &mut Report,
) -> Result<(), CodegenError> {
    let file = format!("specs/{}/{}.json", event.domain, event.event_type);
    let path = root.join(&file);
    let old = fs::read_to_string(&path).ok();
    let text = event.text();
    if ensure_file_contents(&path, &text, false)? {
        return Ok(());
    }
    let old = old.and_then(|old| serde_json::from_str::<Value>(&old).ok());
    match old {
        None => report.lines.push(format!("new {file}")),
        Some(old) => {
            report.lines.push(format!("updated {file}"));
            let changes = changes::between(&old, &event.document).into_iter();
            report.lines.extend(changes.map(|line| format!("  {line}")));
        }
    }
    let notes = event.notes.iter();
    let notes = notes.map(|(line, note)| format!("  {page}:{line}: {note}"));
    report.lines.extend(notes);
    let mut only_sampled = Vec::new();
    find_only_sampled(&event.document, "", &mut only_sampled);
    let only_sampled = only_sampled.into_iter();
    report
        .lines
        .extend(only_sampled.map(|at| format!("  only in the sample: {at}")));
    Ok(())
}

/// The places of fields that the table does not have.
fn find_only_sampled(schema: &Value, at: &str, found: &mut Vec<String>) {
    if schema.pointer("/x-lark/only_sampled").is_some() {
        found.push(at.to_owned());
    }
    for (name, member) in schema.as_object().into_iter().flatten() {
        if name != "examples" && name != "x-lark" {
            find_only_sampled(member, &changes::place(at, name), found);
        }
    }
}
