//! Enums: our names for the keys that the facts have.

use std::collections::BTreeSet;

use super::super::model::{Enum, Variant};
use super::super::overlay::{EnumWords, Key, VariantWords};
use super::super::spec::{Schema, Shape};
use super::super::{names, prose};
use super::Catalogue;

impl<'a> Catalogue<'a, '_> {
    /// Checks that an enum names all keys of a field of strings or integers.
    pub(super) fn use_enum(&mut self, name: &'a str, schema: &Schema, at: &[&str]) {
        let value = schema.leaf();
        let is_text = match &value.shape {
            Shape::String => true,
            Shape::Integer => false,
            _ => return self.report(at, "an `enum` is allowed only for strings and integers"),
        };
        if value.facts.keys.is_empty() {
            return self.report(at, "an `enum` is allowed only for a field with keys");
        }
        let Some(words) = self.overlay.enums.get(name) else {
            return self.report(at, format!("no enum `{name}`"));
        };
        let known = self.keys.entry(name).or_default();
        for key in &value.facts.keys {
            let found = Key::of(key).filter(|key| words.has(key) && key.is_text() == is_text);
            if let Some(key) = found {
                known.insert(key);
                continue;
            }
            let rule = format!("`{name}` has no variant for the key {key}");
            self.problems.push(&value.file, &value.pointer, rule);
        }
    }

    /// All enums of the overlay. Each variant must be in a fact.
    pub(super) fn enums(&mut self) -> Vec<Enum> {
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
                is_text: variants.iter().any(|variant| variant.key.is_text()),
                variants,
            });
        }
        enums
    }

    fn variants(&mut self, words: &EnumWords, keys: &BTreeSet<Key>, at: &[&str]) -> Vec<Variant> {
        let mut taken = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut variants = Vec::new();
        for VariantWords { key, name, doc } in &words.variants {
            let at = [at, &["variants", name]].concat();
            if !keys.contains(key) {
                self.report(&at, format!("no field of this enum has the key {key}"));
            }
            if !names::is_variant_name(name) || !taken.insert(name) || !seen.insert(key) {
                self.report(&at, "a variant needs a Rust name and a unique key");
            }
            let doc = self.doc(doc.as_ref(), &at);
            let shown = match key {
                Key::Integer(key) => key.to_string(),
                Key::Text(key) => key.clone(),
            };
            variants.push(Variant {
                key: key.clone(),
                name: name.clone(),
                doc_with_key: format!("{doc} Key {}.", prose::code(&shown)),
                doc,
            });
        }
        let texts = seen.iter().filter(|key| key.is_text()).count();
        if texts > 0 && texts < seen.len() {
            self.report(at, "expected keys of one type, numbers or strings");
        }
        variants
    }
}
