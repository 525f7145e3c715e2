//! The events of a page: their tables and samples, with the facts that all of them share.

use serde_json::{Value, json};

use super::super::spec;
use super::Setting;
use super::choice::Rank;
use super::document;
use super::drafts::{self, Draft, MAX_EVENTS, Notes};
use super::facts_table::FactsTable;
use super::fields::{self, Field, Shape, Types};
use super::input::About;
use super::page::{Page, Refusal};
use super::sampled::Fitting;

/// The longest file name that every platform accepts.
const MAX_NAME: usize = 100;

/// An event that is ready to write.
#[derive(Debug)]
pub struct Imported {
    /// The event type, as on the page.
    pub event_type: String,
    /// The folder of its fact file.
    pub domain: String,
    pub(crate) document: Value,
    /// The kind of its source, and the time of a page.
    pub(super) rank: Rank,
    /// Doubtful places of the page, with their lines.
    pub notes: Notes,
    /// Repairs of its samples that match nothing, with their lines.
    pub(super) stale: Notes,
}

impl Imported {
    /// The text of its fact file.
    #[must_use]
    pub fn text(&self) -> String {
        spec::canonical(&self.document)
    }
}

/// Every event of a page.
pub(super) fn read(
    page: &Page,
    about: &About,
    setting: &Setting,
) -> Result<Vec<Imported>, Refusal> {
    let facts = FactsTable::read(page)?;
    let drafts = drafts::read(page, &facts, setting)?;
    if drafts.is_empty() {
        let rule = match &facts.event_type {
            Some(stated) => format!("a table of the fields of `{stated:.100}`, or a sample"),
            None => "an event type, in a row `事件类型`, `回调类型`, `Event type` or `Callback type`, or in a \
                     sample"
                .to_owned(),
        };
        return Err(Refusal::new(page.lines, rule));
    }
    let mut events: Vec<Imported> = Vec::new();
    let source = Source {
        about,
        facts: &facts,
        setting,
        has_sections: drafts.len() > 1,
    };
    for draft in &drafts {
        for event_type in draft.variants() {
            if events.iter().any(|known| known.event_type == event_type) {
                continue;
            }
            if events.len() == MAX_EVENTS {
                let rule = format!("at most {MAX_EVENTS} events on a page");
                return Err(Refusal::new(draft.line, rule));
            }
            events.push(source.event(draft, event_type)?);
        }
    }
    Ok(events)
}

/// The facts that all events of a page share.
struct Source<'a> {
    about: &'a About,
    facts: &'a FactsTable,
    setting: &'a Setting,
    /// Whether the page has several events, each in a section with its own title.
    has_sections: bool,
}

impl Source<'_> {
    fn event(&self, draft: &Draft<'_>, event_type: String) -> Result<Imported, Refusal> {
        let domain = domain(&event_type, self.setting)
            .map_err(|expected| Refusal::new(draft.line, expected))?;
        let mut types = Types::new();
        let (mut root, unknown) = match draft.table {
            Some(table) => fields::read(table, &mut types)?,
            None => Default::default(),
        };
        let mut notes = draft.notes.clone();
        let unknown = unknown.into_iter();
        notes.extend(
            unknown.map(|(line, name)| (line, format!("nothing describes the type `{name:.40}`"))),
        );
        if self.about.is_misdated {
            let rule = "the time of the last change is neither a count of milliseconds nor a date";
            notes.push((1, rule.to_owned()));
        }
        if self.about.url.is_none() {
            let rule = "neither `source` nor `fullPath`, so there is no link to the page";
            notes.push((1, rule.to_owned()));
        }
        for field in &mut root {
            inline(field, &types);
        }
        let has_table = draft.table.is_some();
        if !has_table {
            let rule = "no table of fields: all fields are from the sample";
            notes.push((draft.line, rule.to_owned()));
        }
        let samples = draft.samples.iter().map(|shown| {
            Fitting::new(&mut types, shown, has_table).document(&mut root);
            let mut sample = shown.value.clone();
            if let (Some(name), true) = (
                sample.pointer_mut("/event/type"),
                draft.event_type != event_type,
            ) {
                *name = json!(event_type);
            }
            sample
        });
        let samples = samples.collect();

        let has = |name: &str| root.iter().any(|field| field.name == name);
        let schema = match (has("header"), has("event")) {
            (true, true) => "2.0",
            (false, true) => "1.0",
            _ => "none",
        };
        let Self { about, facts, .. } = self;
        let title = match draft.heading.filter(|_| self.has_sections) {
            None => about.title.as_deref(),
            heading => heading,
        };
        let lark = json!({
            "domain": domain,
            "event_type": event_type,
            "schema": schema,
            "title": title,
            "page": about.url,
            "updated": about.day(),
            "only_sampled": (!has_table).then_some(true),
            "app_types": facts.app_types,
            "scopes": facts.scopes,
            "field_scopes": facts.field_scopes,
        });
        let rank = Rank::Page(about.updated);
        Ok(Imported {
            document: document::document(lark, &root, &types, samples),
            event_type,
            domain,
            rank,
            notes,
            stale: draft.stale.clone(),
        })
    }
}

/// The folder of an event. The error says what was expected.
pub(super) fn domain(event_type: &str, setting: &Setting) -> Result<String, String> {
    let is_name = |char: char| char.is_ascii_alphanumeric() || "._".contains(char);
    let is_long = event_type.len() > MAX_NAME;
    if event_type.is_empty() || is_long || !event_type.chars().all(is_name) {
        return Err(format!("an event type, not `{event_type:.60}`"));
    }
    let domain = setting.domain(event_type);
    domain.ok_or_else(|| format!("a domain for `{event_type}` in specs/domains.toml"))
}

/// Replaces a named type by its fields: the envelope and the body need no name.
fn inline(field: &mut Field, types: &Types) {
    let Shape::Named(name) = &field.node.shape else {
        return;
    };
    if let Some((_, fields)) = types.iter().find(|(known, _)| known == name) {
        field.node.shape = Shape::Object(fields.clone());
    }
}
