//! `cargo xtask codegen import FILE…`: writes fact files from saved pages of the platform's
//! documentation and models of SDKs. Takes only facts: names, types, numbers and sample values, no
//! text.
//!
//! ```text
//!                 page (blocks) -> drafts (a table and samples) -> events \
//! bytes -> input                                                           -> fields -> sampled -> document -> choice
//!                 model --------------------------------------------------/
//! ```

mod changes;
mod choice;
mod document;
mod drafts;
pub(crate) mod events;
mod facts_table;
mod fields;
mod input;
pub(crate) mod kind;
mod labels;
mod markup;
mod model;
pub(crate) mod page;
mod pipes;
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

use self::choice::{Against, Found};
use self::events::Imported;
use self::input::Input;
use self::model::Members;
use self::page::{Page, Refusal};
use super::files::{ensure_file_contents, read_if_exists};
use super::overlay::{Overlay, path};
use super::problem::Problems;
use super::spec::Spec;
use super::{CodegenError, names, problem, sources};

/// The result of an import: lines to print, and rejected pages.
#[derive(Debug, Default)]
pub struct Report {
    /// New and updated fact files, with what changed in them.
    pub lines: Vec<String>,
    /// Rejected pages, each with a line and what was expected there, and repairs that have nothing
    /// to repair.
    pub refused: Vec<String>,
}

/// Information that is not in the pages.
#[derive(Debug, Default)]
pub struct Setting {
    repairs: Vec<SampleRepair>,
    /// By domain, names for the objects of models, which have none.
    members: BTreeMap<String, Members>,
    /// By event type, if the type does not begin with its domain.
    pub domains: BTreeMap<String, String>,
    /// The domain of all other events whose type does not begin with a domain.
    pub otherwise: Option<String>,
}

/// A repair of an invalid sample.
#[derive(Debug)]
struct SampleRepair {
    event_type: String,
    /// The overlay with this repair.
    file: String,
    find: String,
    replace: String,
}

/// `specs/domains.toml`: the events of each domain whose types do not begin with it.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
struct DomainsFile(BTreeMap<String, Vec<String>>);

