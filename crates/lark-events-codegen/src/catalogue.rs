//! Joins the facts of a domain with the descriptions and names of its overlay. Reports everything
//! that is missing or stale on either side, so that new facts get names and old words are removed.

mod enums;

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Envelope;
use super::model::{Check, Domain, Event, Field, ModuleDoc, Origin, Sample, Struct};
use super::naming::Naming;
use super::overlay::{FieldWords, Key, ObjectWords, Overlay, path};
use super::place::Place;
use super::problem::Problems;
use super::spec::{self, Object, Property, Schema, Shape, Spec};
use super::types::{self, Definition, Types};
use super::{core_tables, documented, names, prose, rules, stale};

/// From here on, Unicode has Chinese, Japanese and Korean, and no English punctuation.
const FIRST_CJK: char = '\u{2e80}';

/// All facts of a domain.
pub(crate) struct Uniting<'a> {
    pub(crate) specs: &'a [Spec],
    pub(crate) types: &'a Types,
    pub(crate) naming: Naming<'a>,
    pub(crate) overlay: &'a Overlay,
}

impl<'a> Uniting<'a> {
    /// Decides the whole output for the domain.
    pub(crate) fn domain(self, name: &str, place: &Place, problems: &mut Problems) -> Domain {
        let Self {
            specs,
            types,
            naming,
            overlay,
        } = self;
        stale::report(specs, types, overlay, problems);
        core_tables::report_stray(specs, types, overlay, problems);
        let mut catalogue = Catalogue {
            overlay,
            types,
            naming,
            validated: rules::with_rules(types, overlay),
            retired: retired_scopes(specs),
            keys: BTreeMap::new(),
            problems,
        };
        let externs = types.values();
        let externs = merged(externs.filter_map(|definition| catalogue.external(definition)));
        let mut events: Vec<_> = specs.iter().map(|spec| catalogue.event(spec)).collect();
        let mut structs: Vec<_> = types
            .values()
            .filter_map(|definition| catalogue.generated_type(definition, specs))
            .collect();
        events.sort_by(|a, b| a.body.name.cmp(&b.body.name));
        structs.sort_by(|a, b| a.name.cmp(&b.name));
        let enums = catalogue.enums();
        let used_by_events = used_by(events.iter().map(|event| &event.body));
        let mut used_by_types = used_by(&structs);
        used_by_types.retain(|name| enums.iter().any(|each| each.name == *name));
        Domain {
            name: name.to_owned(),
            module_doc: module_doc(name, place, overlay, &events),
            event_set: names::event_set_name(name),
            events,
            types: structs,
            externs,
            enums,
            used_by_events,
            used_by_types,
        }
    }
}

/// The generated types and enums that fields mention.
fn used_by<'a>(bodies: impl IntoIterator<Item = &'a Struct>) -> Vec<String> {
    let fields = bodies.into_iter().flat_map(|body| &body.fields);
    let names: BTreeSet<_> = fields.filter_map(|field| field.uses.clone()).collect();
    names.into_iter().collect()
}

/// `None` for a crate. The example has a typed event if there is one.
fn module_doc(name: &str, place: &Place, overlay: &Overlay, events: &[Event]) -> Option<ModuleDoc> {
    let Place::Module(_) = place else {
        return None;
    };
    let about = overlay.about.iter().map(|about| format!(": {about}"));
    let typed = events.iter().find(|event| event.raw.is_none());
    let example = typed.or(events.first());
    Some(ModuleDoc {
        summary: format!("Typed `{name}` events{}.", about.collect::<String>()),
        module: place.module(),
        example: example.map_or_else(String::new, |event| event.body.name.clone()),
    })
}

/// Types with the same name as one, which has the fields of all, each with the most facts.
fn merged(types: impl Iterator<Item = Struct>) -> Vec<Struct> {
    let mut merged: Vec<Struct> = Vec::new();
    for each in types {
        let Some(known) = merged.iter_mut().find(|known| known.name == each.name) else {
            merged.push(each);
            continue;
        };
        for field in each.fields {
            let mut fields = known.fields.iter_mut();
            match fields.find(|known| known.wire_name == field.wire_name) {
                Some(known) if known.doc.len() >= field.doc.len() => {}
                Some(known) => known.doc = field.doc,
                None => known.fields.push(field),
            }
        }
    }
    merged
}

/// The description of a field of a hand-written type, as in its source.
fn external_doc(path: &str, field: &str) -> &'static str {
    match (path, field) {
        ("lark_events::UserId", "open_id") => "The user's id within one app.",
        ("lark_events::UserId", "union_id") => "The same for all apps of one developer.",
        ("lark_events::UserId", "user_id") => "The same for all apps within one tenant.",
        _ => "",
    }
}

fn retired_scopes(specs: &[Spec]) -> BTreeSet<&str> {
    let facts = specs.iter().map(|spec| &spec.facts);
    let scopes = facts.flat_map(|facts| facts.scopes.iter().chain(&facts.field_scopes));
    let retired = scopes.filter(|scope| scope.retired);
    retired.map(|scope| scope.name.as_str()).collect()
}

