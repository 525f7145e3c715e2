//! `cargo xtask codegen list`: every event of the catalogue, one per line or as a table of domains.

use std::collections::BTreeMap;

use super::facts::Envelope;
use super::naming::Naming;
use super::overlay::Overlay;
use super::place::Place;
use super::spec::Spec;

/// An event, and where its type is.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) domain: String,
    pub(crate) place: Place,
    /// The path of the module of its type: `vc_events`.
    pub(crate) module: String,
    pub(crate) name: String,
    pub(crate) event_type: String,
    scopes: Vec<String>,
    pub(crate) page: Option<String>,
    pub(crate) updated: Option<String>,
    pub(crate) is_raw: bool,
    /// Whether it comes in the envelope of version 1.
    pub(crate) is_v1: bool,
    /// Where in the body the documented key of duplicates is, as a JSON pointer.
    pub(crate) duplicate_key: Option<String>,
}

/// The events of a domain.
pub(crate) fn entries(
    domain: &str,
    place: &Place,
    specs: &[Spec],
    naming: &Naming<'_>,
    overlay: &Overlay,
) -> Vec<Entry> {
    let module = place.module();
    let entry = |spec: &Spec| Entry {
        domain: domain.to_owned(),
        place: place.clone(),
        module: module.clone(),
        name: naming.of_event(&spec.facts.event_type).to_owned(),
        event_type: spec.facts.event_type.clone(),
        scopes: spec
            .facts
            .scopes
            .iter()
            .map(|scope| scope.name.clone())
            .collect(),
        page: spec.facts.page.clone(),
        updated: spec.facts.updated.clone(),
        is_raw: spec.is_raw && overlay.by_hand.is_none(),
        is_v1: spec.facts.schema == Envelope::V1,
        duplicate_key: overlay
            .events
            .get(&spec.facts.event_type)
            .and_then(|words| words.duplicate_key.clone()),
    };
    let mut entries: Vec<_> = specs.iter().map(entry).collect();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    entries
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
    let mut text = "| domain | types | events | with typed fields |\n".to_owned();
    text += "| --- | --- | ---: | ---: |\n";
    let (mut all, mut all_typed) = (0, 0);
    for (domain, entries) in &domains {
        let module = &entries[0].module;
        let typed = entries.iter().filter(|entry| !entry.is_raw).count();
        text += &format!(
            "| `{domain}` | `{module}` | {} | {typed} |\n",
            entries.len()
        );
        all += entries.len();
        all_typed += typed;
    }
    text + &format!("| **all** | | **{all}** | **{all_typed}** |\n")
}

/// What stands around the table in the README.
const MARKS: [&str; 2] = [
    "<!-- cargo xtask codegen list --markdown -->\n",
    "<!-- end -->",
];

/// The README with the table between its marks; nothing where it has none.
pub(crate) fn in_readme(readme: &str, table: &str) -> Option<String> {
    let [begin, end] = MARKS;
    let (before, rest) = readme.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}\n{table}\n{end}{after}"))
}
