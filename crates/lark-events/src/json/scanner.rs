//! Reads names, strings and the extent of values from a JSON text, without decoding, in less than half
//! of serde's time.
//!
//! It knows only part of JSON: no escapes in the strings that it returns, and no more than
//! [`MAX_DEPTH`] levels in a value. For all other texts, valid or not, it returns `None`, and serde
//! decides. A text that it reads completely is therefore also valid for serde.

/// The maximum number of levels in a value: the bits of a word.
const MAX_DEPTH: u32 = u64::BITS;

/// The number of bytes that are compared together: the bits of a word.
const BLOCK: usize = u64::BITS as usize;

/// A place in a JSON text.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    marks: Marks,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            marks: Marks::default(),
        }
    }

    /// Reads an object. `read` gets each name, and reads the value.
    pub(crate) fn object(
        &mut self,
        mut read: impl FnMut(&mut Self, &'a str) -> Option<()>,
    ) -> Option<()> {
        self.token(b'{')?;
        if self.token(b'}').is_some() {
            return Some(());
        }
        loop {
            let name = self.string()?;
            self.token(b':')?;
            read(self, name)?;
            if self.token(b',').is_none() {
                return self.token(b'}');
            }
        }
    }

    /// Reads a string that has no escapes.
    #[expect(clippy::arithmetic_side_effects, reason = "within the text")]
    pub(crate) fn string(&mut self) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        let start = after(bytes, self.at, b'"')?;
        let end = self.marks.next(bytes, start)?;
        if *bytes.get(end)? != b'"' {
            return None;
        }
        self.at = end + 1;
        self.text.get(start..end)
    }

    /// Reads a value, and returns its text.
    pub(crate) fn value(&mut self) -> Option<&'a str> {
        let start = unspaced(self.text.as_bytes(), self.at);
        self.at = value(self.text.as_bytes(), start, &mut self.marks)?;
        self.text.get(start..self.at)
    }

    /// Checks that nothing follows.
    pub(crate) fn end(self) -> Option<()> {
        (unspaced(self.text.as_bytes(), self.at) == self.text.len()).then_some(())
    }

    fn token(&mut self, token: u8) -> Option<()> {
        self.at = after(self.text.as_bytes(), self.at, token)?;
        Some(())
    }
}

/// The end of the value that starts at `at`.
#[expect(clippy::arithmetic_side_effects, reason = "within the text, and within MAX_DEPTH")]
fn value(text: &[u8], mut at: usize, marks: &mut Marks) -> Option<usize> {
    let mut depth = 0;
    // Whether each enclosing value is an object: the lowest bit is that of the innermost one.
    let mut objects: u64 = 0;
    loop {
        match *text.get(at)? {
            b'"' => at = string(text, at + 1, marks)?,
            open @ (b'{' | b'[') => {
                if depth == MAX_DEPTH {
                    return None;
                }
                let is_object = open == b'{';
                depth += 1;
                objects = objects << 1 | u64::from(is_object);
                at += 1;
                if *text.get(at)? != b'"' {
                    at = unspaced(text, at);
                }
                // The end of an empty value is read below.
                if *text.get(at)? != close(objects) {
                    if is_object {
                        at = name(text, at, marks)?;
                    }
                    continue;
                }
            }
            b'-' | b'0'..=b'9' => at = number(text, at)?,
            b't' => at = literal(text, at, b"true")?,
            b'f' => at = literal(text, at, b"false")?,
            b'n' => at = literal(text, at, b"null")?,
            b' ' | b'\n' | b'\t' | b'\r' => {
                at = unspaced(text, at);
                continue;
            }
            _ => return None,
        }
        loop {
            if depth == 0 {
                return Some(at);
            }
            let token = *text.get(at)?;
            if token == b',' {
                at += 1;
                if objects & 1 == 1 {
                    at = name(text, at, marks)?;
                }
                break;
            }
            if token == close(objects) {
                at += 1;
                depth -= 1;
                objects >>= 1;
                continue;
            }
            let next = unspaced(text, at);
            if next == at {
                return None;
            }
            at = next;
        }
    }
}

/// What closes the innermost value.
fn close(objects: u64) -> u8 {
    if objects & 1 == 1 { b'}' } else { b']' }
}

