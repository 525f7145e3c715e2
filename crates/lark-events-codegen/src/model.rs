//! The output for one domain, with every name, text, choice and order decided. `render/` writes it,
//! and decides only the layout.

use super::overlay::Key;

/// The generated code of one domain. Items are sorted by Rust name, and fields as on the page.
#[derive(Debug)]
pub(crate) struct Domain {
    /// Such as `vc`.
    pub(crate) name: String,
    /// The documentation of the module. A crate has a hand-written one.
    pub(crate) module_doc: Option<ModuleDoc>,
    /// The enum of its events.
    pub(crate) event_set: String,
    pub(crate) events: Vec<Event>,
    pub(crate) types: Vec<Struct>,
    /// Hand-written types by their paths, with the fields of the facts.
    pub(crate) externs: Vec<Struct>,
    pub(crate) enums: Vec<Enum>,
    /// The generated types and enums that the file of events mentions.
    pub(crate) used_by_events: Vec<String>,
    /// The enums that the file of types mentions. The types themselves are in that file.
    pub(crate) used_by_types: Vec<String>,
}

impl Domain {
    pub(crate) fn has_samples(&self) -> bool {
        let mut events = self.events.iter();
        events.any(|event| event.sample.is_some())
    }

    /// Whether a field can hold anything.
    pub(crate) fn has_any_json(&self) -> bool {
        let bodies = self.events.iter().map(|event| &event.body);
        let mut fields = bodies.chain(&self.types).flat_map(|each| &each.fields);
        fields.any(|field| field.rust_type.contains("serde_json::"))
    }
}

#[derive(Debug)]
pub(crate) struct ModuleDoc {
    /// The subject of its events, as a sentence.
    pub(crate) summary: String,
    /// Its path.
    pub(crate) module: String,
    /// The event that is handled in the example.
    pub(crate) example: String,
}

#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) event_type: String,
    /// Whether it comes in the envelope of version 1.
    pub(crate) is_v1: bool,
    pub(crate) doc: String,
    /// Its documented facts, as items of a list.
    pub(crate) facts: Vec<String>,
    /// The documentation of the event, as a cell of a table.
    pub(crate) documented: String,
    pub(crate) info: Info,
    /// The struct of the body. Raw bodies have no fields.
    pub(crate) body: Struct,
    /// For a raw body, why it has no type.
    pub(crate) raw: Option<&'static str>,
    pub(crate) origin: Origin,
    pub(crate) sample: Option<Sample>,
    /// All of its permissions.
    pub(crate) scopes: Vec<String>,
    /// A JSON pointer to the documented key of duplicates in the body.
    pub(crate) duplicate_key: Option<String>,
}

/// The sources of an event.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// The title of its page, or ours in Chinese.
    pub(crate) title: Option<String>,
    /// The SDKs with its fields, if no page has them.
    pub(crate) sdks: Vec<String>,
    /// No official source has it.
    pub(crate) is_unconfirmed: bool,
}

/// The content of its `INFO`. Lists may be empty.
#[derive(Debug)]
pub(crate) struct Info {
    pub(crate) title: String,
    /// Whether it has another envelope than that of version 2.
    pub(crate) is_old: bool,
    pub(crate) page: Option<String>,
    pub(crate) updated: Option<String>,
    /// The permissions that an app can still apply for.
    pub(crate) scopes: Vec<String>,
    pub(crate) field_scopes: Vec<String>,
    pub(crate) app_types: Vec<String>,
}

/// The documented sample, and the constant that holds it.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) constant: String,
    pub(crate) json: String,
}

#[derive(Debug)]
pub(crate) struct Struct {
    pub(crate) name: String,
    /// The paragraphs above it. An event has more than a type.
    pub(crate) docs: Vec<String>,
    pub(crate) fields: Vec<Field>,
    /// Whether a field has no description.
    pub(crate) has_undocumented: bool,
    /// The generated checks of its documented rules.
    pub(crate) checks: Vec<Check>,
}

#[derive(Debug)]
pub(crate) struct Field {
    /// On the wire.
    pub(crate) wire_name: String,
    pub(crate) name: String,
    /// Empty if the name is enough.
    pub(crate) doc: String,
    /// Without the `Option`.
    pub(crate) rust_type: String,
    /// The generated type or enum that it mentions.
    pub(crate) uses: Option<String>,
}

/// The check of a documented rule for the value of a field.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) field: String,
    pub(crate) wire_name: String,
    pub(crate) rule: Rule,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Rule {
    /// The value, as a range of Rust.
    Range(String),
    /// The number of characters or elements, as a range of Rust.
    Length(String),
    /// The rules of its type.
    Nested,
}

#[derive(Debug)]
pub(crate) struct Enum {
    pub(crate) name: String,
    pub(crate) doc: String,
    /// Whether its keys are strings. Otherwise, they are integers.
    pub(crate) is_text: bool,
    /// At least one.
    pub(crate) variants: Vec<Variant>,
}

#[derive(Debug)]
pub(crate) struct Variant {
    pub(crate) key: Key,
    pub(crate) name: String,
    pub(crate) doc: String,
    /// The description with the key, for rustdoc.
    pub(crate) doc_with_key: String,
}
