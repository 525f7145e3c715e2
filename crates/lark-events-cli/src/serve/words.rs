//! Splits a line into words, as a shell does.

use std::str::Chars;

const OPEN_QUOTE: &str = "a quote is not closed: add the closing quotation mark";

/// Splits at white space. Single quotes keep everything, double quotes everything but `\"` and `\\`; a
/// word that begins with `#` starts a comment.
pub(super) fn words(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        match char {
            '#' if word.is_none() => break,
            '\'' | '"' => quote(char, &mut chars, word.get_or_insert_default())?,
            char if char.is_whitespace() => words.extend(word.take()),
            char => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    Ok(words)
}

/// Reads up to the closing quotation mark.
fn quote(mark: char, chars: &mut Chars<'_>, word: &mut String) -> Result<(), &'static str> {
    loop {
        match chars.next().ok_or(OPEN_QUOTE)? {
            char if char == mark => return Ok(()),
            '\\' if mark == '"' => {
                let next = chars.next().ok_or(OPEN_QUOTE)?;
                if !matches!(next, '"' | '\\') {
                    word.push('\\');
                }
                word.push(next);
            }
            char => word.push(char),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_words_as_in_a_shell() {
        for (line, expected) in [
            ("", &[][..]),
            ("  push\ta  b=c \r\n", &["push", "a", "b=c"]),
            (r#"a='x "y" z'"#, &[r#"a=x "y" z"#]),
            (
                r#"a="{\"b\": \"\u4f60 \\ c\"}""#,
                &[r#"a={"b": "\u4f60 \ c"}"#],
            ),
            ("'' a", &["", "a"]),
            ("a#b '#c' # d 'e", &["a#b", "#c"]),
        ] {
            assert_eq!(words(line).unwrap(), expected, "{line}");
        }
        for line in ["a 'b", "a \"b", "\"\\"] {
            assert_eq!(words(line), Err(OPEN_QUOTE), "{line}");
        }
    }
}
