//! What a typed body does not have of the text it was decoded from: the two texts walked side by
//! side. Members are compared as raw text, so that duplicate keys, `1e400` and lone surrogates can
//! be told of like anything else.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::event::Schema;
use crate::lenient::MAX_DEPTH;
use crate::pointer::Pointer;
use crate::raw_json::{RawJson, unescaped};

/// What version 1 keeps in the body, and [`EventHeader`](crate::EventHeader) has.
const V1_HEADER: [&str; 3] = ["/type", "/app_id", "/tenant_key"];

/// The JSON pointers of what is in `raw` and not in `typed`, the typed body written as JSON.
pub(crate) fn unread(raw: &RawJson, typed: &RawJson, schema: Schema) -> Vec<String> {
    let mut walk = Walk::default();
    let texts = (raw.as_str().trim(), typed.as_str().trim());
    walk.value(texts.0, Some(texts.1), 0);
    if schema == Schema::V1 {
        walk.unread.retain(|path| !V1_HEADER.contains(&&**path));
    }
    walk.unread
}

#[derive(Default)]
struct Walk {
    at: Pointer,
    unread: Vec<String>,
}

impl Walk {
    fn value(&mut self, raw: &str, typed: Option<&str>, depth: usize) {
        match typed {
            _ if raw == "null" => {}
            Some(typed) if raw == typed || same_scalar(raw, typed) => {}
            Some(typed) if depth < MAX_DEPTH && same_container(raw, typed) => {
                if raw.starts_with('{') {
                    self.members(raw, typed, depth + 1);
                } else {
                    self.elements(raw, typed, depth + 1);
                }
            }
            _ => self.unread.push(self.at.as_str().to_owned()),
        }
    }

    fn child(&mut self, name: &str, raw: &str, typed: Option<&str>, depth: usize) {
        let length = self.at.step(name);
        self.value(raw, typed, depth);
        self.at.go_back(length);
    }

    fn members(&mut self, raw: &str, typed: &str, depth: usize) {
        let raw = Members::read(raw);
        let typed: BTreeMap<_, _> = Members::read(typed).named().collect();
        let mut copies: BTreeMap<_, usize> = BTreeMap::new();
        for (name, _) in raw.named() {
            *copies.entry(name).or_default() += 1;
        }
        for (key, value) in &raw.0 {
            let Some(name) = unescaped(key) else {
                // No path can name it, so its own spelling has to.
                self.child(key.trim_matches('"'), value, None, depth);
                continue;
            };
            // A member given twice is told of once.
            match copies.remove(&name) {
                Some(1) => self.child(&name, value, typed.get(&name).copied(), depth),
                Some(_) => self.child(&name, value, None, depth),
                None => {}
            }
        }
    }

    /// Elements that the type could not take were left out, so each typed element belongs to the next
    /// raw one that it can have come from.
    fn elements(&mut self, raw: &str, typed: &str, depth: usize) {
        let mut typed = elements(typed).into_iter().map(RawValue::get).peekable();
        for (index, element) in elements(raw).into_iter().map(RawValue::get).enumerate() {
            let taken = typed.next_if(|typed| {
                element == *typed || same_container(element, typed) || same_scalar(element, typed)
            });
            self.child(&index.to_string(), element, taken, depth);
        }
    }
}

/// The members of an object in their order, duplicates included: keys and values as they stand in
/// the text.
struct Members<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Members<'a> {
    fn read(object: &'a str) -> Self {
        serde_json::from_str(object).unwrap_or(Self(Vec::new()))
    }

    /// Those whose key is a name, and no broken piece of Unicode.
    fn named(&self) -> impl Iterator<Item = (Cow<'a, str>, &'a str)> {
        let named = |&(key, value)| Some((unescaped(key)?, value));
        self.0.iter().filter_map(named)
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
                    members.push((key.get(), value.get()));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

fn elements(list: &str) -> Vec<&RawValue> {
    serde_json::from_str(list).unwrap_or_default()
}

fn same_container(raw: &str, typed: &str) -> bool {
    let both = |bracket| raw.starts_with(bracket) && typed.starts_with(bracket);
    both('{') || both('[')
}

/// Whether a lenient field makes `typed` of `raw`.
fn same_scalar(raw: &str, typed: &str) -> bool {
    let (Some(raw_text), Some(typed_text)) = (scalar(raw), scalar(typed)) else {
        return false;
    };
    match typed {
        "true" => matches!(&*raw_text, "true" | "1"),
        "false" => matches!(&*raw_text, "false" | "0"),
        _ if raw_text == typed_text => true,
        _ if raw.starts_with('"') && typed.starts_with('"') => false,
        _ => same_number(&raw_text, &typed_text),
    }
}

/// The text of a string, or of a number, a boolean or null.
fn scalar(json: &str) -> Option<Cow<'_, str>> {
    match json.as_bytes().first()? {
        b'"' => unescaped(json),
        b'{' | b'[' => None,
        _ => Some(Cow::Borrowed(json)),
    }
}

