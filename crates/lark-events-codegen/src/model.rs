//! What is to be generated for one domain, with every name and every word decided.

use super::facts::Facts;
use super::overlay::Key;
use super::place::Place;
use super::spec::Spec;

/// One domain's worth of generated code. Everything is sorted by Rust name, fields by the page.
#[derive(Debug)]
pub(crate) struct Domain<'a> {
    /// Such as `vc`.
    pub(crate) name: &'a str,
    /// What its events are about.
    pub(crate) about: Option<&'a str>,
    pub(crate) place: Place,
    /// The enum of its events.
    pub(crate) event_set: String,
    pub(crate) events: Vec<Event<'a>>,
    pub(crate) types: Vec<Struct>,
    /// Hand-written types, by their paths, with what the facts say is in them.
    pub(crate) externs: Vec<Struct>,
    pub(crate) enums: Vec<Enum>,
}

impl Domain<'_> {
    pub(crate) fn has_samples(&self) -> bool {
        let mut events = self.events.iter();
        events.any(|event| event.spec.sample.is_some())
    }

    /// Whether a field can hold anything.
    pub(crate) fn has_any_json(&self) -> bool {
        let bodies = self.events.iter().map(|event| &event.body);
        let mut fields = bodies.chain(&self.types).flat_map(|each| &each.fields);
        fields.any(|field| field.rust_type.contains("serde_json::"))
    }
}

#[derive(Debug)]
pub(crate) struct Event<'a> {
    pub(crate) spec: &'a Spec,
    pub(crate) body: Struct,
}

#[derive(Debug)]
pub(crate) struct Struct {
    pub(crate) name: String,
    pub(crate) doc: String,
    /// The events that have the type, by Rust name; none for an event itself.
    pub(crate) part_of: Vec<String>,
    pub(crate) fields: Vec<Field>,
    /// Whether the checks of its documented rules are generated.
    pub(crate) is_validated: bool,
}

#[derive(Debug)]
pub(crate) struct Field {
    /// On the wire.
    pub(crate) wire_name: String,
    pub(crate) name: String,
    /// Empty where the name says it.
    pub(crate) doc: String,
    /// Without the `Option`.
    pub(crate) rust_type: String,
    /// The generated type or enum that it mentions.
    pub(crate) uses: Option<String>,
    pub(crate) rules: Vec<Rule>,
}

/// A documented rule for the value of a field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Rule {
    Range(Facts),
    Length(Facts),
    /// The rules of its type.
    Nested,
}

#[derive(Debug)]
pub(crate) struct Enum {
    pub(crate) name: String,
    pub(crate) doc: String,
    /// At least one, and all keys of one kind.
    pub(crate) variants: Vec<Variant>,
}

impl Enum {
    pub(crate) fn is_text(&self) -> bool {
        let mut variants = self.variants.iter();
        variants.any(|variant| variant.key.is_text())
    }
}

#[derive(Debug)]
pub(crate) struct Variant {
    pub(crate) key: Key,
    pub(crate) name: String,
    pub(crate) doc: String,
}
