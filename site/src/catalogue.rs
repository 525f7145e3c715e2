//! The events of the catalogue, each with its fact file and the name of its domain.

use std::fs;
use std::path::Path;

use lark_events::event::Schema;
use lark_events::{Delivery, EventHeader, EventInfo, RawJson};
use lark_events_codegen::AcceptedFields;
use lark_events_types::catalogue::{DOMAINS, Domain, Field, Origin, fields};
use serde_json::Value;

/// All events, by domain, and then in the order of their types.
#[derive(Debug)]
pub(crate) struct Catalogue {
    pub(crate) domains: Vec<Area>,
    pub(crate) entries: Vec<Entry>,
}

/// A domain.
#[derive(Debug)]
pub(crate) struct Area {
    pub(crate) name: &'static str,
    /// What its events are about, in a few words.
    pub(crate) about: String,
}

/// An event.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) domain: &'static Domain,
    /// Of its type in Rust.
    pub(crate) name: &'static str,
    pub(crate) info: &'static EventInfo,
    pub(crate) sample: Option<&'static str>,
    pub(crate) origin: &'static Origin,
    pub(crate) fields: Vec<Field>,
    /// The fact file with the fields that are accepted from SDKs: a JSON Schema.
    pub(crate) facts: Value,
}

/// Where the fields of an event's type are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Page,
    Sdks,
    /// No source describes them: the type is the JSON as received.
    Nothing,
}

impl Catalogue {
    /// Reads the fact files of a workspace.
    pub(crate) fn read(root: &Path) -> Result<Self, String> {
        let mut catalogue = Self {
            domains: Vec::new(),
            entries: Vec::new(),
        };
        for domain in DOMAINS {
            let folder = root.join("specs").join(domain.name);
            let text = read(&folder.join("overlay.toml"))?;
            let wrong = |error| format!("the overlay of {}: {error}", domain.name);
            let accepted = AcceptedFields::parse(&text).map_err(wrong)?;
            let overlay: toml::Table = text.parse().map_err(|error| wrong(format!("{error}")))?;
            let about = overlay.get("about").and_then(toml::Value::as_str);
            catalogue.domains.push(Area {
                name: domain.name,
                about: about.unwrap_or_default().to_owned(),
            });
            let named = domain.names.iter().zip(domain.events);
            for ((name, event), origin) in named.zip(domain.origins) {
                let event_type = event.info.event_type;
                let path = folder.join(format!("{event_type}.json"));
                let facts = facts(&accepted, &read(&path)?)
                    .map_err(|error| format!("{}: {error}", path.display()))?;
                catalogue.entries.push(Entry {
                    domain,
                    name,
                    info: event.info,
                    sample: event.sample,
                    origin,
                    fields: fields(event_type).unwrap_or_default(),
                    facts,
                });
            }
        }
        Ok(catalogue)
    }

    pub(crate) fn of<'a>(&'a self, domain: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries
            .iter()
            .filter(move |entry| entry.domain.name == domain)
    }

    pub(crate) fn find(&self, event_type: &str) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.info.event_type == event_type)
    }
}

/// A fact file, and the fields of SDKs.
pub(crate) fn facts(accepted: &AcceptedFields, text: &str) -> Result<Value, String> {
    serde_json::from_str(&accepted.added_to(text)?).map_err(|error| error.to_string())
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

impl Entry {
    pub(crate) fn event_type(&self) -> &'static str {
        self.info.event_type
    }

    /// What to write in Rust: `vc_events::MeetingStartedV1`.
    pub(crate) fn path(&self) -> String {
        format!("{}::{}", self.domain.module, self.name)
    }

    pub(crate) fn is_callback(&self) -> bool {
        let header = EventHeader::new(self.event_type());
        Delivery::new(header, RawJson::default()).is_callback()
    }

    /// The version of the envelope; the old card callback has none.
    pub(crate) fn envelope(&self) -> Option<&'static str> {
        match self.info.schema {
            _ if self.facts.pointer("/properties/event").is_none() && !self.fields.is_empty() => {
                None
            }
            Schema::V1 => Some("1.0"),
            _ => Some("2.0"),
        }
    }

    pub(crate) fn source(&self) -> Source {
        if self.fields.is_empty() {
            Source::Nothing
        } else if self.origin.sdks.is_empty() {
            Source::Page
        } else {
            Source::Sdks
        }
    }

    /// The Cargo feature and the crate of its type.
    pub(crate) fn package(&self) -> (&'static str, Option<&'static str>) {
        let crate_name = self.domain.crate_name;
        let feature = (crate_name == "lark-events-types").then_some(self.domain.name);
        match self.event_type() {
            "card.action.trigger_v1" => (crate_name, Some("old-card")),
            _ => (crate_name, feature),
        }
    }
}
