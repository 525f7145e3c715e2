//! The facts of a domain with our words and names. Whatever is missing or stale on either side is a
//! problem: a new fact must not go unnamed, and an old word must not rot silently.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Domain, Enum, Event, Field, Struct, Variant};
use super::naming::Naming;
use super::overlay::{EnumWords, FieldWords, ObjectWords, Overlay, VariantWords, path};
use super::problem::Problems;
use super::spec::{Object, Property, Shape, Spec};
use super::types::{self, Definition, Types};
use super::{names, prose};

/// The variant that every enum has, for keys without a name.
const UNKNOWN: &str = "Unknown";

/// Decides everything that is to be generated for a domain.
pub(crate) fn unite<'a>(
    domain: &'a str,
    specs: &'a [Spec],
    overlay: &'a Overlay,
    problems: &mut Problems,
) -> Domain<'a> {
    let types = types::collect(specs, overlay, problems);
    report_stale_entries(specs, &types, overlay, problems);
    let naming = Naming::decide(specs, &types, overlay, problems);
    let mut catalogue = Catalogue {
        overlay,
        naming,
        keys: BTreeMap::new(),
        problems,
    };
    let mut events: Vec<_> = specs.iter().map(|spec| catalogue.event(spec)).collect();
    let mut structs: Vec<_> = types
        .values()
        .filter_map(|definition| catalogue.generated_type(definition))
        .collect();
    events.sort_by(|a, b| a.body.name.cmp(&b.body.name));
    structs.sort_by(|a, b| a.name.cmp(&b.name));
    Domain {
        name: domain,
        events,
        types: structs,
        enums: catalogue.enums(),
    }
}

/// Overlay entries that no fact stands behind.
fn report_stale_entries(
    specs: &[Spec],
    types: &Types<'_>,
    overlay: &Overlay,
    problems: &mut Problems,
) {
    let bodies = specs
        .iter()
        .map(|spec| (spec.body.key.as_str(), &spec.body));
    let types = types
        .iter()
        .map(|(key, definition)| (*key, definition.object));
    let objects: [BTreeMap<&str, &Object>; 2] = [bodies.collect(), types.collect()];
    let tables = [("events", &overlay.events), ("types", &overlay.types)];
    for ((table, entries), objects) in tables.into_iter().zip(objects) {
        for (key, words) in entries {
            let mut report = |at: &[&str], rule| problems.push(&overlay.file, path(at), rule);
            let Some(object) = objects.get(key.as_str()) else {
                report(&[table, key], "not in the facts");
                continue;
            };
            for name in words.fields.keys() {
                if object.property(name).is_none() {
                    report(&[table, key, "fields", name], "not in the facts");
                }
            }
            let is_generated =
                words.doc.is_some() || words.name.is_some() || !words.fields.is_empty();
            if words.external.is_some() && (table == "events" || is_generated) {
                report(
                    &[table, key, "extern"],
                    "only for a type, and then nothing beside it",
                );
            }
        }
    }
}

/// Events and types, united with their words.
struct Catalogue<'a, 'p> {
    overlay: &'a Overlay,
    naming: Naming<'a>,
    /// The keys that the facts have for each enum.
    keys: BTreeMap<&'a str, BTreeSet<i64>>,
    problems: &'p mut Problems,
}

