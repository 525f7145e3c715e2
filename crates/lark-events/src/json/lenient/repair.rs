//! The text of a second decoding pass: a copy of the first, without the parts that no decoder accepts.
//!
//! - A repeated member becomes null, because neither value may win.
//! - A string that is not Unicode becomes null, and a member whose name is not Unicode is left out.
//! - A number that is not held becomes a string of its own text.
//! - A value that is nested too deep becomes null.
//!
//! Copying takes time linear in the text, apart from the look-ups of names. The copy is at most twice
//! as long. The names of the open objects are kept beside it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::mem;
use std::ops::Range;

use super::Held;
use crate::json::decimal::Decimal;
use crate::json::string::unescaped;

/// The maximum nesting depth, the same as in `serde_json`. A `Value` of this depth takes some 300 KiB
/// of stack in a debug build, and less than 128 KiB in a release build.
pub(crate) const MAX_DEPTH: usize = 127;

const NULL: &str = "null";

/// Copies a text that is known to be one JSON value. Numbers stay numbers if they are integers of 64
/// bits, or among those that `held` allows as floats.
pub(crate) fn repair(text: &str, held: Held) -> String {
    let mut repair = Repair {
        rest: text,
        held,
        copy: String::with_capacity(text.len()),
        lost: Vec::new(),
    };
    repair.value(0);
    repair.finish()
}

struct Repair<'a> {
    rest: &'a str,
    held: Held,
    copy: String,
    /// The values in the copy that turned out to be repeated.
    lost: Vec<Range<usize>>,
}

impl<'a> Repair<'a> {
    #[expect(clippy::arithmetic_side_effects, reason = "no deeper than MAX_DEPTH")]
    fn value(&mut self, depth: usize) {
        match self.peek() {
            Some(b'{') if depth < MAX_DEPTH => self.object(depth + 1),
            Some(b'[') if depth < MAX_DEPTH => self.list(depth + 1),
            Some(b'{' | b'[') => {
                self.skip();
                self.copy.push_str(NULL);
            }
            Some(b'"') => {
                let string = self.string();
                let valid = unescaped(string).map(|_| string);
                self.copy.push_str(valid.unwrap_or(NULL));
            }
            _ => {
                let scalar = self.scalar();
                if self.is_held(scalar) {
                    self.copy.push_str(scalar);
                } else {
                    self.copy.extend(["\"", scalar, "\""]);
                }
            }
        }
    }

    fn object(&mut self, depth: usize) {
        self.copy_byte();
        let mut values: BTreeMap<Cow<'a, str>, Range<usize>> = BTreeMap::new();
        while self.peek() == Some(b'"') {
            let key = self.string();
            if self.peek() == Some(b':') {
                self.take(1);
            }
            let is_first = values.is_empty();
            match unescaped(key).map(|name| values.entry(name)) {
                Some(Entry::Vacant(entry)) => {
                    self.copy
                        .extend([if is_first { "" } else { "," }, key, ":"]);
                    let start = self.copy.len();
                    self.value(depth);
                    entry.insert(start..self.copy.len());
                }
                Some(Entry::Occupied(mut entry)) => {
                    let first = mem::take(entry.get_mut());
                    // Emptied by the second copy, which has reported all of them.
                    if !first.is_empty() {
                        self.lost.push(first);
                    }
                    self.skip();
                }
                None => self.skip(),
            }
            if self.peek() != Some(b',') {
                break;
            }
            self.take(1);
        }
        self.peek();
        self.copy_byte();
    }

    fn list(&mut self, depth: usize) {
        self.copy_byte();
        while self.peek().is_some_and(|next| next != b']') {
            self.value(depth);
            if self.peek() != Some(b',') {
                break;
            }
            self.copy_byte();
        }
        self.copy_byte();
    }

    /// Skips a value.
    #[expect(clippy::arithmetic_side_effects, reason = "what is open are bytes of a text")]
    fn skip(&mut self) {
        let mut open = 0_usize;
        while let Some(next) = self.peek() {
            match next {
                b'"' => {
                    self.string();
                }
                b'{' | b'[' => {
                    open += 1;
                    self.take(1);
                }
                b'}' | b']' => {
                    open = open.saturating_sub(1);
                    self.take(1);
                }
                b',' | b':' => {
                    self.take(1);
                }
                _ => {
                    self.scalar();
                }
            }
            if open == 0 {
                return;
            }
        }
    }

