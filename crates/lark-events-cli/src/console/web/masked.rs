//! Text from elsewhere in which secrets are masked. A page shows only such text, so that no place of it can
//! forget to mask.

mod json;
mod search;

use std::borrow::Cow;
use std::fmt;

use maud::{Escaper, Render};
use serde::{Serialize, Serializer};

use self::search::Secret;
use lark_events_pages::{Layout, lay_out};

/// What stands for a secret.
pub(crate) const MASK: &str = "***";

/// Text without secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Masked(String);

impl Masked {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// JSON with a line for each member and element.
    pub(crate) fn laid_out(&self) -> Self {
        Self(lay_out(&self.0, Layout::Pretty))
    }

    /// The start of the text, of at most this many bytes, and whether it is all of it.
    pub(crate) fn start(&self, bytes: usize) -> (&str, bool) {
        let end = self.0.floor_char_boundary(bytes);
        (&self.0[..end], end == self.0.len())
    }
}

/// Text of this program.
impl From<&'static str> for Masked {
    fn from(text: &'static str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Render for Masked {
    fn render_to(&self, buffer: &mut String) {
        use fmt::Write as _;
        // A String takes everything.
        let _ = Escaper::new(buffer).write_str(&self.0);
    }
}

impl Serialize for Masked {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// The secrets to mask.
#[derive(Clone)]
pub(crate) struct Masks {
    /// Longer ones first, as one may contain another.
    secrets: Vec<Secret>,
    /// By byte, whether a form of a secret may start with it.
    starts: [bool; 256],
}

/// The most bytes of a text of one line, such as an id: others are cut.
const MAX_SHORT: usize = 1024;

impl Masks {
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let secrets = secrets.into_iter().filter(|secret| !secret.is_empty());
        let all = secrets.flat_map(|secret| {
            let encoded = Secret::in_base64(secret);
            [Secret::new(secret)].into_iter().chain(encoded)
        });
        let mut secrets: Vec<_> = all.collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        let mut starts = [false; 256];
        let firsts = secrets.iter().filter_map(Secret::first_byte);
        for byte in firsts.chain(search::MARKS) {
            starts[usize::from(byte)] = true;
        }
        Self { secrets, starts }
    }

    /// Masks secrets in any text: as they are, escaped as in JSON or HTML, percent-encoded as in a URL, and in
    /// base64. Masks access tokens and tickets that the platform issues too.
    pub(crate) fn text(&self, text: &str) -> Masked {
        Masked(self.masked(text).into_owned())
    }

    /// Masks secrets in a text that usually has one line, and cuts it if it is long.
    pub(crate) fn short(&self, text: &str) -> Masked {
        let masked = self.text(text);
        match masked.start(MAX_SHORT) {
            (_, true) => masked,
            (start, false) => Masked(format!("{start}…")),
        }
    }

    /// Masks secrets in JSON, and the values of members that `hides` selects by their path. Everything else
    /// stays as it is, with all digits. Text that is not JSON is masked as text.
    pub(crate) fn json(&self, text: &str, hides: impl Fn(&json::Path) -> bool) -> Masked {
        match json::is_json(text) {
            true => Masked(json::masked(self, text, hides)),
            false => self.text(text),
        }
    }

    fn masked<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut masked = String::new();
        let mut kept = 0;
        let mut at = 0;
        while let Some(byte) = text.as_bytes().get(at) {
            match self.found(text, at) {
                Some(length) => {
                    masked.push_str(&text[kept..at]);
                    masked.push_str(MASK);
                    at += length;
                    kept = at;
                }
                // Each form that starts later in a run of backslashes starts here too.
                None if *byte == b'\\' => {
                    at = text.len() - text[at..].trim_start_matches('\\').len();
                }
                None => at += text[at..].chars().next().map_or(1, char::len_utf8),
            }
        }
        if kept == 0 {
            return Cow::Borrowed(text);
        }
        masked.push_str(&text[kept..]);
        Cow::Owned(masked)
    }

    /// The length of what is to be masked at a position of a text.
    fn found(&self, text: &str, at: usize) -> Option<usize> {
        let (before, rest) = text.split_at(at);
        let may_start = rest
            .bytes()
            .next()
            .is_some_and(|byte| self.starts[usize::from(byte)]);
        let secrets = self.secrets.iter().filter(|_| may_start);
        let found = secrets.filter_map(|secret| secret.ends(rest)).next();
        found.or_else(|| search::token(rest).filter(|_| search::starts_word(before)))
    }
}

