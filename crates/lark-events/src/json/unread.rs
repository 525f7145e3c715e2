//! Finds the parts of a text that the value decoded from it does not have, by walking both texts side
//! by side. Members are compared as raw text, so that duplicate keys, `1e400` and lone surrogates are
//! reported like any other value.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fmt;
use std::iter;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::decimal::Decimal;
use super::lenient::MAX_DEPTH;
use super::pointer::Pointer;
use super::raw_json::RawJson;
use super::steps;
use super::string::{unescaped, unquoted};

/// The maximum size of all paths together: some ten thousand paths. Without a limit, the paths of many
/// elements below one long key would take its length times their number.
const MAX_PATH_BYTES: usize = 1 << 20;

/// The JSON pointers of values that are in `raw` but not in `typed`, the typed body serialised as JSON.
pub(crate) fn unread(raw: &RawJson, typed: &RawJson) -> Vec<String> {
    let mut walk = Walk {
        at: Pointer::default(),
        unread: Vec::new(),
        bytes: 0,
        deepest: MAX_DEPTH,
    };
    walk.value(raw.as_str().trim(), Some(typed.as_str().trim()), 0);
    walk.unread
}

struct Walk {
    at: Pointer,
    unread: Vec<String>,
    /// The size of the paths so far.
    bytes: usize,
    /// The maximum number of steps of a path, which shrinks when there are too many paths.
    deepest: usize,
}

impl Walk {
    /// Lists the unread parts of a value at depth `depth`. Returns whether there are any.
    #[expect(clippy::arithmetic_side_effects, reason = "no deeper than MAX_DEPTH")]
    fn value(&mut self, raw: &str, typed: Option<&str>, depth: usize) -> bool {
        match typed {
            _ if raw == "null" => false,
            Some(typed) if raw == typed || same_scalar(raw, typed) => false,
            Some(typed) if depth < MAX_DEPTH && same_container(raw, typed) => {
                let listed = self.unread.len();
                let is_lost = if raw.starts_with('{') {
                    self.members(raw, typed, depth + 1)
                } else {
                    self.elements(raw, typed, depth + 1)
                };
                if is_lost && depth >= self.deepest {
                    self.list(listed, depth);
                }
                is_lost
            }
            _ => {
                self.list(self.unread.len(), depth);
                true
            }
        }
    }

    /// Lists this place instead of the places inside it, which begin at index `inside`. If there is no
    /// room, or the place is too deep, the enclosing value is listed instead.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "the bytes of what is listed, and of one more"
    )]
    fn list(&mut self, inside: usize, depth: usize) {
        if depth > self.deepest {
            return;
        }
        let bytes_of = |path: &str| path.len() + size_of::<String>();
        for path in self.unread.drain(inside..) {
            self.bytes -= bytes_of(&path);
        }
        let bytes = self.bytes + bytes_of(self.at.as_str());
        if bytes > MAX_PATH_BYTES
            && let Some(above) = depth.checked_sub(1)
        {
            self.deepest = above;
            return;
        }
        self.bytes = bytes;
        self.unread.push(self.at.as_str().to_owned());
    }

    #[expect(clippy::arithmetic_side_effects, reason = "no text has so many members")]
    fn members(&mut self, raw: &str, typed: &str, depth: usize) -> bool {
        let raw = Members::read(raw);
        let typed: BTreeMap<_, _> = Members::read(typed).named().collect();
        let mut copies: BTreeMap<_, usize> = BTreeMap::new();
        for (name, _) in raw.named() {
            *copies.entry(name).or_default() += 1;
        }
        let mut is_lost = false;
        for &(key, value) in &raw.0 {
            let name = unescaped(key);
            let count = match &name {
                // A repeated member is reported once.
                Some(name) => copies.remove(name).unwrap_or_default(),
                None => 1,
            };
            // A name that is not Unicode is shown as it is written.
            let step = name.as_deref().or_else(|| unquoted(key)).unwrap_or(key);
            let length = self.at.step(step);
            is_lost |= match count {
                0 => false,
                1 => {
                    let typed = name.as_ref().and_then(|name| typed.get(name));
                    self.value(value, typed.copied(), depth)
                }
                // Any value of the copies counts: even null can have hidden another.
                _ => {
                    self.list(self.unread.len(), depth);
                    true
                }
            };
            self.at.go_back(length);
            if is_lost && depth > self.deepest {
                break;
            }
        }
        is_lost
    }

    /// Elements that did not fit were left out, so each typed element belongs to the next raw element
    /// that it can come from. In a list of any values, null has taken their places.
    fn elements(&mut self, raw: &str, typed: &str, depth: usize) -> bool {
        let mut raw = elements(raw).into_iter().map(RawValue::get).enumerate();
        let mut is_lost = false;
        // After the last typed element, the remaining raw ones are unread.
        let typed = elements(typed).into_iter().map(RawValue::get).map(Some);
        for typed in typed.chain(iter::once(None)) {
            let text = typed.and_then(scalar);
            let scalar = text.as_deref().zip(typed).map(Scalar::new);
            for (index, raw) in raw.by_ref() {
                let taken = typed.filter(|typed| {
                    let is_same = raw == *typed || *typed == "null" || same_container(raw, typed);
                    is_same || scalar.as_ref().is_some_and(|typed| typed.is_of(raw))
                });
                let length = self.at.step(&index.to_string());
                is_lost |= self.value(raw, taken, depth);
                self.at.go_back(length);
                if is_lost && depth > self.deepest {
                    return true;
                }
                if taken.is_some() {
                    break;
                }
            }
        }
        is_lost
    }
}

