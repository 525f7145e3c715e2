//! `cargo xtask codegen list`: every event of the catalogue, one per line or as a table of domains.

use std::collections::BTreeMap;

use super::model::{Domain, Event, Origin};
use super::place::Place;

/// An event, and the place of its type.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) domain: String,
    pub(crate) place: Place,
    /// The path of the module of its type: `vc_events`.
    pub(crate) module: String,
    pub(crate) name: String,
    pub(crate) event_type: String,
    scopes: Vec<String>,
    page: Option<String>,
    updated: Option<String>,
    /// The page, as a cell of a table.
    pub(crate) documented: String,
    pub(crate) is_raw: bool,
    pub(crate) origin: Origin,
    /// Whether the event has the envelope of version 1.
    pub(crate) is_v1: bool,
    /// A JSON pointer to the documented key of duplicates in the body.
    pub(crate) duplicate_key: Option<String>,
}

/// The events of a domain.
pub(crate) fn entries(domain: &Domain, place: &Place) -> Vec<Entry> {
    let entry = |event: &Event| Entry {
        domain: domain.name.clone(),
        place: place.clone(),
        module: place.module(),
        name: event.body.name.clone(),
        event_type: event.event_type.clone(),
        scopes: event.scopes.clone(),
        page: event.info.page.clone(),
        updated: event.info.updated.clone(),
        documented: event.documented.clone(),
        origin: event.origin.clone(),
        is_raw: event.raw.is_some(),
        is_v1: event.is_v1,
        duplicate_key: event.duplicate_key.clone(),
    };
    domain.events.iter().map(entry).collect()
}

/// The events of each domain.
pub(crate) fn by_domain<'a>(
    entries: impl Iterator<Item = &'a Entry>,
) -> BTreeMap<&'a str, Vec<&'a Entry>> {
    let mut domains: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        domains.entry(&entry.domain).or_default().push(entry);
    }
    domains
}

/// Every event of the catalogue, to print.
#[derive(Debug)]
pub struct Listing(pub(crate) Vec<Entry>);

impl Listing {
    /// A line for each event, its columns separated by tabs, below a line with their names.
    #[must_use]
    pub fn lines(&self) -> String {
        lines(&self.0)
    }

    /// The domains as a Markdown table.
    #[must_use]
    pub fn markdown(&self) -> String {
        markdown(self.0.iter())
    }
}

fn lines(entries: &[Entry]) -> String {
    let mut text = "event type\ttype\tcrate\tpermissions\tpage\tas of\n".to_owned();
    for entry in entries {
        let columns = [
            &entry.event_type,
            &entry.name,
            &entry.place.crate_name(),
            &entry.scopes.join(","),
            entry.page.as_deref().unwrap_or("-"),
            entry.updated.as_deref().unwrap_or("-"),
        ];
        text += &columns.join("\t");
        text.push('\n');
    }
    text
}

/// The domains as a Markdown table, for the README.
pub(crate) fn markdown<'a>(entries: impl Iterator<Item = &'a Entry>) -> String {
    let domains = by_domain(entries);
    let mut text =
        "| domain | types | events | typed from pages | typed from SDKs | raw |\n".to_owned();
    text += "| --- | --- | ---: | ---: | ---: | ---: |\n";
    let mut all = [0; 4];
    for (domain, entries) in &domains {
        let module = &entries[0].module;
        let raw = entries.iter().filter(|entry| entry.is_raw).count();
        let from_sdks = entries.iter().filter(|entry| !entry.origin.sdks.is_empty());
        let from_sdks = from_sdks.count();
        let from_pages = entries.len() - raw - from_sdks;
        let counts = [entries.len(), from_pages, from_sdks, raw];
        text += &format!(
            "| `{domain}` | `{module}` | {} |\n",
            counts.map(|count| count.to_string()).join(" | ")
        );
        for (all, count) in all.iter_mut().zip(counts) {
            *all += count;
        }
    }
    let all = all.map(|count| format!("**{count}**")).join(" | ");
    text + &format!("| **all** | | {all} |\n")
}

/// The marks around the table in the README.
const MARKS: [&str; 2] = [
    "<!-- cargo xtask codegen list --markdown -->\n",
    "<!-- end -->",
];

/// The README with the table between its marks. `None` if it has no marks.
pub(crate) fn in_readme(readme: &str, table: &str) -> Option<String> {
    let [begin, end] = MARKS;
    let (before, rest) = readme.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}\n{table}\n{end}{after}"))
}
