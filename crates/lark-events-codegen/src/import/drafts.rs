//! Groups the tables and samples of a page by event.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::Setting;
use super::facts_table::FactsTable;
use super::markup::Table;
use super::page::{Block, Code, Page, Refusal};
use super::sample::Sample;

/// A page of the old envelope has a handful.
pub(super) const MAX_EVENTS: usize = 16;
/// An event has at most one for each kind of message.
const MAX_SAMPLES: usize = 32;

/// Doubtful places of a page, with their lines.
pub(super) type Notes = Vec<(usize, String)>;

/// The tables and samples of one event.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) event_type: String,
    pub(super) line: usize,
    pub(super) table: Option<&'a Table>,
    /// Usually one, or one for each kind of message.
    pub(super) samples: Vec<Sample>,
    /// The heading of its section.
    pub(super) heading: Option<&'a str>,
    pub(super) notes: Notes,
    /// Repairs of its samples that match nothing.
    pub(super) stale: Notes,
}

/// Reads every event that has a table or a sample on the page.
pub(super) fn read<'a>(
    page: &'a Page,
    facts: &FactsTable,
    setting: &Setting,
) -> Result<Vec<Draft<'a>>, Refusal> {
    let mut reader = Reader {
        facts,
        setting,
        drafts: Vec::new(),
        tables: Vec::new(),
        heading: None,
        notes: Vec::new(),
        is_first: true,
        broken: None,
        used: BTreeSet::new(),
    };
    for block in &page.blocks {
        match block {
            Block::Fields(table) => reader.tables.push(table),
            Block::Code(code) => reader.code(code)?,
            Block::Prose(text) => reader.prose(text),
            Block::Facts(_) => {}
        }
    }
    reader.finish()
}

struct Reader<'a, 'b> {
    facts: &'b FactsTable,
    setting: &'b Setting,
    drafts: Vec<Draft<'a>>,
    /// The tables since the last sample.
    tables: Vec<&'a Table>,
    heading: Option<&'a str>,
    notes: Notes,
    /// Whether the next sample is the first.
    is_first: bool,
    /// The first sample that is no JSON.
    broken: Option<Refusal>,
    /// The repairs that matched a sample.
    used: BTreeSet<usize>,
}