/// The members of an object in order, duplicates included, with keys and values as written.
struct Members<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Members<'a> {
    fn read(object: &'a str) -> Self {
        steps::read(object.len());
        serde_json::from_str(object).unwrap_or(Self(Vec::new()))
    }

    /// The members whose key is Unicode.
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
    steps::read(list.len());
    serde_json::from_str(list).unwrap_or_default()
}

fn same_container(raw: &str, typed: &str) -> bool {
    let both = |bracket| raw.starts_with(bracket) && typed.starts_with(bracket);
    both('{') || both('[')
}

/// Whether a lenient field keeps all of the scalar `raw` in `typed`.
fn same_scalar(raw: &str, typed: &str) -> bool {
    let (Some(raw_text), Some(typed_text)) = (scalar(raw), scalar(typed)) else {
        return false;
    };
    let [raw, typed] = [(&*raw_text, raw), (&*typed_text, typed)].map(Scalar::new);
    typed.is_all_of(&raw)
}

/// The text of a string, or of a number, a boolean or null.
fn scalar(json: &str) -> Option<Cow<'_, str>> {
    match json.as_bytes().first()? {
        b'"' => unescaped(json),
        b'{' | b'[' => None,
        _ => Some(Cow::Borrowed(json)),
    }
}

/// A scalar to compare, perhaps with many others; derived values are computed once.
struct Scalar<'a> {
    text: &'a str,
    json: &'a str,
    number: OnceCell<Option<Decimal<'a>>>,
    float: OnceCell<Option<f64>>,
}

impl<'a> Scalar<'a> {
    /// A scalar from its [text](scalar) and its JSON.
    fn new((text, json): (&'a str, &'a str)) -> Self {
        Self {
            text,
            json,
            number: OnceCell::new(),
            float: OnceCell::new(),
        }
    }