fn same_number(raw: &str, typed: &str) -> bool {
    match (raw.parse::<i128>(), typed.parse::<i128>()) {
        (Ok(raw), Ok(typed)) => raw == typed,
        _ => {
            let float = |text: &str| text.parse().ok().filter(|number: &f64| number.is_finite());
            float(raw).is_some_and(|raw| float(typed) == Some(raw))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn paths(raw: &str, typed: &str) -> Vec<String> {
        let json = |text: &str| RawJson::parse(text.to_owned()).unwrap();
        unread(&json(raw), &json(typed), Schema::V2)
    }

    #[test]
    fn a_scalar_is_taken_as_the_same_number_or_text() {
        for (raw, typed) in [
            ("7", r#""7""#),
            (r#""7""#, "7"),
            ("1.0", "1"),
            ("1", "1.0"),
            ("1e2", r#""100""#),
            ("1.50", r#""1.5""#),
            (r#""0.5""#, "0.5"),
            ("true", r#""true""#),
            (r#""true""#, "true"),
            ("1", "true"),
            (r#""1""#, "true"),
            ("0", "false"),
            (r#""0""#, "false"),
            ("null", "7"),
            (r#""\u0061\/""#, r#""a/""#),
            (
                "123456789012345678901234567890",
                r#""123456789012345678901234567890""#,
            ),
            ("1e400", r#""1e400""#),
            (" [1] ", "[1]"),
        ] {
            assert!(paths(raw, typed).is_empty(), "{raw} {typed}");
        }
        for (raw, typed) in [
            ("7", "8"),
            ("7", "null"),
            (r#""1.0""#, r#""1""#),
            ("2", "true"),
            ("1", "false"),
            ("false", "0"),
            ("9007199254740993", "9007199254740992"),
            (r#""\ud800""#, r#""""#),
            ("{}", "[]"),
            ("{}", r#""{}""#),
            ("1e400", "1e401"),
        ] {
            assert_eq!(paths(raw, typed), [""], "{raw} {typed}");
        }
    }

    #[test]
    fn what_was_not_taken_is_listed_by_its_outermost_place() {
        let raw = r#"{"a": {"b": [1, {"c": 2}], "d": null}, "e": {"f": 1}, "a/~": 3, "": 4}"#;
        assert_eq!(paths(raw, "{}"), ["/a", "/e", "/a~1~0", "/"]);
        assert_eq!(paths(raw, r#"{"a": {}}"#), ["/a/b", "/e", "/a~1~0", "/"]);
        let typed = r#"{"a": {"b": [1, {}]}, "": 4, "e": {"f": "1"}, "a/~": "3"}"#;
        assert_eq!(paths(raw, typed), ["/a/b/1/c"]);
    }

    #[test]
    fn elements_that_were_left_out_are_found() {
        let raw = r#"[null, "x", 1, {"a": 1, "b": 2}, [], 2, 3]"#;
        assert_eq!(paths(raw, r#"[1, 2, 3]"#), ["/1", "/3", "/4"]);
        assert_eq!(
            paths(raw, r#"[{"a": 1}]"#),
            ["/1", "/2", "/3/b", "/4", "/5", "/6"]
        );
        assert_eq!(
            paths(raw, r#"[null, "x", 1, {"a": 1, "b": 2}, [], 2, 3]"#),
            [""; 0]
        );
        assert_eq!(paths("[1, 2]", "[]"), ["/0", "/1"]);
    }

    #[test]
    fn a_duplicate_member_is_listed_once() {
        let raw = r#"{"a": 1, "b": 2, "\u0061": 1, "a": 3}"#;
        assert_eq!(paths(raw, r#"{"a": 1, "b": 2}"#), ["/a"]);
    }

    #[test]
    fn broken_unicode_and_endless_numbers_are_listed_like_anything_else() {
        let raw = r#"{"\ud800": 1, "\\ud800": 2, "a": "\udc00", "b": 1e400, "c": 1}"#;
        let typed = r#"{"\\ud800": 2, "c": 1}"#;
        assert_eq!(paths(raw, typed), [r"/\ud800", "/a", "/b"]);
    }

    #[test]
    fn the_walk_is_only_so_deep() {
        let deep = |inner: &str| format!("{}{inner}{}", "[".repeat(500), "]".repeat(500));
        assert_eq!(paths(&deep("1"), &deep("1")), [""; 0]);
        assert_eq!(paths(&deep("1"), &deep("2")), ["/0".repeat(MAX_DEPTH)]);
    }
}