impl Default for Masks {
    fn default() -> Self {
        Self::new([])
    }
}

pub(crate) use self::json::{Path, is_json};

#[cfg(test)]
mod tests {
    use super::*;

    const SECRETS: [&str; 3] = ["marked-key", "marked-key-longer", "a\"b\\c é/👍"];

    fn text(text: &str) -> String {
        Masks::new(SECRETS).text(text).to_string()
    }

    fn json(text: &str) -> String {
        Masks::new(SECRETS).json(text, |_| false).to_string()
    }

    #[test]
    fn a_secret_is_masked_in_whatever_form_it_comes() {
        for (given, shown) in [
            ("", ""),
            ("marked-key", "***"),
            ("marked-key-longer", "***"),
            ("marked-keymarked-key", "******"),
            ("marked-kemarked-key", "marked-ke***"),
            (
                "http://x/marked%2Dkey?a=%6darked-key&b",
                "http://x/***?a=***&b",
            ),
            ("%256darked-key", "***"),
            (r"\u006darked\u002Dkey", "***"),
            (r"x\\u006darked-key", "x***"),
            (r#"a"b\c é/👍"#, "***"),
            (r#"a\"b\\c é/👍"#, "***"),
            (r#"a\"b\\c \u00e9\/\ud83d\udc4d"#, "***"),
            (r#"a\\\"b\\\\c \\u00e9/👍!"#, "***!"),
            ("a%22b%5cc+%C3%A9%2f%F0%9F%91%8D", "***"),
            ("a%22b%5Cc%20%C3%A9/%F0%9F%91%8D", "***"),
            ("MARKED-KEY", "MARKED-KEY"),
            ("marked", "marked"),
            ("é👍%", "é👍%"),
            (r"\u00", r"\u00"),
            ("a&quot;b\\c &#233;&#x2F;&#128077;", "***"),
            ("a&amp;quot;b&#92;c&#32;&#0233;&#x2f;&#X1F44D;", "***"),
            ("&amp;#109;arked-key &#;&#x;&quot;&", "*** &#;&#x;&quot;&"),
            ("Basic bWFya2VkLWtleQ==", "Basic ***Q=="),
            ("Basic eDptYXJrZWQta2V5Cg==", "Basic eDp***Cg=="),
        ] {
            assert_eq!(text(given), shown, "{given}");
        }
        assert_eq!(Masks::new([""]).text("a").as_str(), "a");
    }

    #[test]
    fn a_secret_with_percent_signs_is_masked_encoded_or_not() {
        let masks = Masks::new(["a%41%25%b"]);
        for given in [
            "a%41%25%b",
            "a%2541%2525%25b",
            "%61%2541%2525%25%62",
            "a%252541%252525%2525b",
            r"a\u002541%25%b",
        ] {
            assert_eq!(masks.text(given).as_str(), "***", "{given}");
        }
        assert_eq!(masks.text("a%41%%b").as_str(), "a%41%%b");
    }

    #[test]
    fn a_secret_with_ampersands_is_masked_escaped_or_not() {
        let masks = Masks::new(["a&b\"c&amp;&#38;d"]);
        for given in [
            "a&b\"c&amp;&#38;d",
            "a&amp;b&quot;c&amp;amp;&amp;#38;d",
            "a&#38;b\"c&#38;amp;&#38;#38;d",
            "a&amp;amp;b&amp;quot;c&amp;amp;amp;&amp;amp;#38;d",
        ] {
            assert_eq!(masks.text(given).as_str(), "***", "{given}");
        }
        assert_eq!(masks.text("a&b\"c&&#38;d").as_str(), "a&b\"c&&#38;d");
    }

    #[test]
    fn a_token_of_the_platform_is_masked_anywhere() {
        let digits = "0123456789abcdef".repeat(2);
        for (given, shown) in [
            (format!("my token t-{digits}."), "my token ***."),
            (format!("u-{digits},a-{digits} g-{digits}"), "***,*** ***"),
            (format!("x%20t-{digits}"), "x%20***"),
            (format!(r"x\nt-{digits}"), r"x\n***"),
        ] {
            assert_eq!(text(&given), shown);
            assert_eq!(
                json(&serde_json::json!({"token": given}).to_string()),
                serde_json::json!({"token": shown}).to_string()
            );
        }
        for given in [
            format!("chat-{digits}"),
            format!("t-{digits}0"),
            "t-0123".to_owned(),
        ] {
            assert_eq!(text(&given), given);
        }
    }

    #[test]
    fn a_text_that_repeats_an_escape_is_masked_in_proportion() {
        const BYTES: usize = 32 * 1024;
        for secret in [
            "\"marked",
            "\\\\\\marked",
            "%25&amp; marked",
            "amarked",
            "aaaaaaaaaaaaaaaa\\a\"a/a\"a",
        ] {
            let masks = Masks::new([secret]);
            for part in [
                "\\", "%25", "25", "%", "&amp;", "amp;", "&#38;", r"\\u005c", "a", "a\\",
            ] {
                let text = part.repeat(BYTES / part.len());
                for text in [text.clone(), format!("a%{text}"), format!("&{text}")] {
                    assert_eq!(masks.text(&text).as_str(), text, "{secret} {part}");
                }
            }
        }
    }

    #[test]
    fn a_long_line_is_cut() {
        let masks = Masks::new(["marked-key"]);
        assert_eq!(masks.short("marked-key").as_str(), "***");
        let long = "é".repeat(600) + "marked-key";
        assert_eq!(masks.short(&long).as_str(), "é".repeat(512) + "…");
    }

    #[test]
    fn json_stays_json_with_all_digits() {
        let given = r#" {"n": 1.000000000000000000001e400, "a" : "x marked-key y", "marked-key":
            ["\u006darked-key", "é\ud800", "{\"k\":\"marked\\u002dkey\"}"], "n": -0 } "#;
        let shown = r#" {"n": 1.000000000000000000001e400, "a" : "x *** y", "***":
            ["***", "é\ud800", "{\"k\":\"***\"}"], "n": -0 } "#;
        assert_eq!(json(given), shown);
        assert_eq!(json("[\"marked-key"), "[\"***");
    }

    #[test]
    fn a_number_that_is_a_secret_becomes_a_string() {
        let masks = Masks::new(["12345"]);
        let json = masks.json(
            r#"{"a":12345,"b":9123456,"c":1234,"d":[true,12345]}"#,
            |_| false,
        );
        assert_eq!(
            json.as_str(),
            r#"{"a":"***","b":"***","c":1234,"d":[true,"***"]}"#
        );
    }

    #[test]
    fn members_are_masked_by_their_path() {
        let given = r#"{"token":"a","header":{"token":"b","x":1},"event":{"token":"c","token":[{"token":1}]}}"#;
        let hides = |path: &Path| path.is(&["token"]) || path.is(&["header", "token"]);
        let shown = Masks::default().json(given, hides);
        let expected = r#"{"token":"***","header":{"token":"***","x":1},"event":{"token":"c","token":[{"token":1}]}}"#;
        assert_eq!(shown.as_str(), expected);
        let last = |path: &Path| path.name() == Some("token");
        let shown = Masks::default().json(given, last);
        let expected = r#"{"token":"***","header":{"token":"***","x":1},"event":{"token":"***","token":[{"token":"***"}]}}"#;
        assert_eq!(shown.as_str(), expected);
    }

    #[test]
    fn deep_json_is_masked_in_proportion() {
        const DEPTH: usize = 20_000;
        let given = "[".repeat(DEPTH) + "\"marked-key\"" + &"]".repeat(DEPTH);
        assert_eq!(json(&given), given.replace("marked-key", MASK));
        let open = r#"{"k":"#.repeat(DEPTH);
        let given = format!("{open}[{}1]{}", "\"x\",".repeat(DEPTH), "}".repeat(DEPTH));
        let hides = |path: &Path| path.is(&["header", "token"]) || path.name() == Some("token");
        assert_eq!(Masks::default().json(&given, hides).as_str(), given);
    }

    #[test]
    fn the_start_of_a_text_ends_between_characters() {
        let masked = Masks::default().text("aé");
        assert_eq!(masked.start(2), ("a", false));
        assert_eq!(masked.start(3), ("aé", true));
    }
}
