//! Foreign text on a terminal: pages, fact files and what other programs print may have text in them that
//! moves the cursor or reorders what is shown.

/// The text, with escapes for controls but the ends of lines, for those of text direction, and for what
/// does not show.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        if char != '\n' && is_control(char) {
            shown.extend(char.escape_unicode());
        } else {
            shown.push(char);
        }
    }
    shown
}

fn is_control(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_shown_as_escapes_and_lines_are_kept() {
        let text = "会议室\n\u{1b}[2J\u{9b}\u{202e}\u{e0041}\r";
        let escaped = "会议室\n\\u{1b}[2J\\u{9b}\\u{202e}\\u{e0041}\\u{d}";
        assert_eq!(shown(text), escaped);
    }
}
