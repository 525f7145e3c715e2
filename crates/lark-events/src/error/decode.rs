//! Decode errors: what was expected in a JSON text, and where.

use std::error::Error;
use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

/// A JSON text is not what was expected.
///
/// The error names the member and what was expected there, never the received value:
///
/// ```
/// use lark_events::RawJson;
/// use serde::Deserialize;
///
/// #[derive(Debug, Deserialize)]
/// struct Reserved {
///     room: Room,
/// }
///
/// #[derive(Debug, Deserialize)]
/// struct Room {
///     id: String,
/// }
///
/// let decode = |json: &'static str| RawJson::parse(json)?.decode::<Reserved>();
/// let error = decode(r#"{"room": {}}"#).unwrap_err();
/// assert_eq!(error.to_string(), "missing field `id` of `room` at line 1 column 11");
/// let error = decode(r#"{"room": {"id": 7}}"#).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "`room.id`: expected a string, got an integer at line 1 column 17"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    kind: DecodeErrorKind,
    /// The expectation, and its place in the value.
    what: Option<Box<str>>,
    /// The line and column.
    place: Option<(usize, usize)>,
}

/// The kinds of [`DecodeError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The text is not UTF-8.
    NotUtf8,
    /// The text is not JSON.
    Syntax,
    /// The text is JSON, but does not fit the type.
    Type,
    /// The document has neither a version 1 nor a version 2 envelope.
    NoEnvelope,
    /// The envelope has no event type.
    NoEventType,
    /// The decoded body cannot be serialised as JSON again.
    Unwritable,
}

impl DecodeError {
    pub(crate) fn not_utf8() -> Self {
        Self::of_kind(DecodeErrorKind::NotUtf8)
    }

    pub(crate) fn no_envelope() -> Self {
        Self::of_kind(DecodeErrorKind::NoEnvelope)
    }

    pub(crate) fn no_event_type() -> Self {
        Self::of_kind(DecodeErrorKind::NoEventType)
    }

    pub(crate) fn unwritable() -> Self {
        Self::of_kind(DecodeErrorKind::Unwritable)
    }

    fn of_kind(kind: DecodeErrorKind) -> Self {
        Self {
            kind,
            what: None,
            place: None,
        }
    }

    pub(crate) fn new(error: &serde_json::Error) -> Self {
        Self {
            kind: match error.classify() {
                Category::Data => DecodeErrorKind::Type,
                _ => DecodeErrorKind::Syntax,
            },
            what: expectation(&error.to_string(), None),
            place: (error.line() > 0).then(|| (error.line(), error.column())),
        }
    }

    /// The error of a text that does not fit a type, with the path to the member. Decodes the text a
    /// second time to find the path.
    pub(crate) fn within<T: DeserializeOwned>(text: &str, error: &serde_json::Error) -> Self {
        if error.to_string() == NOT_AN_OBJECT {
            return Self::new(error);
        }
        let mut decoder = serde_json::Deserializer::from_str(text);
        match serde_path_to_error::deserialize::<_, T>(&mut decoder) {
            Err(found) if error.is_data() && found.inner().is_data() => Self {
                what: expectation(&found.inner().to_string(), Some(found.path())),
                ..Self::new(error)
            },
            _ => Self::new(error),
        }
    }

    /// The same error without line and column, for a text that differs from the received one.
    pub(crate) fn without_place(self) -> Self {
        Self {
            place: None,
            ..self
        }
    }

    /// The kind of failure.
    #[must_use]
    pub fn kind(&self) -> DecodeErrorKind {
        self.kind
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (&self.what, self.kind) {
            (Some(what), _) => what,
            (None, DecodeErrorKind::NotUtf8) => "not UTF-8",
            (None, DecodeErrorKind::Syntax) => "not JSON",
            (None, DecodeErrorKind::Type) => "the JSON does not fit the type",
            (None, DecodeErrorKind::NoEnvelope) => {
                "the document has neither a version 1 nor a version 2 envelope"
            }
            (None, DecodeErrorKind::NoEventType) => "the envelope has no event type",
            (None, DecodeErrorKind::Unwritable) => "the typed body cannot be written as JSON",
        })?;
        match self.place {
            Some((line, column)) => write!(f, " at line {line} column {column}"),
            None => Ok(()),
        }
    }
}

impl Error for DecodeError {}

/// The error of a value that should be an object.
pub(crate) const NOT_AN_OBJECT: &str = "not an object";

/// The decoder's names of JSON values, and the names to show instead.
const GOT: &[(&str, &str)] = &[
    ("null", "null"),
    ("boolean", "a boolean"),
    ("integer", "an integer"),
    ("floating point", "a number"),
    ("number", "a number"),
    ("string", "a string"),
    ("sequence", "a list"),
    ("map", "an object"),
];

