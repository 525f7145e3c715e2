//! The types of a domain. Types with the same name are one type, with the fields of all pages.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Facts;
use super::overlay::{External, Overlay, path};
use super::problem::Problems;
use super::spec::{Object, Schema, Shape, Spec};

/// The types of all specs, by key.
pub(crate) type Types = BTreeMap<String, Definition>;

#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) object: Object,
    /// The first fact file that has it.
    pub(crate) file: String,
}

/// Collects the types. Where two pages contradict each other, the overlay decides.
pub(crate) fn collect(specs: &[Spec], overlay: &Overlay, problems: &mut Problems) -> Types {
    let mut types = Types::new();
    let mut merging = Merging {
        overlay,
        contradictions: BTreeSet::new(),
        problems,
    };
    for spec in specs {
        for object in &spec.types {
            let external = overlay.external(&object.key);
            if let Some(external) = external {
                report_lost_fields(object, external, merging.problems);
            }
            match types.get_mut(&object.key) {
                Some(known) if external.is_none() => merging.object(known, object),
                Some(_) => {}
                None => {
                    let definition = Definition {
                        object: object.clone(),
                        file: spec.file.clone(),
                    };
                    types.insert(object.key.clone(), definition);
                }
            }
        }
    }
    merging.settle(&mut types);
    report_cycles(&types, overlay, problems);
    types
}

/// Merges the types of several fact files.
struct Merging<'a> {
    overlay: &'a Overlay,
    /// The contradictions between pages: a type, a field, and a fact. The fact is empty if the types of
    /// the field differ.
    contradictions: BTreeSet<[String; 3]>,
    problems: &'a mut Problems,
}

impl Merging<'_> {
    fn object(&mut self, known: &mut Definition, other: &Object) {
        for property in &other.properties {
            let mut properties = known.object.properties.iter_mut();
            let Some(first) = properties.find(|known| known.name == property.name) else {
                known.object.properties.push(property.clone());
                continue;
            };
            let at = [other.key.as_str(), &property.name];
            if !self.schema(&mut first.schema, &property.schema, at) {
                self.contradict(at, "");
                if self.overlay.settled(at[0], at[1]).is_some() {
                    self.facts(&mut first.schema.facts, &property.schema.facts, at);
                    continue;
                }
                let rule = format!(
                    "`{}` of `{}` has another type in {}; set its `type` in the overlay",
                    at[1], at[0], known.file
                );
                let Schema { file, pointer, .. } = &property.schema;
                self.problems.push(file, pointer, rule);
            }
        }
    }

    /// Merges two schemas, and returns whether that is possible. An open type yields to any other, and
    /// an integer to a number.
    fn schema(&mut self, known: &mut Schema, other: &Schema, at: [&str; 2]) -> bool {
        match (&mut known.shape, &other.shape) {
            (Shape::Array(known), Shape::Array(other)) | (Shape::Map(known), Shape::Map(other)) => {
                if !self.schema(known, other, at) {
                    return false;
                }
            }
            (Shape::Either(known), Shape::Either(other)) if known.len() == other.len() => {
                let mut pairs = known.iter_mut().zip(other);
                if !pairs.all(|(known, other)| self.schema(known, other, at)) {
                    return false;
                }
            }
            (_, Shape::Any) | (Shape::Number, Shape::Integer) => {}
            (Shape::Any, shape) => known.shape = shape.clone(),
            (Shape::Integer, Shape::Number) => known.shape = Shape::Number,
            (known, other) if known == other => {}
            _ => return false,
        }
        self.facts(&mut known.facts, &other.facts, at);
        true
    }

    /// Merges facts. The widest bounds count, as they hold for every page. Other facts that differ are
    /// dropped.
    fn facts(&mut self, known: &mut Facts, other: &Facts, at: [&str; 2]) {
        fn unite<T: Clone + PartialEq>(known: &mut Vec<T>, other: &[T]) {
            for item in other {
                if !known.contains(item) {
                    known.push(item.clone());
                }
            }
        }
        let number = |number: &serde_json::Number| number.as_f64();
        known.minimum = widest(&known.minimum, &other.minimum, |a, b| number(a) < number(b));
        known.maximum = widest(&known.maximum, &other.maximum, |a, b| number(a) > number(b));
        known.min_length = widest(&known.min_length, &other.min_length, |a, b| a < b);
        known.max_length = widest(&known.max_length, &other.max_length, |a, b| a > b);
        self.agreed(&mut known.unit, &other.unit, at, "unit");
        self.agreed(&mut known.default, &other.default, at, "default");
        self.agreed(&mut known.round_to, &other.round_to, at, "round_to");
        unite(&mut known.scopes, &other.scopes);
        unite(&mut known.keys, &other.keys);
        known.only_sampled &= other.only_sampled;
        if known.sdks.is_empty() || other.sdks.is_empty() {
            known.sdks.clear();
        } else {
            unite(&mut known.sdks, &other.sdks);
        }
        known.unix_time |= other.unix_time;
    }

    /// Merges a fact. A fact of a single page counts. If two pages differ, the fact is dropped for good.
    fn agreed<T: Clone + PartialEq>(
        &mut self,
        known: &mut Option<T>,
        other: &Option<T>,
        at: [&str; 2],
        fact: &str,
    ) {
        if known.is_some() && other.is_some() && known != other {
            self.contradict(at, fact);
        }
        if known.is_none() {
            known.clone_from(other);
        }
        if self
            .contradictions
            .contains(&[at[0], at[1], fact].map(str::to_owned))
        {
            *known = None;
        }
    }

    fn contradict(&mut self, [key, field]: [&str; 2], fact: &str) {
        self.contradictions
            .insert([key, field, fact].map(str::to_owned));
    }

    /// Gives fields the types that the overlay decided on.
    fn settle(&mut self, types: &mut Types) {
        for (key, words) in &self.overlay.types {
            for (name, words) in &words.fields {
                let Some(settled) = words.settled else {
                    continue;
                };
                if !self
                    .contradictions
                    .contains(&[key, name, ""].map(str::to_owned))
                {
                    let at = path(&["types", key, "fields", name, "type"]);
                    self.problems.push(
                        &self.overlay.file,
                        at,
                        "the pages agree here: remove `type`",
                    );
                }
                let definition = types.get_mut(key).into_iter();
                let properties =
                    definition.flat_map(|definition| &mut definition.object.properties);
                for property in properties.filter(|property| property.name == *name) {
                    property.schema.shape = settled.shape();
                }
            }
        }
    }
}

