//! Text for a terminal. All text in it is escaped; styles are not.

use std::fmt::{Display, Write as _};

use clap::builder::styling::Style;

use crate::escape::{escape, escape_line};

/// Text to print. Commands print only this type, so that no foreign text reaches a terminal unescaped.
#[derive(Debug, Clone, Default)]
pub(crate) struct Text(Vec<(Style, String)>);

impl Text {
    /// Text on one line; line ends in it are escaped.
    pub(crate) fn line(text: impl Display) -> Self {
        Self::painted(Style::new(), text)
    }

    /// Text of several lines.
    pub(crate) fn lines(text: impl Display) -> Self {
        let text = text.to_string();
        Self(vec![(Style::new(), escape(&text).into_owned())])
    }

    /// Text on one line in a style, where there are colours.
    pub(crate) fn painted(style: Style, text: impl Display) -> Self {
        let text = text.to_string();
        Self(vec![(style, escape_line(&text).into_owned())])
    }

    /// Appends text on the same line.
    pub(crate) fn then(mut self, text: impl Into<Self>) -> Self {
        self.0.extend(text.into().0);
        self
    }

    /// Texts below each other.
    pub(crate) fn below(lines: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::default();
        for (number, line) in lines.into_iter().enumerate() {
            let end_of_line = (number > 0).then(|| Self::lines("\n"));
            all = all.then(end_of_line.unwrap_or_default()).then(line);
        }
        all
    }

    /// Cuts the text to a width.
    pub(crate) fn cut(mut self, width: usize) -> Self {
        let mut room = width;
        for (_, text) in &mut self.0 {
            let end = text.char_indices().nth(room).map(|(at, _)| at);
            text.truncate(end.unwrap_or(text.len()));
            room -= text.chars().count();
        }
        self
    }

    /// The text to write, with styles if `coloured`.
    pub(crate) fn render(&self, coloured: bool) -> String {
        let mut rendered = String::new();
        for (style, text) in &self.0 {
            if coloured && !text.is_empty() {
                let _ = write!(rendered, "{style}{text}{style:#}");
            } else {
                rendered += text;
            }
        }
        rendered
    }
}

/// On one line.
impl<T: Display> From<T> for Text {
    fn from(text: T) -> Self {
        Self::line(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::GOOD;

    #[test]
    fn styles_are_kept_and_text_has_none() {
        let text = Text::painted(GOOD, "a\u{1b}[0mb")
            .then("\n")
            .then(Text::lines("\n\r"));
        assert_eq!(text.render(false), "a\\u001b[0mb\\n\n\\r");
        let coloured = text.render(true);
        assert!(coloured.starts_with('\u{1b}') && coloured.contains("a\\u001b[0mb\u{1b}[0m"));
    }

    #[test]
    fn what_is_cut_is_what_shows() {
        let text = Text::painted(GOOD, "ab\u{7}").then("cd");
        for (width, cut) in [
            (0, ""),
            (2, "ab"),
            (8, "ab\\u0007"),
            (9, "ab\\u0007c"),
            (99, "ab\\u0007cd"),
        ] {
            assert_eq!(text.clone().cut(width).render(false), cut, "{width}");
        }
    }
}
