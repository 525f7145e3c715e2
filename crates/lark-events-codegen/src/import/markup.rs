//! The tagged sections of a page. The tags are not HTML elements, and closing them is optional, so
//! only a tokenizer fits: `html5gum`, which follows the WHATWG rules for where a tag and an
//! attribute end and what an entity means, and builds no tree.

use html5gum::{DefaultEmitter, StartTag, StringReader, Token, Tokenizer};
use serde_json::Value;

use super::labels::{DESCRIPTION, NAME, TYPE};
use super::page::{Block, Code, Refusal};

/// Any table of a page.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Table {
    pub(super) line: usize,
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Row>,
}

impl Table {
    /// Whether it has columns of names and of types.
    pub(super) fn has_fields(&self) -> bool {
        self.name_column().is_some() && self.type_column().is_some()
    }

    pub(super) fn name_column(&self) -> Option<usize> {
        self.column(NAME)
    }

    pub(super) fn type_column(&self) -> Option<usize> {
        self.column(TYPE)
    }

    pub(super) fn description_column(&self) -> Option<usize> {
        self.column(DESCRIPTION)
    }

    /// Whether a row at the top is for a member of this object.
    pub(super) fn has_member_of(&self, object: &Value) -> bool {
        let tops = self.rows.iter().filter(|row| row.level == 0);
        let mut names = tops.filter_map(|row| row.cells.get(self.name_column()?));
        names.any(|name| object.get(&name.text).is_some())
    }

    /// The columns that a table of fields must have.
    pub(super) const COLUMNS: &str =
        "columns `名称`, `字段`, `Name` or `Parameter`, and `类型`, `数据类型` or `Type`";

    /// The rejection of a table without these columns.
    pub(super) fn unlabelled(&self) -> Refusal {
        Refusal::new(self.line, format!("a table with the {}", Self::COLUMNS))
    }

    fn column(&self, labels: &[&str]) -> Option<usize> {
        let mut columns = self.columns.iter();
        columns.position(|column| labels.contains(&column.trim_matches('*')))
    }
}

#[derive(Debug, PartialEq)]
pub(super) struct Row {
    pub(super) line: usize,
    pub(super) level: usize,
    pub(super) cells: Vec<Cell>,
}

/// The text of a cell, and the facts in its tags.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Cell {
    pub(super) line: usize,
    pub(super) text: String,
    /// The values of an enumeration.
    pub(super) keys: Vec<String>,
    pub(super) permissions: Vec<Permission>,
    pub(super) app_types: Vec<String>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Permission {
    pub(super) name: String,
    pub(super) app_types: Vec<String>,
    /// Apps can no longer apply for it.
    pub(super) is_retired: bool,
}

pub(super) fn texts(cells: &[Cell]) -> Vec<String> {
    cells.iter().map(|cell| cell.text.clone()).collect()
}

/// The tables and samples in a `:::html` section.
pub(super) fn blocks(html: &Code) -> Result<Vec<Block>, Refusal> {
    let mut reader = Reader::new(html);
    for token in tokens(&html.text) {
        reader.read(token)?;
    }
    reader.finish()
}

/// A single cell in another notation.
pub(super) fn cell(line: usize, text: &str) -> Result<Cell, Refusal> {
    let html = Code {
        line,
        text: text.to_owned(),
    };
    let mut reader = Reader::new(&html);
    reader.open_cell(0);
    for token in tokens(text) {
        reader.read(token)?;
    }
    Ok(reader.cell.take().map(tidy).unwrap_or_default())
}

fn tokens(text: &str) -> impl Iterator<Item = Token<usize>> {
    let emitter = DefaultEmitter::<usize>::new_with_span();
    let tokenizer: Tokenizer<StringReader<'_>, _> = Tokenizer::new_with_emitter(text, emitter);
    tokenizer.map(|token| match token {
        Ok(token) => token,
        Err(never) => match never {},
    })
}

/// Reads tags in sequence, and keeps the open elements.
struct Reader<'a> {
    html: &'a Code,
    /// The offsets of its line ends.
    line_ends: Vec<usize>,
    blocks: Vec<Block>,
    table: Option<Table>,
    row: Option<Row>,
    cell: Option<Cell>,
    /// An open tag whose text is ignored.
    muted: Option<Vec<u8>>,
    /// The offset at which the text of a sample begins.
    sample: Option<usize>,
}

impl<'a> Reader<'a> {
    fn new(html: &'a Code) -> Self {
        Self {
            html,
            line_ends: html.text.match_indices('\n').map(|(at, _)| at).collect(),
            blocks: Vec::new(),
            table: None,
            row: None,
            cell: None,
            muted: None,
            sample: None,
        }
    }