/// The place after a name and its colon.
#[inline(always)]
fn name(text: &[u8], at: usize, marks: &mut Marks) -> Option<usize> {
    let start = after(text, at, b'"')?;
    after(text, string(text, start, marks)?, b':')
}

/// The place after `token`, which may follow white space.
#[inline(always)]
#[expect(clippy::arithmetic_side_effects, reason = "within the text")]
fn after(text: &[u8], at: usize, token: u8) -> Option<usize> {
    // Typical texts have no white space, and the check for it takes longer than that for a token.
    if *text.get(at)? == token {
        return Some(at + 1);
    }
    let at = unspaced(text, at);
    (*text.get(at)? == token).then_some(at + 1)
}

/// The place after white space.
#[inline(always)]
#[expect(clippy::arithmetic_side_effects, reason = "within the text")]
fn unspaced(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\t' | b'\r') = text.get(at) {
        at += 1;
    }
    at
}

/// The end of a string, from after its first quote.
#[inline(always)]
#[expect(clippy::arithmetic_side_effects, reason = "within the text")]
fn string(text: &[u8], mut at: usize, marks: &mut Marks) -> Option<usize> {
    loop {
        at = marks.next(text, at)?;
        match text.get(at..)? {
            [b'"', ..] => return Some(at + 1),
            [
                b'\\',
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
                ..,
            ] => at += 2,
            [b'\\', b'u', a, b, c, d, ..] if [a, b, c, d].iter().all(|d| d.is_ascii_hexdigit()) => {
                at += 6;
            }
            _ => return None,
        }
    }
}

/// The quotes, backslashes and control characters among the bytes of one block.
struct Marks {
    /// Where the block is: a multiple of its size, if there is one.
    start: usize,
    /// The lowest bit is that of the first byte.
    bits: u64,
}

impl Default for Marks {
    fn default() -> Self {
        Self {
            start: usize::MAX,
            bits: 0,
        }
    }
}

impl Marks {
    /// The first marked place from `at` on.
    #[inline(always)]
    #[expect(clippy::arithmetic_side_effects, reason = "within the text")]
    fn next(&mut self, text: &[u8], at: usize) -> Option<usize> {
        let within = at % BLOCK;
        if self.start != at - within {
            self.read(text, at - within)?;
        }
        let bits = self.bits >> within;
        if bits != 0 {
            return Some(at + bits.trailing_zeros() as usize);
        }
        loop {
            self.read(text, self.start + BLOCK)?;
            if self.bits != 0 {
                return Some(self.start + self.bits.trailing_zeros() as usize);
            }
        }
    }

    #[inline(always)]
    fn read(&mut self, text: &[u8], start: usize) -> Option<()> {
        let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
        *self = Self {
            start,
            bits: match rest.first_chunk() {
                Some(block) => marks(block),
                None => marks(&padded(rest)),
            },
        };
        Some(())
    }
}

/// A block that ends in control characters, which no string contains.
#[cold]
fn padded(rest: &[u8]) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    if let Some(start) = block.get_mut(..rest.len()) {
        start.copy_from_slice(rest);
    }
    block
}

/// The bits of a block. The compiler turns the first loop into vector instructions.
#[inline(always)]
#[expect(clippy::arithmetic_side_effects, reason = "less than the bits of a word")]
fn marks(block: &[u8; BLOCK]) -> u64 {
    let mut flags = [0_u8; BLOCK];
    for (flag, byte) in flags.iter_mut().zip(block) {
        *flag = u8::from(*byte == b'"') | u8::from(*byte == b'\\') | u8::from(*byte < 0x20);
    }
    let (words, _) = flags.as_chunks();
    let mut bits = 0;
    for (index, word) in words.iter().enumerate() {
        // Moves the lowest bit of each byte next to each other, into the highest byte.
        let gathered = u64::from_le_bytes(*word).wrapping_mul(0x0102_0408_1020_4080);
        bits |= (gathered >> 56) << (8 * index);
    }
    bits
}

#[expect(clippy::arithmetic_side_effects, reason = "within the text")]
fn number(text: &[u8], mut at: usize) -> Option<usize> {
    if *text.get(at)? == b'-' {
        at += 1;
    }
    at = match *text.get(at)? {
        b'0' => at + 1,
        _ => digits(text, at)?,
    };
    if let Some(b'.') = text.get(at) {
        at = digits(text, at + 1)?;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        at += 1;
        if let Some(b'+' | b'-') = text.get(at) {
            at += 1;
        }
        at = digits(text, at)?;
    }
    Some(at)
}