/// Joins events and types with their descriptions and names.
struct Catalogue<'a, 'p> {
    overlay: &'a Overlay,
    types: &'a Types,
    naming: Naming<'a>,
    /// The types whose rules are checked.
    validated: BTreeSet<&'a str>,
    /// The permissions for which apps can no longer apply.
    retired: BTreeSet<&'a str>,
    /// The keys of each enum in the facts.
    keys: BTreeMap<&'a str, BTreeSet<Key>>,
    problems: &'p mut Problems,
}

impl<'a> Catalogue<'a, '_> {
    fn event(&mut self, spec: &Spec) -> Event {
        let facts = &spec.facts;
        let event_type = &facts.event_type;
        let name = self.naming.of_event(event_type).to_owned();
        let words = self.overlay.events.get(event_type);
        let sample = spec.sample.as_ref().map(|json| Sample {
            constant: names::constant_name(&name),
            json: spec::canonical(json),
        });
        let (mut doc, body) = self.structure(name, &spec.body, words, "events");
        if doc.is_empty() {
            doc = format!("The event `{event_type}`.");
        }
        Event {
            event_type: event_type.clone(),
            is_v1: facts.schema == Envelope::V1,
            facts: documented::items(facts),
            documented: documented::cell(facts, spec.is_raw),
            info: documented::info(facts, &doc),
            doc,
            body,
            raw: spec.is_raw.then(|| documented::raw(facts)),
            origin: Origin {
                title: facts
                    .title
                    .as_ref()
                    .or(words.and_then(|words| words.title_zh.as_ref()))
                    .cloned(),
                sdks: facts.sdks.clone(),
                is_unconfirmed: facts.unconfirmed,
            },
            sample,
            scopes: facts
                .scopes
                .iter()
                .map(|scope| scope.name.clone())
                .collect(),
            duplicate_key: words.and_then(|words| words.duplicate_key.clone()),
        }
    }

    /// `None` for an extern type, and for a type that only extern types refer to.
    fn generated_type(&mut self, definition: &Definition, specs: &[Spec]) -> Option<Struct> {
        let object = &definition.object;
        let words = self.overlay.types.get(&object.key);
        let part_of = self.events_with(&object.key, specs);
        if part_of.is_empty() || words.is_some_and(|words| words.external.is_some()) {
            return None;
        }
        let name = self.naming.of_type(&object.key).to_owned();
        let (doc, mut body) = self.structure(name, object, words, "types");
        body.docs.extend((!doc.is_empty()).then_some(doc));
        body.docs.push(prose::part_of(&part_of));
        Some(body)
    }

    /// A hand-written type, as in the facts.
    fn external(&mut self, definition: &Definition) -> Option<Struct> {
        let object = &definition.object;
        let external = self.overlay.external(&object.key)?;
        let fields = object.properties.iter();
        let fields = fields.map(|property| {
            let doc = external_doc(&external.path, &property.name).to_owned();
            self.described(property, None, doc)
        });
        Some(Struct {
            name: external.path.clone(),
            docs: Vec::new(),
            fields: fields.collect(),
            has_undocumented: false,
            checks: Vec::new(),
        })
    }

    /// The description of an object, and its struct without.
    fn structure(
        &mut self,
        name: String,
        object: &Object,
        words: Option<&'a ObjectWords>,
        table: &str,
    ) -> (String, Struct) {
        let fields = self.fields(object, words, table);
        let doc = words.and_then(|words| words.doc.as_ref());
        let by_hand = words.is_some_and(|words| words.validated_by_hand);
        let checks = object.properties.iter().zip(&fields);
        let checks = checks.flat_map(|(property, field)| self.checks(property, field, words));
        let body = Struct {
            name,
            docs: Vec::new(),
            has_undocumented: fields.iter().any(|field| field.doc.is_empty()),
            checks: checks.filter(|_| !by_hand).collect(),
            fields,
        };
        (self.doc(doc, &[table, &object.key]), body)
    }

    fn checks(
        &self,
        property: &Property,
        field: &Field,
        words: Option<&ObjectWords>,
    ) -> impl Iterator<Item = Check> {
        let is_enum = words.is_some_and(|words| words.enumeration(&property.name).is_some());
        let rules = rules::of_field(&property.schema, is_enum, &self.validated);
        rules.into_iter().map(|rule| Check {
            field: field.name.clone(),
            wire_name: field.wire_name.clone(),
            rule,
        })
    }

    /// The Rust names of the events that contain a type.
    fn events_with(&self, key: &str, specs: &[Spec]) -> Vec<String> {
        let has =
            |spec: &&Spec| types::reached_from(&spec.body, self.types, self.overlay).contains(key);
        let specs = specs.iter().filter(has);
        let mut names: Vec<_> = specs
            .map(|spec| self.naming.of_event(&spec.facts.event_type).to_owned())
            .collect();
        names.sort();
        names
    }

    fn fields(
        &mut self,
        object: &Object,
        words: Option<&'a ObjectWords>,
        table: &str,
    ) -> Vec<Field> {
        let mut taken = BTreeSet::new();
        let mut fields = Vec::new();
        for property in &object.properties {
            let words = words.and_then(|words| words.fields.get(&property.name));
            let at = [table, &object.key, "fields", &property.name];
            let field = self.field(property, words, &at);
            if !names::is_field_name(&field.name) || !taken.insert(field.name.clone()) {
                let rule = format!(
                    "`{}` is taken, or is not a field name; set `name`",
                    field.name
                );
                let Schema { file, pointer, .. } = &property.schema;
                self.problems.push(file, pointer, rule);
            }
            fields.push(field);
        }
        fields
    }

    fn field(&mut self, property: &Property, words: Option<&'a FieldWords>, at: &[&str]) -> Field {
        let schema = &property.schema;
        let enumeration = words.and_then(|words| words.enumeration.as_deref());
        if let Some(name) = enumeration {
            self.use_enum(name, schema, at);
        }
        if let Some(by_hand) = words.and_then(|words| words.external.as_ref()) {
            if !matches!(schema.leaf().shape, Shape::Either(_)) {
                self.report(
                    at,
                    "an `extern` is allowed only for a value that comes in several forms",
                );
            }
            if !names::is_path(by_hand) {
                self.report(at, "`extern` is not a path of a type");
            }
        }
        let doc = self.doc(words.and_then(|words| words.doc.as_ref()), at);
        self.described(property, words, doc)
    }

    /// A field with its description and facts.
    fn described(&self, property: &Property, words: Option<&FieldWords>, doc: String) -> Field {
        let schema = &property.schema;
        let enumeration = words.and_then(|words| words.enumeration.as_deref());
        let by_hand = words.and_then(|words| words.external.as_deref());
        let leaf = match (enumeration, by_hand) {
            (Some(name), _) => Some((name, Some(name.to_owned()))),
            (None, Some(path)) => Some((path, None)),
            (None, None) => None,
        };
        let (rust_type, uses) = self.rust_type(&schema.shape, leaf.as_ref());
        let mut sentences: Vec<_> = (!doc.is_empty()).then_some(doc).into_iter().collect();
        sentences.extend(prose::field_sentences(
            property,
            enumeration.is_some(),
            &self.retired,
        ));
        Field {
            wire_name: property.name.clone(),
            name: words
                .and_then(|words| words.name.clone())
                .unwrap_or_else(|| names::field_name(&property.name)),
            doc: sentences.join(" "),
            rust_type,
            uses,
        }
    }

    /// The type without its `Option`, and the generated type that it mentions. The words of the overlay
    /// apply to a value, or to the elements of lists and maps.
    fn rust_type(
        &self,
        shape: &Shape,
        leaf: Option<&(&str, Option<String>)>,
    ) -> (String, Option<String>) {
        let plain = |name: &str| (name.to_owned(), None);
        match (shape, leaf) {
            (Shape::Array(items), _) => {
                let (items, uses) = self.rust_type(&items.shape, leaf);
                (format!("Vec<{items}>"), uses)
            }
            (Shape::Map(values), _) => {
                let (values, uses) = self.rust_type(&values.shape, leaf);
                (
                    format!("std::collections::BTreeMap<String, {values}>"),
                    uses,
                )
            }
            (_, Some((name, uses))) => ((*name).to_owned(), uses.clone()),
            (Shape::String, _) => plain("String"),
            (Shape::Integer, _) => plain("i64"),
            (Shape::Number, _) => plain("f64"),
            (Shape::Boolean, _) => plain("bool"),
            (Shape::Any | Shape::Either(_), _) => plain("serde_json::Value"),
            (Shape::Named(key), _) => {
                let name = self.naming.of_type(key).to_owned();
                let generated = self.overlay.external(key).is_none();
                (name.clone(), generated.then_some(name))
            }
        }
    }

    /// A description: one or more sentences on one line, because facts follow as sentences. Empty if
    /// there is none, which is a problem in a `described` domain.
    fn doc(&mut self, doc: Option<&String>, at: &[&str]) -> String {
        let Some(doc) = doc else {
            if self.overlay.described || at.first() == Some(&"enums") {
                self.report(at, "no `doc`");
            }
            return String::new();
        };
        if !doc.ends_with('.') || doc.contains('\n') {
            self.report(at, "a `doc` is one line that ends with a full stop");
        }
        if doc.chars().any(|char| char >= FIRST_CJK) {
            self.report(at, "a `doc` is in English");
        }
        // Rustdoc would treat these as links and tags.
        let prose = doc.split('`').step_by(2);
        if doc.matches('`').count() % 2 == 1
            || prose.flat_map(str::chars).any(|c| "[]<>".contains(c))
        {
            self.report(at, "a `doc` may have brackets and backticks only in code");
        }
        doc.clone()
    }

    fn report(&mut self, at: &[&str], rule: impl Into<String>) {
        self.problems.push(&self.overlay.file, path(at), rule);
    }
}