/// The expectation and its place, without the parts of the text that the decoder quotes.
fn expectation(error: &str, path: Option<&Path>) -> Option<Box<str>> {
    // A custom error has any text, perhaps with a value in it.
    let (error, _) = error.rsplit_once(" at line ").unwrap_or((error, ""));
    let path = path.map(path_of).filter(|path| !path.is_empty());
    for problem in ["missing field", "duplicate field"] {
        let field = error
            .strip_prefix(problem)
            .and_then(|rest| rest.trim().strip_prefix('`'));
        let field = field.and_then(|rest| rest.strip_suffix('`'));
        if let Some(field) = field.filter(|name| is_name(name)) {
            let of = path.map_or_else(String::new, |path| format!(" of `{path}`"));
            return Some(format!("{problem} `{field}`{of}").into());
        }
    }
    let at = path.map_or_else(String::new, |path| format!("`{path}`: "));
    if error == NOT_AN_OBJECT {
        return Some(format!("{at}expected an object").into());
    }
    let known = [
        "invalid type: ",
        "invalid value: ",
        "invalid length ",
        "unknown variant ",
    ];
    let (_, got) = known
        .iter()
        .find_map(|&known| Some((known, error.strip_prefix(known)?)))?;
    let (_, expected) = error.rsplit_once(", expected ")?;
    let got = GOT.iter().find(|(called, _)| got.starts_with(called));
    let got = got.map_or_else(String::new, |(_, got)| format!(", got {got}"));
    Some(format!("{at}expected {expected}{got}").into())
}

/// The members that lead to a place, as in `rooms[2].id`.
fn path_of(path: &Path) -> String {
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => text += &format!("[{index}]"),
            Segment::Map { key } => {
                let dot = if text.is_empty() { "" } else { "." };
                text += &format!("{dot}{}", if is_name(key) { key } else { "*" });
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    text
}

/// Whether the text looks like a member name rather than user content.
fn is_name(text: &str) -> bool {
    const MAX: usize = 64;
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.$".contains(&byte);
    (1..=MAX).contains(&text.len()) && text.bytes().all(is_usual)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde::de::Error as _;

    use super::*;
    use crate::json::RawJson;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "nothing of these decodes")]
    struct Reserved {
        rooms: Vec<Room>,
        #[serde(default)]
        by_name: BTreeMap<String, u8>,
        #[serde(default)]
        custom: Option<Custom>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "nothing of these decodes")]
    struct Room {
        id: String,
        #[serde(default)]
        kind: Option<Kind>,
    }

    #[derive(Debug, Deserialize)]
    enum Kind {
        Small,
        Large,
    }

    /// A type whose error quotes the received value.
    #[derive(Debug)]
    struct Custom;

    impl<'de> Deserialize<'de> for Custom {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = String::deserialize(deserializer)?;
            Err(D::Error::custom(format!(
                "no custom: {text}, expected {text}"
            )))
        }
    }

    #[track_caller]
    fn says(json: &str, text: &str) {
        let raw = RawJson::parse(json.to_owned()).unwrap();
        for error in [
            raw.decode::<Reserved>().unwrap_err(),
            raw.decode_leniently::<Reserved>().unwrap_err(),
        ] {
            assert_eq!(error.kind(), DecodeErrorKind::Type);
            let (said, _) = error.to_string().rsplit_once(" at line ").map_or_else(
                || (error.to_string(), String::new()),
                |(said, place)| (said.to_owned(), place.to_owned()),
            );
            assert_eq!(said, text, "{json}");
        }
    }

    #[test]
    fn it_says_what_was_expected_where_and_no_value() {
        says("{}", "missing field `rooms`");
        says(
            r#"{"rooms":[{"id":"a"},{}]}"#,
            "missing field `id` of `rooms[1]`",
        );
        says(
            r#"{"rooms":[{"id":{"secret":1}}]}"#,
            "`rooms[0].id`: expected a string, got an object",
        );
        says(
            r#"{"rooms":"secret, expected"}"#,
            "`rooms`: expected a sequence, got a string",
        );
        says(
            r#"{"rooms":[{"id":"a","kind":"Secret"}]}"#,
            "`rooms[0].kind`: expected `Small` or `Large`",
        );
        says(r#"{"rooms":[],"rooms":[]}"#, "duplicate field `rooms`");
        says(
            r#"{"rooms":[],"by_name":{"a secret":-1}}"#,
            "`by_name.*`: expected u8, got an integer",
        );
        says(
            r#"{"rooms":[],"custom":"secret"}"#,
            "the JSON does not fit the type",
        );
    }

    #[test]
    fn a_text_that_had_to_be_repaired_has_no_place() {
        let raw = RawJson::parse(r#"{"rooms":[{"kind":1e400}]}"#).unwrap();
        let error = raw.decode_leniently::<Reserved>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`rooms[0].kind`: expected `Small` or `Large`"
        );
    }

    #[test]
    fn what_is_no_json_has_its_place_alone() {
        let error = RawJson::parse("{\n\"secret\": x}").unwrap_err();
        assert_eq!(error.kind(), DecodeErrorKind::Syntax);
        assert_eq!(error.to_string(), "not JSON at line 2 column 11");
        let error = RawJson::parse(&b"\xff"[..]).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string()),
            (DecodeErrorKind::NotUtf8, "not UTF-8".to_owned())
        );
    }
}
