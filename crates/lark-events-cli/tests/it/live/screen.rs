//! What a terminal shows: as much of one as the table uses.

use std::mem::take;

pub(super) struct Screen {
    height: usize,
    width: usize,
    /// The rows that have scrolled off.
    scrollback: Vec<String>,
    /// The rows of the screen; a wide character is followed by a cell without one.
    rows: Vec<Vec<Option<char>>>,
    row: usize,
    column: usize,
    saved: (usize, usize),
    /// The start of an escape sequence or character.
    unread: Vec<u8>,
}

impl Screen {
    pub(super) fn new(height: usize, width: usize) -> Self {
        Self {
            height,
            width,
            scrollback: Vec::new(),
            rows: vec![Vec::new(); height],
            row: 0,
            column: 0,
            saved: (0, 0),
            unread: Vec::new(),
        }
    }

    /// Changes the height: a lower screen keeps the row of the cursor, and scrolls off those above it.
    pub(super) fn resize(&mut self, height: usize) {
        while self.rows.len() > height {
            if self.row + 1 < self.rows.len() {
                self.rows.pop();
            } else {
                let top = self.rows.remove(0);
                self.scrollback.push(line(&top));
                self.row -= 1;
            }
        }
        self.rows.resize(height, Vec::new());
        self.height = height;
        self.saved.0 = self.saved.0.min(height - 1);
    }

    /// The scrollback and the screen, without white space at the end of lines and of the text.
    pub(super) fn text(&self) -> String {
        let rows = self.rows.iter().map(|row| line(row));
        let lines = self.scrollback.iter().cloned().chain(rows);
        let lines: Vec<_> = lines.collect();
        lines.join("\n").trim_end().to_owned()
    }

    /// Whether the cursor is behind all of the text. It is not while the table is drawn over the one before, and
    /// what is typed then would be echoed into the table.
    pub(super) fn is_at_its_end(&self) -> bool {
        let below = &self.rows[self.row + 1..];
        let is_below = below.iter().any(|row| !line(row).is_empty());
        !is_below && line(&self.rows[self.row]).chars().count() <= self.column
    }

    pub(super) fn shows(&mut self, bytes: &[u8]) {
        self.unread.extend(bytes);
        let unread = take(&mut self.unread);
        let text = match std::str::from_utf8(&unread) {
            Ok(text) => text,
            Err(error) => {
                let (valid, rest) = unread.split_at(error.valid_up_to());
                assert_eq!(error.error_len(), None, "no UTF-8: {rest:?}");
                self.unread = rest.to_vec();
                std::str::from_utf8(valid).unwrap()
            }
        };
        let mut rest = text;
        while let Some(char) = rest.chars().next() {
            if char != '\u{1b}' {
                self.put(char);
                rest = &rest[char.len_utf8()..];
                continue;
            }
            let Some(length) = self.escape(&rest[1..]) else {
                // The rest of it comes later.
                self.unread.splice(0..0, rest.bytes());
                return;
            };
            rest = &rest[1 + length..];
        }
    }

    fn put(&mut self, char: char) {
        match char {
            '\r' => self.column = 0,
            '\n' => self.feed(),
            '\u{8}' => self.column = self.column.saturating_sub(1),
            char if char.is_control() => panic!("a terminal that is simpler than {char:?}"),
            char => {
                let width = if char >= '\u{2e80}' { 2 } else { 1 };
                if self.column + width > self.width {
                    self.column = 0;
                    self.feed();
                }
                let row = &mut self.rows[self.row];
                if row.len() < self.column + width {
                    row.resize(self.column + width, Some(' '));
                }
                row[self.column] = Some(char);
                if width == 2 {
                    row[self.column + 1] = None;
                }
                self.column += width;
            }
        }
    }

    fn feed(&mut self) {
        if self.row + 1 < self.height {
            self.row += 1;
            return;
        }
        let top = self.rows.remove(0);
        self.scrollback.push(line(&top));
        self.rows.push(Vec::new());
    }

    /// Obeys an escape sequence, without its first character, and returns its length; `None` if more of it has
    /// to come.
    fn escape(&mut self, text: &str) -> Option<usize> {
        match text.chars().next()? {
            '7' => self.saved = (self.row, self.column),
            '8' => (self.row, self.column) = self.saved,
            '[' => {
                let end = text[1..].find(|char: char| char.is_ascii_alphabetic())? + 1;
                let number = text[1..end].parse().ok();
                match &text[end..=end] {
                    "A" => self.row = self.row.saturating_sub(number.unwrap_or(1)),
                    "B" => {
                        let row = self.row + number.unwrap_or(1);
                        self.row = row.min(self.height - 1);
                    }
                    "J" if number.is_none() => {
                        self.rows[self.row].truncate(self.column);
                        self.rows[self.row + 1..].fill(Vec::new());
                    }
                    "K" if number == Some(2) => self.rows[self.row].clear(),
                    "m" => {}
                    _ => panic!("a terminal that is simpler than {text:?}"),
                }
                return Some(end + 1);
            }
            _ => panic!("a terminal that is simpler than {text:?}"),
        }
        Some(1)
    }
}

fn line(row: &[Option<char>]) -> String {
    let row: String = row.iter().flatten().collect();
    row.trim_end().to_owned()
}