    /// The first byte of the next token.
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        self.rest.as_bytes().first().copied()
    }

    /// A string, in its quotes.
    #[expect(clippy::arithmetic_side_effects, reason = "at most one past the end of a text")]
    fn string(&mut self) -> &'a str {
        let bytes = self.rest.as_bytes();
        let mut end = 1;
        while let Some(&byte) = bytes.get(end) {
            end += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                break;
            }
        }
        self.take(end)
    }

    /// A number, a boolean or null.
    fn scalar(&mut self) -> &'a str {
        let end = self.rest.find([',', ']', '}', ' ', '\t', '\r', '\n']);
        self.take(end.unwrap_or(self.rest.len()))
    }

    /// Whether a decoder can hold the scalar as it is.
    fn is_held(&self, scalar: &str) -> bool {
        scalar.starts_with(|first: char| first.is_ascii_alphabetic())
            || scalar.parse::<i64>().is_ok()
            || scalar.parse::<u64>().is_ok()
            || Decimal::parse(scalar).is_some_and(|number| self.held.has(&number))
    }

    fn copy_byte(&mut self) {
        let byte = self.take(1);
        self.copy.push_str(byte);
    }

    /// Takes bytes from the rest of the text, or all of the rest if it is shorter.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// The copy, with null for every repeated member.
    #[expect(
        clippy::string_slice,
        reason = "a value of the copy begins and ends where something was pushed"
    )]
    fn finish(mut self) -> String {
        if self.lost.is_empty() {
            return self.copy;
        }
        // A lost value that contains another one starts before it.
        self.lost.sort_unstable_by_key(|range| range.start);
        let mut text = String::with_capacity(self.copy.len());
        let mut end = 0;
        for lost in self.lost {
            if lost.start >= end {
                text.push_str(&self.copy[end..lost.start]);
                text.push_str(NULL);
                end = lost.end;
            }
        }
        text.push_str(&self.copy[end..]);
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::RawJson;

    /// Repairs a text, and asserts that it is JSON before and after.
    #[track_caller]
    fn repaired(text: &str) -> String {
        assert!(RawJson::parse(text.to_owned()).is_ok(), "{text}");
        let repaired = repair(text, Held::Exact);
        let value = serde_json::from_str::<Value>(&repaired);
        assert!(value.is_ok(), "{text} became {repaired}");
        repaired
    }

    #[test]
    fn what_is_good_stays_as_it_is() {
        for good in [
            r#"{"a":[1,-2.5,"b\n\"\\",true,false,null,{}],"c":{"d":[]}}"#,
            r#"["\ud83d\ude00","会议室",18446744073709551615,-9223372036854775808,0.1,1e-400,-0]"#,
            r#""\\""#,
            "7",
        ] {
            assert_eq!(repaired(good), good);
        }
        assert_eq!(
            repaired(" { \"a\" : [ 1 , 2 ] , \"b\":\n{ } } "),
            r#"{"a":[1,2],"b":{}}"#
        );
    }

    #[test]
    fn a_member_given_twice_is_null_once() {
        for (text, expected) in [
            (r#"{"a":1,"a":1}"#, r#"{"a":null}"#),
            (
                r#"{"a":[1,2],"b":3,"\u0061":{"x":"]}"},"a":4}"#,
                r#"{"a":null,"b":3}"#,
            ),
            (r#"{"a":1,"b":{"a":2}}"#, r#"{"a":1,"b":{"a":2}}"#),
            (r#"[{"a":1},{"a":2}]"#, r#"[{"a":1},{"a":2}]"#),
            (
                r#"{"a":{"b":1,"b":2},"c":{"d":1,"d":2},"a":0}"#,
                r#"{"a":null,"c":{"d":null}}"#,
            ),
            (r#"{"":1,"":2}"#, r#"{"":null}"#),
        ] {
            assert_eq!(repaired(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_unicode_is_null_or_left_out() {
        for (text, expected) in [
            (r#"["\ud800","a"]"#, r#"[null,"a"]"#),
            (r#"{"a":"\udc00\ud800"}"#, r#"{"a":null}"#),
            (r#"{"\ud800":{"a":[1]},"b":2}"#, r#"{"b":2}"#),
            (r#"{"b":2,"\ud800":1}"#, r#"{"b":2}"#),
            (r#"{"\ud800":1}"#, "{}"),
            (r#"{"a":1,"\ud800":1,"\ud800":2,"b":2}"#, r#"{"a":1,"b":2}"#),
        ] {
            assert_eq!(repaired(text), expected, "{text}");
        }
    }

    #[test]
    fn a_number_that_is_not_held_is_its_own_text() {
        for number in [
            "1e400",
            "-1E+400",
            "18446744073709551616",
            "-9223372036854775809",
            "123456789012345678901234567890",
            "9007199254740992.0",
            "1e16",
            "1e-16",
        ] {
            let text = format!("\"{number}\"");
            assert_eq!(repaired(number), text);
            let is_endless = number.contains("400");
            let expected = if is_endless { &*text } else { number };
            assert_eq!(repair(number, Held::Finite), expected);
        }
    }

    #[test]
    fn what_is_nested_too_deep_is_null() {
        let nested = |depth: usize, inner: &str| {
            format!("{}{inner}{}", "{\"a\":[".repeat(depth), "]}".repeat(depth))
        };
        let most = MAX_DEPTH / 2;
        assert_eq!(repaired(&nested(most, "[]")), nested(most, "[]"));
        assert_eq!(repaired(&nested(most, "[[\"]\"]]")), nested(most, "[null]"));
        assert_eq!(
            repaired(&nested(50_000, "1")),
            nested(most, r#"{"a":null}"#)
        );
        assert_eq!(
            repaired(&format!("[{},1]", nested(most, "[1]"))),
            format!("[{},1]", nested(most, "null"))
        );
    }

    #[test]
    fn a_text_that_is_no_json_ends_the_copy_and_not_the_program() {
        for text in [
            "",
            "{",
            "[",
            "\"",
            "\"\\",
            "{\"a\"",
            "{\"a\":",
            "[1,",
            "}",
            "{]",
            "[}",
            "{\"a\" 1 \"b\"}",
            "[:",
        ] {
            repair(text, Held::Exact);
        }
    }
}
