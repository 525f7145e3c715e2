//! Events for an app's own crate: pages become one module, without a checkout of this workspace.
//!
//! ```text
//! pages -> import -> fact files in memory -> spec, types -> words -> catalogue -> model -> render::module
//! ```
//!
//! There is no overlay, so [`words`] gives names by rule, and no field has a description.

mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::catalogue::Uniting;
use super::facts::Envelope;
use super::files::ensure_file_contents;
use super::import::events::Imported;
use super::import::page::Refusal;
use super::import::{Setting, events_of};
use super::model::Domain;
use super::naming::Naming;
use super::overlay::Overlay;
use super::place::Place;
use super::problem::{Problem, Problems};
use super::render::module::{self, SampleTest};
use super::spec::{Shape, Spec};
use super::types::{self, Types};
use super::{CodegenError, FormatError, names, rustfmt};

/// The domain of all events, for names that need one.
const OWN: &str = "own";

/// The type of any JSON in the catalogue, and the one for an app without `serde_json`.
const ANY_JSON: [&str; 2] = ["serde_json::Value", "lark_events::lenient::Value"];

/// A Rust module with the events of documentation pages, for any crate that has `lark-events` and `serde`.
///
/// Its tests decode and encode the pages' samples, and need `serde_json`.
#[derive(Debug)]
#[non_exhaustive]
pub struct Module {
    /// The unformatted text.
    pub text: String,
    /// The event types, each with the Rust type of its body.
    pub events: Vec<(String, String)>,
    /// The fields of each type, which have no descriptions.
    pub undescribed: Vec<(String, Vec<String>)>,
    /// Doubtful places of the pages, each with its page and line.
    pub notes: Vec<String>,
}

impl Module {
    /// Reads saved documentation pages. Types with the same name are one type, unless pages
    /// contradict each other.
    ///
    /// # Errors
    ///
    /// Returns [`CodegenError::Refused`] if a page is not an event page, or if two pages have the
    /// same event; [`CodegenError::Problems`] if their facts cannot become Rust, such as an object
    /// that contains itself.
    pub fn from_pages(pages: &[PathBuf]) -> Result<Self, CodegenError> {
        let (mut events, notes) = read(pages)?;
        let made = Self::from_events(&mut events, notes);
        made.map_err(CodegenError::Problems)
    }

    fn from_events(events: &mut [Imported], notes: Vec<String>) -> Result<Self, Vec<Problem>> {
        let mut specs = facts(events)?;
        let mut types = shared_types(&specs);
        if types.is_err() {
            events.iter_mut().for_each(own_types);
            specs = facts(events)?;
            types = shared_types(&specs);
        }
        let domain = unite(&specs, &types?)?;
        Ok(Self::new(&domain, &specs, notes))
    }

    fn new(domain: &Domain, specs: &[Spec], notes: Vec<String>) -> Self {
        let tests: Vec<_> = specs
            .iter()
            .filter_map(|spec| sample_test(spec, domain))
            .collect();
        let bodies = domain.events.iter().map(|event| &event.body);
        let undescribed = bodies
            .chain(&domain.types)
            .filter(|each| !each.fields.is_empty());
        let undescribed = undescribed.map(|each| {
            let fields = each.fields.iter().map(|field| field.name.clone());
            (each.name.clone(), fields.collect())
        });
        let events = domain.events.iter();
        Self {
            text: module::text(domain, &tests),
            events: events
                .map(|event| (event.event_type.clone(), event.body.name.clone()))
                .collect(),
            undescribed: undescribed.collect(),
            notes,
        }
    }

    /// Writes the module, formatted by rustfmt. Returns the reason if it is not formatted.
    ///
    /// # Errors
    ///
    /// Returns [`CodegenError::NotGenerated`] if the file exists and was not written by this
    /// function, unless `force` is set; or [`CodegenError::Io`].
    pub fn write(&self, path: &Path, force: bool) -> Result<Option<FormatError>, CodegenError> {
        if !force && path.exists() {
            let old = fs::read(path).map_err(|error| CodegenError::io(path, error))?;
            if !old.starts_with(module::HEADER.as_bytes()) {
                return Err(CodegenError::NotGenerated(path.to_owned()));
            }
        }
        // The settings of rustfmt apply to the folders below them.
        let folder = path.ancestors().skip(1).find(|folder| folder.is_dir());
        let formatted = rustfmt::format(&self.text, folder.unwrap_or(Path::new(".")));
        let (text, reason) = match formatted {
            Ok(text) => (text, None),
            Err(reason) => (self.text.clone(), Some(reason)),
        };
        ensure_file_contents(path, &text, false)?;
        Ok(reason)
    }
}

