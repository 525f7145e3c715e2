//! Lays out JSON as text for readers, so that every digit, escape and duplicate key is kept.

/// A layout of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// No white space at all.
    Compact,
    /// A space after commas and colons, as Python writes it.
    Spaced,
    /// A line for each member and element, indented by two.
    Pretty,
}

/// The same JSON in another layout. The text must be valid JSON; this is not checked.
///
/// ```
/// use lark_events_pages::{Layout, lay_out};
///
/// assert_eq!(lay_out("{\"a\":1.0}", Layout::Pretty), "{\n  \"a\": 1.0\n}");
/// ```
#[must_use]
pub fn lay_out(json: &str, layout: Layout) -> String {
    let mut text = String::with_capacity(json.len());
    let mut depth = 0_usize;
    let mut chars = json.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            _ if char.is_ascii_whitespace() => {}
            '"' => {
                text.push('"');
                let mut is_escaped = false;
                for char in chars.by_ref() {
                    text.push(char);
                    if char == '"' && !is_escaped {
                        break;
                    }
                    is_escaped = char == '\\' && !is_escaped;
                }
            }
            '{' | '[' => {
                text.push(char);
                while chars.next_if(char::is_ascii_whitespace).is_some() {}
                match chars.next_if(|next| matches!(next, '}' | ']')) {
                    Some(end) => text.push(end),
                    None => {
                        depth = depth.saturating_add(1);
                        new_line(&mut text, depth, layout);
                    }
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut text, depth, layout);
                text.push(char);
            }
            ',' => {
                text.push(',');
                if layout == Layout::Spaced {
                    text.push(' ');
                }
                new_line(&mut text, depth, layout);
            }
            ':' => text += if layout == Layout::Compact { ":" } else { ": " },
            char => text.push(char),
        }
    }
    text
}

fn new_line(text: &mut String, depth: usize, layout: Layout) {
    /// A bound, as the text would otherwise grow with the square of the depth.
    const MAX_INDENT: usize = 32;
    if layout == Layout::Pretty {
        text.push('\n');
        text.extend(std::iter::repeat_n("  ", depth.min(MAX_INDENT)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#" { "a" : [ 1.0 , 1e400,[ ] ] , "b\"}," : {"c" : "\\" , "c": " x: "},"d":{
        } } "#;

    #[test]
    fn every_layout_keeps_what_is_no_white_space_between_tokens() {
        let compact = r#"{"a":[1.0,1e400,[]],"b\"},":{"c":"\\","c":" x: "},"d":{}}"#;
        assert_eq!(lay_out(JSON, Layout::Compact), compact);
        let spaced = r#"{"a": [1.0, 1e400, []], "b\"},": {"c": "\\", "c": " x: "}, "d": {}}"#;
        assert_eq!(lay_out(JSON, Layout::Spaced), spaced);
        let pretty = lay_out(JSON, Layout::Pretty);
        assert_eq!(lay_out(&pretty, Layout::Compact), compact);
        assert!(pretty.starts_with("{\n  \"a\": [\n    1.0,\n    1e400,\n    []\n  ],\n"));
        assert!(pretty.ends_with("\n  \"d\": {}\n}"), "{pretty}");
    }

    #[test]
    fn what_is_nested_deep_is_laid_out_in_proportion() {
        const DEPTH: usize = 100_000;
        let json = "[".repeat(DEPTH) + "1" + &"]".repeat(DEPTH);
        let pretty = lay_out(&json, Layout::Pretty);
        assert!(pretty.len() < 100 * json.len(), "{}", pretty.len());
        assert_eq!(lay_out(&pretty, Layout::Compact), json);
    }

    #[test]
    fn a_scalar_is_laid_out_as_it_is() {
        for layout in [Layout::Compact, Layout::Spaced, Layout::Pretty] {
            assert_eq!(lay_out(" -0.10 \n", layout), "-0.10");
        }
    }
}