impl Setting {
    pub(crate) fn read(root: &Path) -> Result<Self, CodegenError> {
        let mut setting = Self::default();
        let mut problems = Problems::default();
        if let Some(text) = read_if_exists(&root.join(sources::DOMAINS))? {
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
            let folder = Path::new(&overlay.file).parent().and_then(Path::file_name);
            let domain = folder.unwrap_or_default().to_string_lossy().into_owned();
            let members = setting.members.entry(domain).or_default();
            for (name, words) in parsed.types {
                for list in words.members {
                    members.insert(list.into_iter().collect(), name.clone());
                }
            }
            for (event_type, words) in parsed.events {
                for repair in words.repairs {
                    if repair.find.is_empty() {
                        let at = path(&["events", &event_type, "repairs"]);
                        problems.push(&overlay.file, at, "a repair finds a text");
                    }
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

    /// The domain from `specs/domains.toml`, or the first word of the event type.
    fn domain(&self, event_type: &str) -> Option<String> {
        let listed = self.domains.get(event_type).cloned();
        let named = listed.or_else(|| {
            let (first, _) = event_type.split_once('.')?;
            (!first.is_empty()).then(|| first.to_owned())
        });
        named.or_else(|| self.otherwise.clone())
    }
}

/// Imports pages and models. Rejects other files, and continues with the rest.
pub(crate) fn run(root: &Path, files: &[PathBuf]) -> Result<Report, CodegenError> {
    let setting = Setting::read(root)?;
    let mut report = Report::default();
    let mut sources: BTreeMap<String, Vec<Found>> = BTreeMap::new();
    let mut order = Vec::new();
    for path in files {
        let file = path.display().to_string();
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                report.refused.push(format!("{file}: {error}"));
                continue;
            }
        };
        match events_of(&bytes, &setting) {
            Ok(events) => {
                for event in events {
                    let file = file.clone();
                    let sources = sources.entry(event.event_type.clone()).or_default();
                    if sources.is_empty() {
                        order.push(event.event_type.clone());
                    }
                    sources.push(Found { event, file });
                }
            }
            Err(Refusal { line, expected }) => {
                report
                    .refused
                    .push(format!("{file}:{line}: expected {expected}"));
            }
        }
    }
    for event_type in order {
        let found = sources.remove(&event_type).and_then(choice::choose);
        if let Some(found) = found {
            write(root, found, &mut report)?;
        }
    }
    Ok(report)
}

/// The events of a page or of a model.
///
/// # Errors
///
/// Returns the first invalid place.
pub fn events_of(bytes: &[u8], setting: &Setting) -> Result<Vec<Imported>, Refusal> {
    match Input::read(bytes)? {
        Input::Page(saved) => {
            let events = Page::parse(&saved.text)
                .and_then(|page| events::read(&page, &saved.about, setting));
            events.map_err(|refusal| saved.refusal(refusal))
        }
        Input::Model(model) => Ok(vec![model::read(&model, setting)?]),
    }
}

/// The facts of a model. Rejects pages.
pub(crate) fn model_of(bytes: &[u8], setting: &Setting) -> Result<Spec, Refusal> {
    let Input::Model(model) = Input::read(bytes)? else {
        return Err(Refusal::new(1, "a model, not a page"));
    };
    let event = model::read(&model, setting)?;
    let file = format!("{}/{}.json", event.domain, event.event_type);
    let mut problems = Problems::default();
    let spec = Spec::parse(&file, &event.text(), &Overlay::default(), &mut problems);
    spec.ok_or_else(|| Refusal::new(1, "a model whose facts are understood"))
}

/// Writes a fact file, and reports its changes and doubtful places.
fn write(root: &Path, found: Found, report: &mut Report) -> Result<(), CodegenError> {
    let Found {
        mut event,
        file: source,
    } = found;
    let file = format!("specs/{}/{}.json", event.domain, event.event_type);
    let path = root.join(&file);
    let old = read_if_exists(&path)?;
    let old = old
        .map(|old| serde_json::from_str::<Value>(&old))
        .transpose();
    let old = old.map_err(|error| {
        let rule = format!("expected JSON, so correct or remove the file: {error}");
        problem(&file, "", &rule)
    })?;
    if choice::against(&mut event, old.as_ref()) == Against::Yields {
        let line = format!("kept {file}: {source} is older, undated or a model");
        report.lines.push(line);
        event.notes.clear();
        event.stale.clear();
    }
    let stale = event.stale.iter();
    let stale = stale.map(|(line, repair)| format!("{source}:{line}: expected {repair}"));
    report.refused.extend(stale);
    if ensure_file_contents(&path, &event.text(), false)? {
        return Ok(());
    }
    match old {
        None => report.lines.push(format!("new {file}")),
        Some(old) => {
            report.lines.push(format!("updated {file}"));
            let changes = changes::between(&old, &event.document).into_iter();
            report.lines.extend(changes.map(|line| format!("  {line}")));
        }
    }
    let notes = event.notes.iter();
    let notes = notes.map(|(line, note)| format!("  {source}:{line}: {note}"));
    report.lines.extend(notes);
    let mut only_sampled = Vec::new();
    find_only_sampled(&event.document, "", &mut only_sampled);
    let only_sampled = only_sampled.into_iter();
    report
        .lines
        .extend(only_sampled.map(|at| format!("  only in the sample: {at}")));
    Ok(())
}

/// Finds the places of fields that are only in the sample.
fn find_only_sampled(schema: &Value, at: &str, found: &mut Vec<String>) {
    if schema.pointer("/x-lark/only_sampled").is_some() && !at.is_empty() {
        found.push(at.to_owned());
    }
    for (name, member) in schema.as_object().into_iter().flatten() {
        if name != "examples" && name != "x-lark" {
            find_only_sampled(member, &changes::place(at, name), found);
        }
    }
}
