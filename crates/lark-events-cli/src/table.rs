//! Columns of text, each as wide as its widest cell; the last is never padded.

use std::fmt;

/// Rows of cells. Styles are for whole columns, so that what does not show takes no width.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

/// What is between two columns.
const GAP: &str = "  ";

impl Table {
    pub(crate) fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// The lines, each cell painted after it has been padded: `paint(row, column, text)`.
    pub(crate) fn lines<'a>(
        &'a self,
        paint: impl Fn(usize, usize, &str) -> String + 'a,
    ) -> impl Iterator<Item = String> + 'a {
        let widths = self.widths();
        self.rows.iter().enumerate().map(move |(number, row)| {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                line += &paint(number, column, cell);
                if column + 1 < row.len() {
                    let padding = widths[column] - width(cell);
                    line += &" ".repeat(padding);
                    line += GAP;
                }
            }
            line.truncate(line.trim_end().len());
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

/// Without styles.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.lines(|_, _, cell| cell.to_owned()).collect();
        f.write_str(&lines.join("\n"))
    }
}