/// The place after one or more digits.
#[inline(always)]
#[expect(clippy::arithmetic_side_effects, reason = "within the text")]
fn digits(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    while let Some(b'0'..=b'9') = text.get(at) {
        at += 1;
    }
    (at > start).then_some(at)
}

#[expect(clippy::arithmetic_side_effects, reason = "within the text")]
fn literal(text: &[u8], at: usize, literal: &[u8]) -> Option<usize> {
    text.get(at..)?
        .starts_with(literal)
        .then_some(at + literal.len())
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    fn value_of(text: &str) -> Option<&str> {
        Scanner::new(text).value()
    }

    #[test]
    fn a_value_ends_where_serde_ends_it() {
        for value in [
            "0",
            "-1",
            "12.50",
            "1e5",
            "1E+5",
            "-0.1e-20",
            "true",
            "false",
            "null",
            "\"\"",
            "[]",
            "{}",
            r#""\"\\\/\b\f\n\r\t\u00Ff""#,
            r#"[1,"]",{"}":[{}]}]"#,
            " \n\t\r{ \"a\" : [ ] , \"b\" : 1 }",
        ] {
            for after in ["", " ", ",", "}", "]", " x"] {
                let text = format!("{value}{after}");
                assert_eq!(value_of(&text), Some(value.trim_start()), "{text}");
                assert!(serde_json::from_str::<&RawValue>(value).is_ok(), "{value}");
            }
        }
    }

    #[test]
    fn a_text_that_is_no_value_has_no_end() {
        for text in [
            "",
            " ",
            "-",
            "1.",
            "1e",
            "1e+",
            ".5",
            "+1",
            "tru",
            "nul",
            "falsy",
            "\"",
            "\"\\\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\\u12\"",
            "\"\n\"",
            "[",
            "[1",
            "[1,",
            "[1,]",
            "[,]",
            "[1 2]",
            "{",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{\"a\":1,",
            "{\"a\":1,}",
            "{\"a\" 1}",
            "{a:1}",
            "{1:1}",
            "[}",
            "{]",
            "]",
            "\u{a0}1",
        ] {
            assert_eq!(value_of(text), None, "{text}");
            assert!(serde_json::from_str::<&RawValue>(text).is_err(), "{text}");
        }
        // These end before something that cannot follow.
        for text in ["01", "1x", "truex", "nullnull", "{}{}", "1 2"] {
            assert!(
                value_of(text).is_some_and(|value| value.len() < text.len()),
                "{text}"
            );
        }
    }

    #[test]
    fn each_byte_is_marked_wherever_it_is_in_a_block() {
        for length in [0, 1, 7, 63, 64, 65, 130] {
            for at in 0..=length {
                for byte in 0..128_u8 {
                    let mut text = vec![b'a'; length];
                    text.insert(at, byte);
                    let marked = byte == b'"' || byte == b'\\' || byte < 0x20;
                    for from in [0, at] {
                        let place = Marks::default().next(&text, from);
                        let place = place.filter(|place| *place < text.len());
                        assert_eq!(place, marked.then_some(at), "{byte} at {at} of {length}");
                    }
                }
            }
        }
    }

    #[test]
    fn an_object_gives_its_members_in_order() {
        let text = r#" { "a" : [1] , "中" : "b" } "#;
        let mut scanner = Scanner::new(text);
        let mut seen = Vec::new();
        let read = scanner.object(|scanner, name| {
            seen.push((name, scanner.value()?));
            Some(())
        });
        assert_eq!(read, Some(()));
        assert_eq!(scanner.end(), Some(()));
        assert_eq!(seen, [("a", "[1]"), ("中", "\"b\"")]);
        assert_eq!(Scanner::new("{}x").object(|_, _| None), Some(()));
    }

    #[test]
    fn a_string_with_an_escape_is_not_read() {
        assert_eq!(Scanner::new(" \"a b\"").string(), Some("a b"));
        for text in ["\"a\\n\"", "\"a\n\"", "\"a", "a", ""] {
            assert_eq!(Scanner::new(text).string(), None, "{text}");
        }
    }
}