    fn number(&self) -> Option<Decimal<'a>> {
        *self.number.get_or_init(|| Decimal::parse(self.text))
    }

    fn float(&self) -> Option<f64> {
        let float = || self.number().and_then(Decimal::to_float);
        *self.float.get_or_init(float)
    }

    fn is_string(&self) -> bool {
        self.json.starts_with('"')
    }

    /// Whether a lenient field turns `raw` into this, to the last digit of a number.
    fn is_all_of(&self, raw: &Scalar<'_>) -> bool {
        match self.json {
            "true" => matches!(raw.text, "true" | "1"),
            "false" => matches!(raw.text, "false" | "0"),
            // The word `"null"` is a value; only the literal null is nothing.
            "null" => false,
            _ if raw.text == self.text => true,
            _ if raw.is_string() && self.is_string() => false,
            _ => raw.number().is_some() && raw.number() == self.number(),
        }
    }

    /// Whether a lenient field can turn `raw` into this, apart from digits that a float cannot hold.
    fn is_of(&self, raw: &str) -> bool {
        let Some(text) = scalar(raw) else {
            return false;
        };
        let raw = Scalar::new((&text, raw));
        let is_word = matches!(self.json, "true" | "false" | "null");
        let are_strings = raw.is_string() && self.is_string();
        let is_number = !is_word && !are_strings;
        self.is_all_of(&raw) || (is_number && raw.float().is_some() && raw.float() == self.float())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn paths(raw: &str, typed: &str) -> Vec<String> {
        let json = |text: &str| RawJson::parse(text.to_owned()).unwrap();
        unread(&json(raw), &json(typed))
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
            ("-0", "0"),
            (r#""null""#, r#""null""#),
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
            ("1e-400", "0.0"),
            ("100.00000000000000000001", "100"),
            (
                "0.123456789012345678901234567890",
                r#""0.12345678901234568""#,
            ),
            (r#""null""#, "null"),
            ("true", "null"),
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
        assert_eq!(paths(r#"[1, "\ud800", 2]"#, "[1, null, 2]"), ["/1"]);
        assert_eq!(
            paths("[0.3, 1e-400, {}, 2]", r#"["0.3", "0", "2"]"#),
            ["/1", "/2"]
        );
    }

    #[test]
    fn a_duplicate_member_is_listed_once() {
        for raw in [
            r#"{"a": 1, "b": 2, "\u0061": 1, "a": 3}"#,
            r#"{"a": null, "b": 2, "a": 1}"#,
            r#"{"a": 1, "b": 2, "a": null}"#,
        ] {
            assert_eq!(paths(raw, r#"{"a": 1, "b": 2}"#), ["/a"], "{raw}");
        }
    }

    #[test]
    fn broken_unicode_and_endless_numbers_are_listed_like_anything_else() {
        let raw =
            r#"{"\ud800": 1, "\\ud800": 2, "\"\ud800\"": 3, "a": "\udc00", "b": 1e400, "c": 1}"#;
        let typed = r#"{"\\ud800": 2, "c": 1}"#;
        assert_eq!(
            paths(raw, typed),
            [r"/\ud800", r#"/\"\ud800\""#, "/a", "/b"]
        );
    }

    #[test]
    fn the_walk_is_only_so_deep() {
        let deep = |inner: &str| format!("{}{inner}{}", "[".repeat(500), "]".repeat(500));
        assert_eq!(paths(&deep("1"), &deep("1")), [""; 0]);
        assert_eq!(paths(&deep("1"), &deep("2")), ["/0".repeat(MAX_DEPTH)]);
    }

    /// A raw list and what is left of it, for one `unread()` of many elements.
    type Shape = fn(usize) -> (String, String);

    #[test]
    fn the_bytes_read_grow_as_the_text_does() {
        fn list(odd: &str, count: usize, last: &str) -> (String, String) {
            (
                format!("[{}{last}]", format!("{odd},").repeat(count)),
                format!("[{last}]"),
            )
        }
        let shapes: [(&str, Shape); 7] = [
            ("objects before a text with escapes", |n| {
                list("{}", n, &format!("\"{}\"", r"\n".repeat(n)))
            }),
            ("nulls before a text with escapes", |n| {
                list("null", n, &format!("\"{}\"", r"\n".repeat(n)))
            }),
            ("no Unicode before a text", |n| {
                list(r#""\ud800""#, n, &format!("\"{}\"", "a".repeat(n)))
            }),
            ("texts before a long number", |n| {
                list(r#""a""#, n, &"1".repeat(n))
            }),
            ("numbers before a long number", |n| {
                list("1.5", n, &format!("0.{}", "1".repeat(n)))
            }),
            ("a member given many times", |n| {
                (
                    format!("{{{}\"b\":1}}", r#""a":1,"#.repeat(n)),
                    r#"{"b":1}"#.to_owned(),
                )
            }),
            ("lists that were left out", |n| {
                let list = format!("[{}1]", "[],".repeat(n));
                (format!("[{list},{list}]"), "[[1],[1]]".to_owned())
            }),
        ];
        for (name, shape) in shapes {
            let steps = |count| {
                let (raw, typed) = shape(count);
                let length = raw.len() + typed.len();
                let [raw, typed] = [raw, typed].map(|json| RawJson::parse(json).unwrap());
                (steps::count(|| drop(unread(&raw, &typed))), length)
            };
            for count in [500, 1_000, 2_000, 4_000, 8_000] {
                let (steps, length) = steps(count);
                assert!(steps <= 8 * length, "{name}: {steps} for {length} bytes");
            }
        }
    }
}
