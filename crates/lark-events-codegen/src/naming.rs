//! Assigns the names of a domain. Events, types and enums share one module, so that each name is unique.

use std::collections::{BTreeMap, BTreeSet};

use super::names;
use super::overlay::{Overlay, path};
use super::problem::Problems;
use super::spec::Spec;
use super::types::{self, Types};

/// The Rust names of events and types, by key.
#[derive(Debug, Default)]
pub(crate) struct Naming<'a> {
    events: BTreeMap<&'a str, String>,
    types: BTreeMap<&'a str, String>,
}

impl<'a> Naming<'a> {
    pub(crate) fn decide(
        domain: &str,
        specs: &'a [Spec],
        types: &'a Types,
        overlay: &Overlay,
        problems: &mut Problems,
    ) -> Self {
        let reached: BTreeSet<_> = specs
            .iter()
            .flat_map(|spec| types::reached_from(&spec.body, types, overlay))
            .collect();
        let mut naming = Self::default();
        let mut claims = Claims {
            holders: BTreeMap::new(),
            samples: BTreeMap::new(),
            problems,
        };
        let name = names::event_set_name(domain);
        let what = "the enum of all events".to_owned();
        claims.claim(&name, what, &overlay.file, String::new());
        for spec in specs {
            let event_type = &spec.facts.event_type;
            let words = overlay.events.get(event_type);
            let name = words
                .and_then(|words| words.name.clone())
                .unwrap_or_else(|| {
                    names::event_name(event_type, &spec.facts.domain, spec.facts.schema)
                });
            let what = format!("the event `{event_type}`");
            claims.sample(&name, &what, &spec.file);
            claims.claim(&name, what, &spec.file, "/$id".to_owned());
            naming.events.insert(event_type, name);
        }
        // An owner sorts before the types inside it.
        for (key, definition) in types {
            if let Some(external) = overlay.external(key) {
                if !names::is_path(&external.path) {
                    let at = path(&["types", key, "extern"]);
                    claims
                        .problems
                        .push(&overlay.file, at, "`path` is not a path of a type");
                }
                naming.types.insert(key, external.path.clone());
                continue;
            }
            // A type that is only in hand-written types needs no name.
            if !reached.contains(key.as_str()) {
                continue;
            }
            let words = overlay.types.get(key);
            let name = words
                .and_then(|words| words.name.clone())
                .unwrap_or_else(|| naming.derive(key));
            let at = definition.object.pointer.clone();
            claims.claim(&name, format!("the type `{key}`"), &definition.file, at);
            naming.types.insert(key, name);
        }
        for name in overlay.enums.keys() {
            let at = path(&["enums", name]);
            claims.claim(name, format!("the enum `{name}`"), &overlay.file, at);
        }
        naming
    }

    /// Names an unnamed type after its owner and its field.
    fn derive(&self, key: &str) -> String {
        let Some((owner, field)) = key.rsplit_once('/') else {
            return names::type_name(key);
        };
        let owner = self.events.get(owner).or_else(|| self.types.get(owner));
        let owner = owner.map_or_else(String::new, Clone::clone);
        owner + &names::type_name(field)
    }

    pub(crate) fn of_event(&self, event_type: &str) -> &str {
        self.events.get(event_type).map_or("", String::as_str)
    }

    /// A generated type's name, or a hand-written one's path.
    pub(crate) fn of_type(&self, key: &str) -> &str {
        self.types.get(key).map_or("", String::as_str)
    }
}

struct Claims<'p> {
    /// The owner of each name.
    holders: BTreeMap<String, String>,
    /// The owner of each constant for a sample.
    samples: BTreeMap<String, String>,
    problems: &'p mut Problems,
}

impl Claims<'_> {
    /// Claims the constant for the sample of an event.
    fn sample(&mut self, name: &str, what: &str, file: &str) {
        let constant = names::constant_name(name);
        if let Some(holder) = self.samples.get(&constant) {
            let rule =
                format!("{what} would have its sample in `{constant}`, like {holder}; set `name`");
            self.problems.push(file, "/$id", rule);
        }
        self.samples.insert(constant, what.to_owned());
    }

    fn claim(&mut self, name: &str, what: String, file: &str, at: String) {
        if !names::is_type_name(name) {
            let rule = format!("{what} cannot be called `{name}` in Rust; set `name`");
            self.problems.push(file, at, rule);
        } else if let Some(holder) = self.holders.get(name) {
            let rule = format!("{what} would be called `{name}`, like {holder}");
            self.problems.push(file, at, rule);
        } else {
            self.holders.insert(name.to_owned(), what);
        }
    }
}
