//! The rows of the terminal that a typed line takes: the terminal has echoed it.

/// How many rows a line has, with its end. Each row begins at the left.
pub(super) fn rows(prompt: &str, line: &str, width: usize) -> usize {
    let line = line.trim_end_matches(['\n', '\r']);
    let columns = prompt.chars().chain(line.chars()).fold(0, after);
    columns.div_ceil(width.max(1)).max(1)
}

/// The column after a character.
fn after(column: usize, char: char) -> usize {
    match char {
        '\t' => (column / 8 + 1) * 8,
        // As ^A.
        char if char.is_ascii_control() => column + 2,
        char if is_combined(char) => column,
        char if is_wide(char) => column + 2,
        _ => column + 1,
    }
}

/// Whether a terminal shows a character in the place of the one before it, or not at all.
fn is_combined(char: char) -> bool {
    matches!(char,
        '\u{300}'..='\u{36f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{20d0}'..='\u{20ff}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}')
}

/// Whether a terminal shows a character on two columns, as it does with Chinese, Japanese and Korean, and emoji.
fn is_wide(char: char) -> bool {
    matches!(char,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_takes_as_many_rows_as_it_is_wide() {
        for (line, rows_of_ten) in [
            ("\n", 1),
            ("12345678\n", 1),
            ("123456789\n", 2),
            ("你好你好\n", 1),
            ("你好你好你\n", 2),
            ("e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}\n", 1),
            ("\u{200b}\u{2764}\u{fe0f}1234567\n", 1),
            ("\t1\n", 1),
            ("\t123\n", 2),
            ("\u{1}\u{1}\u{1}\u{1}", 1),
            ("123456789012345678", 2),
            ("1234567890123456789", 3),
        ] {
            assert_eq!(rows("> ", line, 10), rows_of_ten, "{line:?}");
        }
        assert_eq!(rows("> ", "a", 0), 3);
    }
}
