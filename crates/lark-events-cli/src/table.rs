//! Columns of text, each as wide as its widest cell; the last is never padded.

use clap::builder::styling::Style;

use crate::escape::escape_line;
use crate::text::Text;

/// Rows of cells. Styles are set per cell on output, so that they do not count for the widths.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

/// The space between two columns.
const GAP: &str = "  ";

impl Table {
    pub(crate) fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        let cells = cells.into_iter().map(Into::into);
        // Escaped text is wider.
        let cells = cells.map(|cell: String| escape_line(&cell).into_owned());
        self.rows.push(cells.collect());
    }

    /// The lines, each cell in its style: `style(row, column)`.
    pub(crate) fn lines(
        &self,
        style: impl Fn(usize, usize) -> Style,
    ) -> impl Iterator<Item = Text> {
        let widths = self.widths();
        self.rows.iter().enumerate().map(move |(number, row)| {
            let last = row.iter().rposition(|cell| !cell.is_empty());
            let mut line = Text::default();
            for (column, cell) in row.iter().enumerate().take(last.map_or(0, |last| last + 1)) {
                line = line.then(Text::painted(style(number, column), cell));
                if Some(column) != last {
                    let padding = widths[column] - width(cell);
                    line = line.then(" ".repeat(padding) + GAP);
                }
            }
            line
        })
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let cells = |column: usize| self.rows.iter().filter_map(move |row| row.get(column));
        let widest = |column| cells(column).map(|cell| width(cell)).max();
        (0..columns)
            .map(|column| widest(column).unwrap_or_default())
            .collect()
    }
}

fn width(cell: &str) -> usize {
    cell.chars().count()
}
