//! Names by rule, without an overlay: by the rules of the catalogue, and another name if the result is
//! not valid Rust or not unique.

use std::collections::{BTreeMap, BTreeSet};

use super::super::names;
use super::super::overlay::{EnumWords, FieldWords, Key, ObjectWords, Overlay, VariantWords};
use super::super::spec::{Object, Property, Shape, Spec};
use super::super::types::Types;

/// The longest key that counts as a name.
const MAX_KEY: usize = 40;

/// The overlay with names by rule.
pub(super) fn by_rule(domain: &str, specs: &[Spec], types: &Types) -> Overlay {
    let mut taken = Taken(BTreeSet::from([names::event_set_name(domain)]));
    let mut owners = BTreeMap::new();
    for spec in specs {
        let facts = &spec.facts;
        let name = names::event_name(&facts.event_type, &facts.domain, facts.schema);
        owners.insert(facts.event_type.as_str(), taken.type_name(&name));
    }
    // An owner sorts before the types inside it.
    for key in types.keys() {
        let name = match key.rsplit_once('/') {
            None => names::type_name(key),
            Some((owner, field)) => {
                let owner = owners.get(owner).map_or("", String::as_str);
                owner.to_owned() + &names::type_name(field)
            }
        };
        owners.insert(key, taken.type_name(&name));
    }
    let mut overlay = Overlay::default();
    for Spec { body, facts, .. } in specs {
        let words = overlay.object(&facts.event_type, &owners, body, &mut taken);
        overlay.events.insert(facts.event_type.clone(), words);
    }
    for (key, definition) in types {
        let words = overlay.object(key, &owners, &definition.object, &mut taken);
        overlay.types.insert(key.clone(), words);
    }
    overlay
}

impl Overlay {
    /// The names for an object. Adds its enums.
    fn object(
        &mut self,
        key: &str,
        owners: &BTreeMap<&str, String>,
        object: &Object,
        taken: &mut Taken,
    ) -> ObjectWords {
        let name = owners.get(key).cloned().unwrap_or_default();
        let mut fields = BTreeMap::new();
        let mut field_names = BTreeSet::new();
        for (number, property) in (1..).zip(&object.properties) {
            let by_rule = names::field_name(&property.name);
            let is_usable = names::is_field_name(&by_rule) && !field_names.contains(&by_rule);
            let field = if is_usable {
                by_rule
            } else {
                format!("field_{number}")
            };
            let mut words = FieldWords::default();
            if let Some(variants) = variants(property) {
                let enumeration = taken.type_name(&(name.clone() + &names::type_name(&field)));
                let doc = Some(format!("A value of `{field}`."));
                let each = EnumWords { doc, variants };
                self.enums.insert(enumeration.clone(), each);
                words.enumeration = Some(enumeration);
            }
            field_names.insert(field.clone());
            words.name = Some(field);
            fields.insert(property.name.clone(), words);
        }
        ObjectWords {
            name: Some(name),
            fields,
            ..ObjectWords::default()
        }
    }
}

/// The variants for the keys of a field, if all keys are words. Numbers have no names.
fn variants(property: &Property) -> Option<Vec<VariantWords>> {
    let value = property.schema.leaf();
    let keys = &value.facts.keys;
    if value.shape != Shape::String || keys.len() < 2 {
        return None;
    }
    let mut taken = BTreeSet::new();
    let variants = keys.iter().map(|key| {
        let key = key.as_str().filter(|key| is_plain(key))?;
        let name = names::type_name(key);
        let is_usable = names::is_variant_name(&name) && taken.insert(name.clone());
        is_usable.then(|| VariantWords {
            key: Key::Text(key.to_owned()),
            name,
            doc: Some("A documented value.".to_owned()),
        })
    });
    variants.collect()
}

/// Whether a key is a name and not a text.
fn is_plain(key: &str) -> bool {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "_-.".contains(char);
    key.len() <= MAX_KEY && key.chars().all(is_plain)
}

/// The used names of types.
struct Taken(BTreeSet<String>);

impl Taken {
    /// Claims a free name that resembles this one.
    fn type_name(&mut self, like: &str) -> String {
        let mut name: String = like.chars().filter(char::is_ascii_alphanumeric).collect();
        if !name.starts_with(|first: char| first.is_ascii_uppercase()) {
            name.insert_str(0, "Type");
        }
        let is_free = |name: &String| names::is_type_name(name) && !self.0.contains(name);
        if !is_free(&name) {
            let numbered = (2..).map(|number: u64| format!("{name}{number}"));
            let mut numbered = numbered.filter(is_free);
            name = numbered.next().unwrap_or_default();
        }
        self.0.insert(name.clone());
        name
    }
}
