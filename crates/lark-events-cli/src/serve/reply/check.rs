//! Checks of the members of a reply, each a sentence if it fails.

use std::collections::BTreeSet;

use lark_events::RawJson;
use serde::de::DeserializeOwned;

use crate::document::members::Members;

/// The languages that the pages of the callbacks list, for toasts and for previews.
pub(super) const TOAST_LANGUAGES: &[&str] = &[
    "zh_cn", "en_us", "zh_hk", "zh_tw", "ja_jp", "id_id", "vi_vn", "th_th", "pt_br", "es_es",
    "ko_kr", "de_de", "fr_fr", "it_it", "ru_ru", "ms_my",
];
pub(super) const PREVIEW_LANGUAGES: &[&str] = &[
    "zh_cn", "zh_tw", "zh_hk", "en_us", "ja_jp", "fr_fr", "hi_in", "id_id", "it_it", "ko_kr",
    "pt_br", "ru_ru", "th_th", "vi_vn", "de_de", "es_es",
];

/// The problems that were found.
#[derive(Debug, Default)]
pub(super) struct Check {
    problems: Vec<String>,
    /// Those beyond the bound.
    more: usize,
}

impl Check {
    pub(super) fn add(&mut self, problem: String) {
        /// A reply of a megabyte has room for many problems; a person reads the first.
        const MAX_PROBLEMS: usize = 20;
        match self.problems.len() < MAX_PROBLEMS {
            true => self.problems.push(problem),
            false => self.more += 1,
        }
    }

    pub(super) fn into_problems(mut self) -> Vec<String> {
        if self.more > 0 {
            self.problems.push(format!("{} more problems", self.more));
        }
        self.problems
    }

    /// An object.
    pub(super) fn object(&mut self, at: &str, json: &RawJson) -> Option<Members> {
        let members = Members::parse(json.as_str());
        if members.is_none() {
            self.not(at, json, "an object");
        }
        members
    }

    /// A string that may be missing.
    pub(super) fn text(&mut self, at: &str, members: &Members, name: &str) -> Option<String> {
        self.value(at, members, name, "a string")
    }

    fn value<T: DeserializeOwned>(
        &mut self,
        at: &str,
        members: &Members,
        name: &str,
        expected: &str,
    ) -> Option<T> {
        let json = members.get(name)?;
        let value = json.decode().ok();
        if value.is_none() {
            self.not(&within(at, name), json, expected);
        }
        value
    }

    /// Strings by name, each once, in the order of the text. `None` if the object is missing or none.
    pub(super) fn texts(
        &mut self,
        at: &str,
        members: &Members,
        name: &str,
        known: &[&str],
        what: &str,
    ) -> Option<Vec<(String, String)>> {
        let at = within(at, name);
        let inner = self.object(&at, members.get(name)?)?;
        let mut texts = Vec::new();
        let mut seen = BTreeSet::new();
        for name in inner.names() {
            if !seen.insert(name) {
                self.twice(&at, name);
                continue;
            }
            if !known.contains(&name) {
                self.add(format!(
                    "`{}` is not {what}: expected one of {}",
                    within(&at, name),
                    known.join(", ")
                ));
            }
            if let Some(text) = self.text(&at, &inner, name) {
                texts.push((name.to_owned(), text));
            }
        }
        Some(texts)
    }

    /// Reports members that are not documented, and duplicates.
    pub(super) fn members(&mut self, at: &str, members: &Members, known: &[&str]) {
        let mut seen = BTreeSet::new();
        for name in members.names() {
            if !seen.insert(name) {
                self.twice(at, name);
            } else if !known.contains(&name) {
                let known = known.join(", ");
                self.add(format!(
                    "`{}` is not a documented member: expected {known}",
                    within(at, name)
                ));
            }
        }
    }

    fn twice(&mut self, at: &str, name: &str) {
        self.add(format!(
            "`{}` is there twice, and the last one counts: expected one",
            within(at, name)
        ));
    }

    /// Reports a value of another kind.
    pub(super) fn not(&mut self, at: &str, json: &RawJson, expected: &str) {
        self.add(format!("`{at}` is {}: expected {expected}", kind(json)));
    }
}

/// The path of a member, as a person writes it.
pub(super) fn within(at: &str, name: &str) -> String {
    /// Longer names are not those of a typing error.
    const MAX_CHARS: usize = 60;
    let cut = match name.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    };
    match at {
        "" => cut,
        at => format!("{at}.{cut}"),
    }
}

/// The kind of a JSON value, with its article.
pub(super) fn kind(json: &RawJson) -> &'static str {
    match json.as_str().trim_ascii_start().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}