impl<'a> Catalogue<'a, '_> {
    fn event(&mut self, spec: &'a Spec) -> Event<'a> {
        let name = self.naming.of_event(&spec.facts.event_type).to_owned();
        let words = self.overlay.events.get(&spec.facts.event_type);
        let body = self.structure(name, &spec.body, &spec.file, words, "events");
        Event { spec, body }
    }

    /// Nothing for an extern type.
    fn generated_type(&mut self, definition: &Definition<'a>) -> Option<Struct> {
        let Definition { object, file } = definition;
        let words = self.overlay.types.get(&object.key);
        if words.is_some_and(|words| words.external.is_some()) {
            return None;
        }
        let name = self.naming.of_type(&object.key).to_owned();
        Some(self.structure(name, object, file, words, "types"))
    }

    fn structure(
        &mut self,
        name: String,
        object: &Object,
        file: &str,
        words: Option<&'a ObjectWords>,
        table: &str,
    ) -> Struct {
        let at = [table, &object.key];
        let doc = words.and_then(|words| words.doc.as_ref());
        Struct {
            name,
            doc: self.doc(doc, &at),
            fields: self.fields(object, file, words, &at),
        }
    }

    fn fields(
        &mut self,
        object: &Object,
        file: &str,
        words: Option<&'a ObjectWords>,
        at: &[&str],
    ) -> Vec<Field> {
        let mut taken = BTreeSet::new();
        let mut fields = Vec::new();
        for property in &object.properties {
            let words = words.and_then(|words| words.fields.get(&property.name));
            let at = [at, &["fields", &property.name]].concat();
            let field = self.field(property, file, words, &at);
            if !names::is_field_name(&field.name) || !taken.insert(field.name.clone()) {
                let rule = format!("`{}` is taken or no name for a field", field.name);
                self.problems.push(file, &property.schema.pointer, rule);
            }
            fields.push(field);
        }
        fields
    }

    fn field(
        &mut self,
        property: &Property,
        file: &str,
        words: Option<&'a FieldWords>,
        at: &[&str],
    ) -> Field {
        let schema = &property.schema;
        let enumeration = words.and_then(|words| words.enumeration.as_deref());
        self.use_enum(property, file, enumeration, at);
        let (rust_type, uses) = match enumeration {
            Some(name) => (name.to_owned(), Some(name.to_owned())),
            None => self.rust_type(&schema.shape),
        };
        let mut doc = vec![self.doc(words.and_then(|words| words.doc.as_ref()), at)];
        doc.extend(prose::field_sentences(property, enumeration.is_some()));
        Field {
            wire_name: property.name.clone(),
            name: names::field_name(&property.name),
            doc: doc.join(" "),
            rust_type,
            uses,
        }
    }

    /// The keys of an integer have an enum, whose variants are exactly those keys.
    fn use_enum(
        &mut self,
        property: &Property,
        file: &str,
        enumeration: Option<&'a str>,
        at: &[&str],
    ) {
        let schema = &property.schema;
        let has_keys = schema.shape == Shape::Integer && !schema.facts.keys.is_empty();
        let Some(name) = enumeration else {
            if has_keys {
                self.report(at, "its keys have no `enum`");
            }
            return;
        };
        if !has_keys {
            return self.report(at, "an `enum` is for an integer with keys");
        }
        let Some(words) = self.overlay.enums.get(name) else {
            return self.report(at, format!("no enum `{name}`"));
        };
        for key in &schema.facts.keys {
            let known = key.as_i64().filter(|key| words.has(*key));
            let Some(key) = known else {
                let rule = format!("`{name}` has no variant for the key {key}");
                self.problems.push(file, &schema.pointer, rule);
                continue;
            };
            self.keys.entry(name).or_default().insert(key);
        }
    }

    /// The type without its `Option`, and the generated type that it mentions.
    fn rust_type(&self, shape: &Shape) -> (String, Option<String>) {
        let plain = |name: &str| (name.to_owned(), None);
        match shape {
            Shape::String => plain("String"),
            Shape::Integer => plain("i64"),
            Shape::Number => plain("f64"),
            Shape::Boolean => plain("bool"),
            Shape::Any => plain("serde_json::Value"),
            Shape::Array(items) => {
                let (items, uses) = self.rust_type(&items.shape);
                (format!("Vec<{items}>"), uses)
            }
            Shape::Map(values) => {
                let (values, uses) = self.rust_type(&values.shape);
                (
                    format!("std::collections::BTreeMap<String, {values}>"),
                    uses,
                )
            }
            Shape::Named(key) => {
                let name = self.naming.of_type(key).to_owned();
                let generated = self.overlay.external(key).is_none();
                (name.clone(), generated.then_some(name))
            }
        }
    }

    /// All enums of the overlay, each of whose variants some fact must stand behind.
    fn enums(&mut self) -> Vec<Enum> {
        let overlay = self.overlay;
        let mut enums = Vec::new();
        for (name, words) in &overlay.enums {
            let at = ["enums", name];
            let Some(keys) = self.keys.remove(name.as_str()) else {
                self.report(&at, "no field has this enum");
                continue;
            };
            let variants = self.variants(words, &keys, &at);
            enums.push(Enum {
                name: name.clone(),
                doc: self.doc(words.doc.as_ref(), &at),
                variants,
            });
        }
        enums
    }

    fn variants(&mut self, words: &EnumWords, keys: &BTreeSet<i64>, at: &[&str]) -> Vec<Variant> {
        let mut taken = BTreeSet::from([UNKNOWN]);
        let mut seen = BTreeSet::new();
        let mut variants = Vec::new();
        for VariantWords { key, name, doc } in &words.variants {
            let at = [at, &["variants", name]].concat();
            if !keys.contains(key) {
                self.report(&at, format!("no field of this enum has the key {key}"));
            }
            if !names::is_type_name(name) || !taken.insert(name) || !seen.insert(key) {
                self.report(&at, "a variant needs a Rust name and a key of its own");
            }
            variants.push(Variant {
                key: *key,
                name: name.clone(),
                doc: self.doc(doc.as_ref(), &at),
            });
        }
        variants
    }

    /// A description: one sentence or more on one line, because facts follow it as sentences.
    fn doc(&mut self, doc: Option<&String>, at: &[&str]) -> String {
        let Some(doc) = doc else {
            self.report(at, "no `doc`");
            return String::new();
        };
        if !doc.ends_with('.') || doc.contains('\n') {
            self.report(at, "a `doc` is one line that ends with a full stop");
        }
        doc.clone()
    }

    fn report(&mut self, at: &[&str], rule: impl Into<String>) {
        self.problems.push(&self.overlay.file, path(at), rule);
    }
}