/// The widest bound. It needs a bound of every page.
fn widest<T: Clone>(a: &Option<T>, b: &Option<T>, is_wider: impl Fn(&T, &T) -> bool) -> Option<T> {
    let (a, b) = (a.as_ref()?, b.as_ref()?);
    Some(if is_wider(a, b) { a } else { b }.clone())
}

/// Reports facts that a hand-written type lacks. It may have more than the facts.
fn report_lost_fields(object: &Object, external: &External, problems: &mut Problems) {
    for property in &object.properties {
        if !external.fields.contains(&property.name) {
            let rule = format!("`{}` has no such field", external.path);
            let Schema { file, pointer, .. } = &property.schema;
            problems.push(file, pointer, rule);
        }
    }
}

/// Reports types that contain themselves other than in a list or a map. They would need a `Box`.
fn report_cycles(types: &Types, overlay: &Overlay, problems: &mut Problems) {
    for (key, Definition { object, .. }) in types {
        for property in &object.properties {
            let Shape::Named(member) = &property.schema.shape else {
                continue;
            };
            if overlay.external(key).is_none()
                && held_by(member, types, overlay).contains(key.as_str())
            {
                let rule = format!("`{key}` contains itself here, which is not supported");
                let Schema { file, pointer, .. } = &property.schema;
                problems.push(file, pointer, rule);
            }
        }
    }
}

/// The type itself, and every type in it that is not in a list or a map.
fn held_by<'a>(key: &'a str, types: &'a Types, overlay: &Overlay) -> BTreeSet<&'a str> {
    let mut held = BTreeSet::new();
    let mut open = vec![key];
    while let Some(key) = open.pop() {
        let Some(definition) = types.get(key).filter(|_| held.insert(key)) else {
            continue;
        };
        if overlay.external(key).is_some() {
            continue;
        }
        let properties = definition.object.properties.iter();
        open.extend(
            properties.filter_map(|property| match &property.schema.shape {
                Shape::Named(key) => Some(key.as_str()),
                _ => None,
            }),
        );
    }
    held
}

/// The types that an object refers to, directly or indirectly, also in lists and maps. Hand-written
/// types end the search.
pub(crate) fn reached_from<'a>(
    object: &'a Object,
    types: &'a Types,
    overlay: &Overlay,
) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![object];
    while let Some(object) = open.pop() {
        for property in &object.properties {
            let Some(key) = property.schema.shape.named() else {
                continue;
            };
            if reached.insert(key) && overlay.external(key).is_none() {
                open.extend(types.get(key).map(|definition| &definition.object));
            }
        }
    }
    reached
}
