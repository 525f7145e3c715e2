//! The type column of a page, with free spelling: `string[]`, `string\[\]`,
//! `map<string, string>`, `Map`, `list`, `object/ string`, `-`.

/// A type in the notation of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    String,
    Integer,
    Number,
    Boolean,
    /// Several types, or a placeholder.
    Any,
    /// An object. Its rows have the members.
    Object,
    /// Unknown. Rows or the sample decide.
    Unknown,
    List(Box<Kind>),
    Map(Box<Kind>),
    /// A named type.
    Named(String),
}

/// Nested lists and maps. Pages have at most two.
const MAX_NESTING: usize = 4;

impl Kind {
    /// `None` if the text is not a type.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::parse_within(text, MAX_NESTING)
    }

    fn parse_within(text: &str, nesting: usize) -> Option<Self> {
        let inner = |text: &str| {
            let kind = Self::parse_within(text, nesting.checked_sub(1)?)?;
            Some(Box::new(kind))
        };
        let text = text.trim();
        if let Some(items) = text.strip_suffix("[]") {
            return Some(Self::List(inner(items)?));
        }
        if let Some((outer, parts)) = text.strip_suffix('>').and_then(|text| text.split_once('<')) {
            return match outer.trim().to_ascii_lowercase().as_str() {
                "map" => {
                    let (_, values) = parts.split_once(',')?;
                    Some(Self::Map(inner(values)?))
                }
                "list" | "array" => Some(Self::List(inner(parts)?)),
                _ => None,
            };
        }
        let kind = match text.to_ascii_lowercase().as_str() {
            "string" | "str" => Self::String,
            "int" | "integer" | "long" | "int32" | "int64" | "uint32" | "uint64" => Self::Integer,
            "float" | "double" | "number" => Self::Number,
            "bool" | "boolean" => Self::Boolean,
            "" | "-" | "/-" => Self::Unknown,
            "object" => Self::Object,
            "list" | "array" => Self::List(Box::new(Self::Unknown)),
            "map" => Self::Map(Box::new(Self::Unknown)),
            _ if is_choice(text) => Self::Any,
            _ if is_name(text) => Self::Named(text.to_owned()),
            _ => return None,
        };
        Some(kind)
    }
}

/// `object/ string`
fn is_choice(text: &str) -> bool {
    text.contains('/') && text.split('/').all(|part| is_name(part.trim()))
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || "_.-".contains(char))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_type_is_understood() {
        let list = |kind| Kind::List(Box::new(kind));
        let map = |kind| Kind::Map(Box::new(kind));
        let named = |name: &str| Kind::Named(name.to_owned());
        for (text, expected) in [
            ("string", Some(Kind::String)),
            (" Int ", Some(Kind::Integer)),
            ("int64", Some(Kind::Integer)),
            ("double", Some(Kind::Number)),
            ("bool", Some(Kind::Boolean)),
            ("-", Some(Kind::Unknown)),
            ("/-", Some(Kind::Unknown)),
            ("object", Some(Kind::Object)),
            ("object/ string", Some(Kind::Any)),
            ("list", Some(list(Kind::Unknown))),
            ("string[]", Some(list(Kind::String))),
            ("user_id[][]", Some(list(list(named("user_id"))))),
            ("list<user_id>", Some(list(named("user_id")))),
            ("Map", Some(map(Kind::Unknown))),
            (
                "map<string, abnormal_code>",
                Some(map(named("abnormal_code"))),
            ),
            ("map<string,int[]>", Some(map(list(Kind::Integer)))),
            ("chat.member.user[]", Some(list(named("chat.member.user")))),
            ("departmentLeader", Some(named("departmentLeader"))),
            (&format!("int{}", "[]".repeat(5)), None),
            (&format!("int{}", "[]".repeat(500_000)), None),
            (
                &format!("{}int{}", "list<".repeat(100_000), ">".repeat(100_000)),
                None,
            ),
            ("map<string>", None),
            ("set<string>", None),
            ("一段文字", None),
            ("two words", None),
            ("[]", Some(list(Kind::Unknown))),
            ("/", None),
        ] {
            assert_eq!(Kind::parse(text), expected, "{text}");
        }
    }
}
