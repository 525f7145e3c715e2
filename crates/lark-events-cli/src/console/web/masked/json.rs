//! Masks in JSON: string by string, so that escapes hide nothing, and so that the rest keeps every digit.

use serde::de::IgnoredAny;

use super::{MASK, Masks};

/// The names of the members that lead to a value; elements of arrays add none.
#[derive(Debug, Default)]
pub(crate) struct Path(Vec<String>);

impl Path {
    /// Whether these names, and no others, lead to the value.
    pub(crate) fn is(&self, names: &[&str]) -> bool {
        self.0 == names
    }

    /// The name of the member whose value it is, or is in.
    pub(crate) fn name(&self) -> Option<&str> {
        self.0.last().map(String::as_str)
    }
}

pub(crate) fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Masks in text that is JSON.
pub(super) fn masked(masks: &Masks, json: &str, hides: impl Fn(&Path) -> bool) -> String {
    let mut masked = String::with_capacity(json.len());
    let mut path = Path::default();
    // Whether each open value is an object.
    let mut open: Vec<bool> = Vec::new();
    let mut is_name = false;
    let mut rest = json;
    while let Some(char) = rest.chars().next() {
        let length = match char {
            '"' => string_length(rest),
            '{' | '}' | '[' | ']' | ',' | ':' => 1,
            char if char.is_ascii_whitespace() => 1,
            _ => rest
                .find(|char: char| ",]}".contains(char) || char.is_ascii_whitespace())
                .unwrap_or(rest.len()),
        };
        let (token, later) = rest.split_at(length);
        rest = later;
        match char {
            '"' if is_name => {
                is_name = false;
                path.0.push(decoded(token));
                masked.push_str(&string(masks, token));
            }
            '"' if hides(&path) => masked.push_str(&quoted(MASK)),
            '"' => masked.push_str(&string(masks, token)),
            '{' | '[' => {
                open.push(char == '{');
                is_name = char == '{';
                masked.push_str(token);
            }
            '}' | ']' => {
                // The member that ends with its object; an empty object has none.
                if open.pop() == Some(true) && !is_name {
                    path.0.pop();
                }
                is_name = false;
                masked.push_str(token);
            }
            ',' => {
                is_name = open.last() == Some(&true);
                if is_name {
                    path.0.pop();
                }
                masked.push_str(token);
            }
            '-' | '0'..='9' => {
                let is_secret = hides(&path) || *masks.masked(token) != *token;
                match is_secret {
                    true => masked.push_str(&quoted(MASK)),
                    false => masked.push_str(token),
                }
            }
            // White space, colons, literals.
            _ => masked.push_str(token),
        }
    }
    masked
}

/// The length of the string at the start, with its quotation marks.
fn string_length(json: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in json.bytes().enumerate().skip(1) {
        if byte == b'"' && !is_escaped {
            return at + 1;
        }
        is_escaped = byte == b'\\' && !is_escaped;
    }
    json.len()
}

/// The string as it was written, unless it has a secret.
fn string(masks: &Masks, token: &str) -> String {
    // A lone surrogate has no text; its string is masked as it is written.
    let Ok(text) = serde_json::from_str::<String>(token) else {
        return masks.masked(token).into_owned();
    };
    let masked = masks.masked(&text);
    match *masked == *text {
        true => token.to_owned(),
        false => quoted(&masked),
    }
}

fn decoded(token: &str) -> String {
    serde_json::from_str(token).unwrap_or_else(|_| token.trim_matches('"').to_owned())
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
