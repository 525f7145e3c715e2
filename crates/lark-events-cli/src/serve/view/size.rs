//! The size of the terminal, which may change at any time.

/// The columns of a terminal of unknown size.
const COLUMNS: usize = 80;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) rows: Option<usize>,
    columns: Option<usize>,
}

impl Size {
    pub(super) fn now() -> Self {
        let size = terminal_size::terminal_size();
        let (columns, rows) = size.unzip();
        Self {
            rows: rows.map(|rows| rows.0.into()),
            columns: columns.map(|columns| columns.0.into()),
        }
    }

    pub(super) fn columns(self) -> usize {
        self.columns.unwrap_or(COLUMNS)
    }
}