    fn read(&mut self, token: Token<usize>) -> Result<(), Refusal> {
        match token {
            Token::StartTag(tag) if self.sample.is_none() => self.start(&tag),
            Token::EndTag(tag) => {
                self.end(&tag.name, tag.span.start);
                Ok(())
            }
            Token::String(text) => {
                if let (Some(cell), None) = (&mut self.cell, &self.muted) {
                    cell.text += &String::from_utf8_lossy(&text.value);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn start(&mut self, tag: &StartTag<usize>) -> Result<(), Refusal> {
        let at = tag.span.start;
        match tag.name.as_slice() {
            b"md-table" | b"md-dt-table" => {
                if let Some(table) = &self.table {
                    let line = table.line;
                    let rule = format!("the end of the table of line {line} before another");
                    return Err(Refusal::new(self.line(at), rule));
                }
                self.table = Some(Table {
                    line: self.line(at),
                    ..Table::default()
                });
            }
            b"md-tr" | b"md-dt-tr" | b"tr" => {
                self.close_row();
                self.row = Some(Row {
                    line: self.line(at),
                    level: self.level(tag)?,
                    cells: Vec::new(),
                });
            }
            b"md-td" | b"md-th" | b"md-dt-td" | b"md-dt-th" => {
                self.close_cell();
                self.open_cell(at);
            }
            b"md-code-json" => self.sample = Some(tag.span.end),
            b"md-tooltip" | b"div" if !tag.self_closing => self.mute(tag),
            b"br" => {
                if let Some(cell) = &mut self.cell {
                    cell.text.push('\n');
                }
            }
            name => self.fact(name, tag),
        }
        Ok(())
    }

    /// Reads a tag within a cell that states a fact.
    fn fact(&mut self, name: &[u8], tag: &StartTag<usize>) {
        let Some(cell) = &mut self.cell else { return };
        match name {
            b"md-enum-item" => {
                cell.keys.extend(attribute(tag, b"key"));
                self.mute(tag);
            }
            b"md-perm" => {
                let tags = list(tag, b"tags");
                cell.permissions
                    .extend(attribute(tag, b"name").map(|name| Permission {
                        name,
                        app_types: list(tag, b"support_app_types"),
                        is_retired: tags.iter().any(|tag| tag == "offline"),
                    }));
                self.mute(tag);
            }
            b"md-app-support" => cell.app_types = list(tag, b"types"),
            b"md-tag" => self.mute(tag),
            _ => {}
        }
    }

    fn mute(&mut self, tag: &StartTag<usize>) {
        if self.muted.is_none() && !tag.self_closing {
            self.muted = Some(tag.name.to_vec());
        }
    }

    fn end(&mut self, name: &[u8], at: usize) {
        if let Some(start) = self.sample {
            if name == b"md-code-json" {
                self.sample = None;
                self.blocks.push(Block::Code(Code {
                    line: self.line(start),
                    text: self.html.text[start..at].to_owned(),
                }));
            }
            return;
        }
        match name {
            name if self.muted.as_deref() == Some(name) => self.muted = None,
            b"md-td" | b"md-th" | b"md-dt-td" | b"md-dt-th" => self.close_cell(),
            b"md-tr" | b"md-dt-tr" | b"tr" => self.close_row(),
            b"md-table" => self.close_table(Block::Facts),
            b"md-dt-table" => self.close_table(Block::Fields),
            _ => {}
        }
    }

    fn open_cell(&mut self, at: usize) {
        self.muted = None;
        self.cell = Some(Cell {
            line: self.line(at),
            ..Cell::default()
        });
    }

    fn close_cell(&mut self) {
        self.muted = None;
        if let (Some(cell), Some(row)) = (self.cell.take(), &mut self.row) {
            row.cells.push(tidy(cell));
        }
    }

    fn close_row(&mut self) {
        self.close_cell();
        if let (Some(row), Some(table)) = (self.row.take(), &mut self.table) {
            if table.columns.is_empty() && table.rows.is_empty() {
                table.columns = texts(&row.cells);
            } else {
                table.rows.push(row);
            }
        }
    }

    fn close_table(&mut self, block: fn(Table) -> Block) {
        self.close_row();
        self.blocks.extend(self.table.take().map(block));
    }

    /// The depth of a row; children follow their parent.
    fn level(&self, tag: &StartTag<usize>) -> Result<usize, Refusal> {
        let Some(level) = attribute(tag, b"level") else {
            return Ok(0);
        };
        let refused = |_| Refusal::new(self.line(tag.span.start), "a number as `level`");
        level.parse().map_err(refused)
    }

    fn finish(self) -> Result<Vec<Block>, Refusal> {
        if let Some(table) = &self.table {
            return Err(Refusal::new(table.line, "the end of this table"));
        }
        if let Some(start) = self.sample {
            return Err(Refusal::new(self.line(start), "the end of this sample"));
        }
        Ok(self.blocks)
    }

    /// The line of an offset.
    fn line(&self, at: usize) -> usize {
        self.html.line + self.line_ends.partition_point(|end| *end < at)
    }
}

fn attribute(tag: &StartTag<usize>, name: &[u8]) -> Option<String> {
    let value = tag.attributes.get(name)?;
    Some(String::from_utf8_lossy(&value.value).into_owned())
}

/// An attribute with values between commas.
fn list(tag: &StartTag<usize>, name: &[u8]) -> Vec<String> {
    let value = attribute(tag, name).unwrap_or_default();
    let items = value.split(',').map(str::trim);
    items
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Removes the escapes of Markdown and surrounding space.
fn tidy(mut cell: Cell) -> Cell {
    cell.text = cell
        .text
        .replace('\\', "")
        .trim_matches([' ', '\n', '\t', '\r'])
        .to_owned();
    cell
}
