//! Pipe tables. Spaces of any kind indent children, with or without a mark. Names are in backticks, `==`
//! marks important text, and a cell is always a single line.

use std::sync::LazyLock;

use regex::Regex;

use super::labels::Label;
use super::markup::{self, Cell, Permission, Row, Table};
use super::page::{Block, Lines, Refusal};

/// Reads a table: `| name | type |`, a line of dashes, and rows.
pub(super) fn table(number: usize, header: &str, lines: &mut Lines<'_>) -> Result<Block, Refusal> {
    let mut table = Table {
        line: number,
        columns: markup::texts(&cells(number, header)?),
        rows: Vec::new(),
    };
    // The indentation of the possible parents of the next row.
    let mut indents: Vec<usize> = Vec::new();
    while let Some((number, line)) = lines.next_if(|line| line.trim().starts_with('|')) {
        let is_rule = line.chars().all(|char| "|-: \t".contains(char));
        if is_rule {
            continue;
        }
        let mut cells = cells(number, line)?;
        let indent = cells.first_mut().map_or(0, outdent);
        indents.retain(|above| *above < indent);
        table.rows.push(Row {
            line: number,
            level: indents.len(),
            cells,
        });
        indents.push(indent);
    }
    let description = table.description_column();
    if table.has_fields() {
        let rows = table.rows.iter_mut();
        let cells = rows.filter_map(|row| row.cells.get_mut(description?));
        cells.for_each(describe);
        return Ok(Block::Fields(table));
    }
    let mut is_labelled = false;
    for row in &mut table.rows {
        if let [label, cell, ..] = row.cells.as_mut_slice()
            && let Some(label) = Label::of(&label.text)
        {
            is_labelled = true;
            tell(cell, label);
        }
    }
    Ok(if is_labelled {
        Block::Facts(table)
    } else {
        Block::Fields(table)
    })
}

fn cells(number: usize, line: &str) -> Result<Vec<Cell>, Refusal> {
    // An escaped bar is part of a cell.
    const BAR: &str = "\u{0}";
    let line = line.trim().replace("\\|", BAR);
    let line = line.strip_prefix('|').unwrap_or(&line);
    let line = line.strip_suffix('|').unwrap_or(line);
    line.split('|')
        .map(|text| {
            let mut cell = markup::cell(number, &text.replace(BAR, "|"))?;
            cell.text = plain(&cell.text.replace("==", "")).to_owned();
            Ok(cell)
        })
        .collect()
}

/// The code of a text that is a single span of code.
fn plain(text: &str) -> &str {
    let code = text
        .strip_prefix('`')
        .and_then(|text| text.strip_suffix('`'));
    code.filter(|code| !code.contains('`')).unwrap_or(text)
}

/// Removes the indentation, and returns its width.
fn outdent(name: &mut Cell) -> usize {
    let is_indent = |char: char| char.is_whitespace() || "∟└".contains(char);
    let bare = name.text.trim_start_matches(is_indent);
    let indent = name.text[..name.text.len() - bare.len()].chars().count();
    name.text = plain(bare).to_owned();
    indent
}

macro_rules! pattern {
    ($name:ident = $pattern:literal) => {
        static $name: LazyLock<Regex> =
            LazyLock::new(|| Regex::new($pattern).expect("a pattern of this file is valid"));
    };
}

// `` `tea:pot` what it allows ``
pattern!(PERMISSION = r"`([a-z][\w:.-]*)`([^`]*)");
// The heading of the permissions of a field.
pattern!(PERMISSIONS = r"(?i)\*\*(?:字段权限要求|Required field scopes)");
// The heading of a list of values, with the list up to the next heading.
pattern!(VALUES = r"(?i)\*\*(?:可选值有|Optional values are)\*\*[:：]([^*]*)");
pattern!(VALUE = r"(?m)^\s*- `([^`]+)`");
// An item of a list. The items get separate lines.
pattern!(ITEM = r#"\s- ([`"]?[\w.]+[`"]?\s*[:：])"#);

/// The facts in a description.
fn describe(cell: &mut Cell) {
    if let Some(found) = PERMISSIONS.find(&cell.text) {
        cell.permissions = permissions(&cell.text[found.end()..]);
        cell.text.truncate(found.start());
    }
    cell.text = ITEM.replace_all(&cell.text, "\n- $1").into_owned();
    if let Some(values) = VALUES.captures(&cell.text) {
        let keys = VALUE.captures_iter(&values[1]);
        cell.keys = keys.map(|key| key[1].to_owned()).collect();
    }
}

/// Reads a cell of the table of facts.
fn tell(cell: &mut Cell, label: Label) {
    let listed = |text: &str| {
        let items = text.split([',', '、', '`', ' ']).map(str::to_lowercase);
        items.filter(|item| !item.is_empty()).collect()
    };
    match label {
        Label::EventType => {}
        Label::AppTypes => cell.app_types = listed(&cell.text),
        Label::Scopes | Label::FieldScopes => cell.permissions = permissions(&cell.text),
    }
}

fn permissions(text: &str) -> Vec<Permission> {
    let permission = |found: regex::Captures<'_>| Permission {
        name: found[1].to_owned(),
        app_types: Vec::new(),
        // This layout states no more about a permission.
        is_retired: found[2].contains("历史版本"),
    };
    PERMISSION.captures_iter(text).map(permission).collect()
}