impl<'a> Reader<'a, '_> {
    /// Remembers the heading of the page or of a section. Deeper headings do not count.
    fn prose(&mut self, text: &'a str) {
        let title = text.trim_start_matches('#');
        if (1..=2).contains(&(text.len() - title.len())) {
            self.heading = Some(title.trim());
        }
    }

    fn code(&mut self, code: &Code) -> Result<(), Refusal> {
        let is_document = ["\"event_type\"", "\"event_callback\""]
            .iter()
            .any(|mark| code.text.contains(mark));
        if !is_document && !self.is_first {
            return Ok(());
        }
        let sample = match self.sample(code) {
            Ok(sample) => sample,
            Err(refusal) => {
                let Refusal { line, expected } = &refusal;
                self.notes
                    .push((*line, format!("not read: expected {expected}")));
                self.broken.get_or_insert(refusal);
                return Ok(());
            }
        };
        let is_first = std::mem::replace(&mut self.is_first, false);
        let event_type = event_type(&sample.value)
            .map(str::to_owned)
            // A callback of the old form does not contain its type.
            .or_else(|| self.facts.event_type.clone().filter(|_| is_first));
        let Some(event_type) = event_type else {
            return Ok(());
        };
        let table = table_for(&sample.value, &self.tables);
        let known = self.drafts.iter_mut();
        let known = known.filter(|draft| draft.event_type == event_type);
        if let Some(draft) = known.last() {
            if draft.samples.len() == MAX_SAMPLES {
                let rule = format!("at most {MAX_SAMPLES} samples of `{event_type:.100}`");
                return Err(Refusal::new(sample.line, rule));
            }
            draft.samples.push(sample);
            draft.table = draft.table.or(table);
            draft.notes.append(&mut self.notes);
        } else {
            if self.drafts.len() == MAX_EVENTS {
                let rule = format!("at most {MAX_EVENTS} events on a page");
                return Err(Refusal::new(sample.line, rule));
            }
            self.drafts.push(Draft {
                event_type,
                line: sample.line,
                table,
                samples: vec![sample],
                heading: self.heading,
                notes: std::mem::take(&mut self.notes),
                stale: Vec::new(),
            });
        }
        self.note_unread();
        Ok(())
    }

    /// Parses a sample, after the repairs of the overlay.
    fn sample(&mut self, code: &Code) -> Result<Sample, Refusal> {
        let mut text = code.text.clone();
        for (index, repair) in self.setting.repairs.iter().enumerate() {
            let is_of_it = ['"', '\''].iter().any(|quote| {
                let event_type = &repair.event_type;
                text.contains(&format!("{quote}{event_type}{quote}"))
            });
            if is_of_it && text.contains(&repair.find) {
                text = text.replace(&repair.find, &repair.replace);
                self.used.insert(index);
            }
        }
        let line = code.line;
        Sample::parse(&Code { line, text })
    }

    /// Notes tables whose columns have unknown names.
    fn note_unread(&mut self) {
        let unread = self.tables.drain(..).filter(|table| !table.has_fields());
        let notes = unread.map(|table| (table.line, format!("not read: no {}", Table::COLUMNS)));
        let notes: Notes = notes.collect();
        match self.drafts.last_mut() {
            Some(draft) => draft.notes.extend(notes),
            None => self.notes.extend(notes),
        }
    }

    /// Notes repairs that are no longer needed.
    fn note_unused(&mut self) {
        for (index, repair) in self.setting.repairs.iter().enumerate() {
            let mut drafts = self.drafts.iter_mut();
            let Some(draft) = drafts.find(|draft| draft.event_type == repair.event_type) else {
                continue;
            };
            if !self.used.contains(&index) {
                let rule = format!("`{}`, which {} repairs", repair.find, repair.file);
                draft.stale.push((draft.line, rule));
            }
        }
    }

    fn finish(mut self) -> Result<Vec<Draft<'a>>, Refusal> {
        // The table can also follow the only sample.
        if let [draft] = self.drafts.as_mut_slice() {
            let sample = draft.samples.first().map(|sample| &sample.value);
            let table = sample.and_then(|sample| table_for(sample, &self.tables));
            draft.table = draft.table.or(table);
        }
        if let (Some(event_type), true) = (&self.facts.event_type, self.drafts.is_empty())
            && let Some(table) = table_for(&Value::Null, &self.tables)
        {
            self.drafts.push(Draft {
                event_type: event_type.clone(),
                line: table.line,
                table: Some(table),
                samples: Vec::new(),
                heading: None,
                notes: std::mem::take(&mut self.notes),
                stale: Vec::new(),
            });
        }
        self.note_unread();
        self.note_unused();
        match (self.drafts.last_mut(), self.broken) {
            (Some(draft), _) => draft.notes.append(&mut self.notes),
            // The broken sample is the only source of the event.
            (None, Some(broken)) => return Err(broken),
            (None, None) => {}
        }
        if let (Some(stated), Some(first)) = (&self.facts.event_type, self.drafts.first())
            && !self
                .drafts
                .iter()
                .any(|draft| draft.variants().contains(stated))
        {
            let rule = format!(
                "a sample of `{stated:.100}`, not of `{:.100}`",
                first.event_type
            );
            return Err(Refusal::new(first.line, rule));
        }
        Ok(self.drafts)
    }
}

/// The first table that has a row for a member of the sample. A table of a reply can precede it.
fn table_for<'a>(sample: &Value, tables: &[&'a Table]) -> Option<&'a Table> {
    let readable = || tables.iter().copied().filter(|table| table.has_fields());
    let found = readable().find(|table| table.has_member_of(sample));
    found.or_else(|| readable().next())
}

/// The event type in a document.
fn event_type(document: &Value) -> Option<&str> {
    let name = document
        .pointer("/header/event_type")
        .or_else(|| document.pointer("/event/type"))?;
    name.as_str()
}

impl Draft<'_> {
    /// Its type, and further types in the comment beside it. Pages of the old envelope show one document
    /// for several events.
    pub(super) fn variants(&self) -> Vec<String> {
        static LISTED: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"[a-z]+(?:_[a-z0-9]+)+").expect("a valid pattern"));
        let old = self.samples.first();
        let old = old.filter(|sample| sample.value.get("header").is_none());
        let comment = old.and_then(|sample| sample.comment("/event/type"));
        let mut types = vec![self.event_type.clone()];
        for listed in LISTED.find_iter(comment.unwrap_or_default()) {
            if types.len() > MAX_EVENTS {
                break; // Too many already.
            }
            if !types.iter().any(|known| known == listed.as_str()) {
                types.push(listed.as_str().to_owned());
            }
        }
        types
    }
}
