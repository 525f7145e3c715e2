//! Escapes foreign text for a terminal: characters that move the cursor, reorder text or are invisible.

use std::borrow::Cow;

/// Escapes every control character except line feeds. The escapes are those of JSON, so that escaped JSON
/// keeps its value.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    escape_if(text, |char| char != '\n' && is_control(char))
}

/// Escapes every control character, so that the text stays on one line.
pub(crate) fn escape_line(text: &str) -> Cow<'_, str> {
    escape_if(text, is_control)
}

/// Whether a character acts on a terminal, or is invisible.
pub(crate) fn is_control(char: char) -> bool {
    char.is_control() // C0, DEL and C1
        || matches!(char,
            '\u{ad}' // soft hyphen
            | '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' // bidirectional
            | '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{feff}' // without width
            | '\u{2028}'..='\u{2029}' // ends of lines and paragraphs
            | '\u{2060}'..='\u{206f}' // without width, and bidirectional isolates
            | '\u{fff9}'..='\u{fffb}' // annotations
            | '\u{1d173}'..='\u{1d17a}' // of musical notation
            | '\u{e0000}'..='\u{e0fff}' // tags, and variations that nothing uses
        )
}

fn escape_if(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            _ if !is_escaped(char) => escaped.push(char),
            '\n' => escaped += "\\n",
            '\r' => escaped += "\\r",
            '\t' => escaped += "\\t",
            _ => {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    escaped += &format!("\\u{unit:04x}");
                }
            }
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_shown_and_nothing_else_is_changed() {
        for (text, shown) in [
            ("\u{1b}[31m\u{7}\0", r"\u001b[31m\u0007\u0000"),
            ("\u{7f}\u{80}\u{9b}2J\u{9f}", r"\u007f\u0080\u009b2J\u009f"),
            ("a\r\tb", r"a\r\tb"),
            ("\u{61c}\u{200e}\u{200f}", r"\u061c\u200e\u200f"),
            (
                "\u{202a}\u{202e}\u{2066}\u{2069}",
                r"\u202a\u202e\u2066\u2069",
            ),
            ("\u{2028}\u{2029}", r"\u2028\u2029"),
            (
                "\u{200b}\u{200d}\u{2060}\u{feff}",
                r"\u200b\u200d\u2060\ufeff",
            ),
            ("\u{e0041}", r"\udb40\udc41"),
        ] {
            assert_eq!(escape(text), shown);
            assert_eq!(escape_line(text), shown);
        }
        let usual = "a \\ \" ' é 会议室 e\u{301} \u{a0}\u{3000} 👍🏽 ❤\u{fe0f} שלום";
        assert!(matches!(escape_line(usual), Cow::Borrowed(same) if same == usual));
        assert_eq!(escape("a\nb"), "a\nb");
        assert_eq!(escape_line("a\nb"), r"a\nb");
    }

    #[test]
    fn json_stays_the_same_value() {
        let text: String = ('\0'..='\u{ffff}')
            .chain(['\u{e0001}', '\u{1d173}'])
            .collect();
        let json = serde_json::to_string(&text).unwrap();
        let escaped = escape(&json);
        assert_ne!(escaped, json);
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
    }
}
