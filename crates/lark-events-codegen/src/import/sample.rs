//! The samples of a page: JSON with comments and trailing commas. Pages without a table describe
//! their fields in the comments.

use std::collections::BTreeMap;

use jsonc_parser::ast::{self, CommentKind};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions, parse_to_ast};
use serde_json::{Map, Number, Value};

use super::fields::MAX_LEVEL;
use super::page::{Code, Refusal};

/// Far more than any documented event has. It bounds the quadratic search among members.
const MAX_MEMBERS: usize = 4096;
/// The longest pointer in bytes: each member stores one.
const MAX_POINTER: usize = 1024;

/// A sample, and the comments on its members.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) value: Value,
    /// The line that the sample begins on.
    pub(super) line: usize,
    /// By line: the comment on a member is on the same line.
    comments: BTreeMap<usize, String>,
    /// The line of each member, by JSON pointer with `-` for any index.
    members: BTreeMap<String, usize>,
}

impl Sample {
    pub(super) fn parse(code: &Code) -> Result<Self, Refusal> {
        let collect = CollectOptions {
            comments: CommentCollectionStrategy::Separate,
            tokens: false,
        };
        let options = ParseOptions {
            allow_comments: true,
            allow_trailing_commas: true,
            allow_loose_object_property_names: false,
            allow_missing_commas: false,
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            allow_bare_decimal_point_numbers: false,
            allow_non_finite_numbers: false,
            allow_extended_string_escapes: false,
        };
        let line_ends: Vec<_> = code.text.match_indices('\n').map(|(at, _)| at).collect();
        let line_of = |at: usize| code.line + line_ends.partition_point(|end| *end < at);
        let parsed = parse_to_ast(&code.text, &collect, &options).map_err(|error| {
            let line = line_of(error.range().start);
            Refusal::new(line, format!("JSON: {}", error.kind()))
        })?;
        let Some(root) = &parsed.value else {
            return Err(Refusal::new(code.line, "a JSON document"));
        };
        let mut reader = Reader::default();
        let value = reader.value(root, "", 0);
        let value = value.map_err(|(at, expected)| Refusal::new(line_of(at), expected))?;
        let members = reader.members.into_iter();
        let members = members
            .map(|(pointer, at)| (pointer, line_of(at)))
            .collect();
        let comments = parsed.comments.unwrap_or_default();
        let comments = comments.values().flat_map(|comments| comments.iter());
        let comments = comments
            .filter(|comment| comment.kind() == CommentKind::Line)
            .map(|comment| (line_of(comment.range().start), comment.text().to_owned()))
            .collect();
        Ok(Self {
            value,
            line: code.line,
            comments,
            members,
        })
    }

    /// A document without comments.
    pub(super) fn plain(value: Value) -> Result<Self, String> {
        let text = value.to_string();
        let sample = Self::parse(&Code { line: 1, text });
        sample.map_err(|refusal| refusal.expected)
    }

    /// The comment on a member.
    pub(super) fn comment(&self, pointer: &str) -> Option<&str> {
        let line = self.members.get(pointer)?;
        self.comments.get(line).map(String::as_str)
    }
}

/// An error and its offset.
type Misfit = (usize, String);

/// Collects the places of members in a document.
#[derive(Default)]
struct Reader {
    /// The offset of each member, by JSON pointer. For members of a list, that of the first element.
    members: BTreeMap<String, usize>,
    count: usize,
}

impl Reader {
    fn value(
        &mut self,
        value: &ast::Value<'_>,
        pointer: &str,
        level: usize,
    ) -> Result<Value, Misfit> {
        if level > MAX_LEVEL {
            let rule = format!("at most {MAX_LEVEL} levels");
            return Err((value.start(), rule));
        }
        Ok(match value {
            ast::Value::StringLit(text) => Value::String(text.value.clone().into_owned()),
            ast::Value::NumberLit(number) => {
                let rule = "JSON: a number that fits in 64 bits";
                let parsed: Result<Number, _> = number.value.parse();
                Value::Number(parsed.map_err(|_| (number.range.start, rule.to_owned()))?)
            }
            ast::Value::BooleanLit(boolean) => Value::Bool(boolean.value),
            ast::Value::NullKeyword(_) => Value::Null,
            ast::Value::Array(array) => {
                // All elements have the same type.
                let pointer = format!("{pointer}/-");
                let elements = array.elements.iter();
                elements
                    .map(|element| self.value(element, &pointer, level + 1))
                    .collect::<Result<_, _>>()?
            }
            ast::Value::Object(object) => {
                let mut members = Map::new();
                for member in &object.properties {
                    let name = member.name.as_str();
                    let pointer = format!("{pointer}/{name}");
                    self.count(&pointer, member.range.start)?;
                    let value = self.value(&member.value, &pointer, level + 1)?;
                    members.insert(name.to_owned(), value);
                }
                Value::Object(members)
            }
        })
    }

    fn count(&mut self, pointer: &str, at: usize) -> Result<(), Misfit> {
        self.count += 1;
        if self.count > MAX_MEMBERS {
            return Err((at, format!("at most {MAX_MEMBERS} members")));
        }
        if pointer.len() > MAX_POINTER {
            return Err((
                at,
                format!("names within each other of at most {MAX_POINTER} bytes"),
            ));
        }
        self.members.entry(pointer.to_owned()).or_insert(at);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Result<Sample, Refusal> {
        let text = text.to_owned();
        Sample::parse(&Code { line: 10, text })
    }

    #[test]
    fn comments_and_trailing_commas_are_no_part_of_the_sample() {
        let sample = parse(
            "{\n  \"a\": [1, 2.5, null,], // of a\n  \"b\": {\n    \"c\": \"//x\" // of c\n  }, // of the end\n}",
        )
        .unwrap();
        assert_eq!(
            sample.value,
            json!({"a": [1, 2.5, null], "b": {"c": "//x"}})
        );
        assert_eq!(sample.comment("/a"), Some(" of a"));
        assert_eq!(sample.comment("/b/c"), Some(" of c"));
        assert_eq!(sample.comment("/b"), None);
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_line() {
        for (text, line) in [
            ("", 10),
            ("{\n\"a\": 1\n\"b\": 2}", 11),
            ("{\n\"a\": 1，\n}", 11),
            ("{a: 1}", 10),
            ("{\"a\": 'x'}", 10),
            ("{\"a\": [1, 2}", 10),
            ("{\n\"a\": 1e400}", 11),
            (&"[".repeat(100_000), 10),
        ] {
            let refusal = parse(text).unwrap_err();
            assert_eq!(refusal.line, line, "{text:.20}: {}", refusal.expected);
        }
    }
}