/// The events of all pages, and doubtful places.
fn read(pages: &[PathBuf]) -> Result<(Vec<Imported>, Vec<String>), CodegenError> {
    let mut setting = Setting::default();
    setting.otherwise = Some(OWN.to_owned());
    let mut events = Vec::new();
    let mut notes = Vec::new();
    let mut refused = Vec::new();
    let mut seen = BTreeMap::new();
    for page in pages {
        let name = page.display().to_string();
        let bytes = fs::read(page).map_err(|error| CodegenError::io(page, error))?;
        match events_of(&bytes, &setting) {
            Ok(found) => {
                for event in found {
                    let lines = event.notes.iter();
                    notes.extend(lines.map(|(line, note)| format!("{name}:{line}: {note}")));
                    match seen.insert(event.event_type.clone(), name.clone()) {
                        None => events.push(event),
                        Some(first) => refused
                            .push(format!("{name}: `{}` is also on {first}", event.event_type)),
                    }
                }
            }
            Err(Refusal { line, expected }) => {
                refused.push(format!("{name}:{line}: expected {expected}"));
            }
        }
    }
    if refused.is_empty() {
        Ok((events, notes))
    } else {
        Err(CodegenError::Refused(refused))
    }
}

/// The facts of events in the form of the catalogue.
fn facts(events: &[Imported]) -> Result<Vec<Spec>, Vec<Problem>> {
    let mut problems = Problems::default();
    let specs = events.iter().filter_map(|event| {
        let file = format!("{}/{}.json", event.domain, event.event_type);
        Spec::parse(&file, &event.text(), &Overlay::default(), &mut problems)
    });
    let specs: Vec<_> = specs.collect();
    problems.checkpoint()?;
    Ok(specs)
}

/// The types of all events. The errors are contradictions, and types that contain themselves.
fn shared_types(specs: &[Spec]) -> Result<Types, Vec<Problem>> {
    let mut problems = Problems::default();
    let types = types::collect(specs, &Overlay::default(), &mut problems);
    problems.checkpoint()?;
    Ok(types)
}

/// The decided output, with the differences from a domain of the catalogue.
fn unite(specs: &[Spec], types: &Types) -> Result<Domain, Vec<Problem>> {
    let mut problems = Problems::default();
    let overlay = words::by_rule(OWN, specs, types);
    let naming = Naming::decide(OWN, specs, types, &overlay, &mut problems);
    let unite = Uniting {
        specs,
        types,
        naming,
        overlay: &overlay,
    };
    let place = Place::Module(OWN.to_owned());
    let mut domain = unite.domain(OWN, &place, &mut problems);
    problems.checkpoint()?;
    let bodies = domain.events.iter_mut().map(|event| &mut event.body);
    for each in bodies.chain(&mut domain.types) {
        // The documentation of the module says so once.
        each.has_undocumented = false;
        for field in &mut each.fields {
            field.rust_type = field.rust_type.replace(ANY_JSON[0], ANY_JSON[1]);
        }
    }
    // Their links lead to another module of a domain.
    domain.types.iter_mut().for_each(|each| each.docs.clear());
    Ok(domain)
}

/// Names the types of an event after it.
fn own_types(event: &mut Imported) {
    let prefix = names::event_name(&event.event_type, &event.domain, Envelope::V2);
    let Some(document) = event.document.as_object_mut() else {
        return;
    };
    if let Some(Value::Object(types)) = document.get_mut("$defs") {
        let renamed = std::mem::take(types).into_iter();
        *types = renamed
            .map(|(name, definition)| (format!("{prefix}_{name}"), definition))
            .collect();
    }
    for (name, member) in document {
        if name != "examples" {
            rename_references(member, &prefix);
        }
    }
}

fn rename_references(schema: &mut Value, prefix: &str) {
    match schema {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(reference) if name == "$ref" => {
                        *reference =
                            reference.replacen("#/$defs/", &format!("#/$defs/{prefix}_"), 1);
                    }
                    member => rename_references(member, prefix),
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                rename_references(item, prefix);
            }
        }
        _ => {}
    }
}

/// The test of a sample. `None` for an event without one.
fn sample_test(spec: &Spec, domain: &Domain) -> Option<SampleTest> {
    let event = domain
        .events
        .iter()
        .find(|event| event.event_type == spec.facts.event_type)?;
    let (Some(document), Some(sample), None) = (&spec.sample, &event.sample, event.raw) else {
        return None;
    };
    let is_whole = spec.facts.schema == Envelope::None;
    let body = if is_whole {
        document
    } else {
        document.get("event")?
    };
    let fields = spec.body.properties.iter().zip(&event.body.fields);
    let taken = fields.filter(|(property, _)| {
        let value = body.get(&property.name).unwrap_or(&Value::Null);
        is_taken(&property.schema.shape, value)
    });
    Some(SampleTest {
        event: event.body.name.clone(),
        constant: sample.constant.clone(),
        is_whole,
        fields: taken.map(|(_, field)| field.name.clone()).collect(),
    })
}

/// Whether a field certainly accepts the value.
fn is_taken(shape: &Shape, value: &Value) -> bool {
    match shape {
        Shape::String => value.is_string(),
        Shape::Integer => value.is_i64(),
        Shape::Number => value.is_number(),
        Shape::Boolean => value.is_boolean(),
        Shape::Array(_) => value.is_array(),
        Shape::Map(_) | Shape::Named(_) => value.is_object(),
        _ => false,
    }
}
