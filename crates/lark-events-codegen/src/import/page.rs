//! A saved documentation page, cut into the blocks that facts stand in: `:::html` sections, fenced
//! code, pipe tables, and lines of prose.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::markup::{self, Cell, Table};

/// Where pages of the platform's documentation live.
const SITE: &str = "https://open.feishu.cn/document";

/// No page of the platform's documentation comes near this.
pub(super) const MAX_BYTES: usize = 4 * 1024 * 1024;

/// A line of a page, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// From 1.
    pub line: usize,
    /// What should be there.
    pub expected: String,
}

impl Refusal {
    pub(super) fn new(line: usize, expected: impl Into<String>) -> Self {
        Self {
            line,
            expected: expected.into(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Page {
    /// `title`, `fullPath`, `updatedAt`, `source`: any of them can be missing.
    pub(super) comment: BTreeMap<String, String>,
    pub(super) blocks: Vec<Block>,
    /// For messages about what is nowhere.
    pub(super) lines: usize,
}

#[derive(Debug, PartialEq)]
pub(super) enum Block {
    /// Label and cell, row by row.
    Facts(Table),
    /// What a document consists of.
    Fields(Table),
    Code(Code),
    Prose(String),
}

#[derive(Debug, PartialEq)]
pub(super) struct Code {
    /// The first line of the text.
    pub(super) line: usize,
    pub(super) text: String,
}

impl Page {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > MAX_BYTES {
            return Err(Refusal::new(1, format!("at most {MAX_BYTES} bytes")));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let good = &bytes[..error.valid_up_to()];
            let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
            Refusal::new(line, "UTF-8")
        })?;
        let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
        let mut lines = Lines::new(&text);
        let comment = lines.comment()?;
        let mut blocks = Vec::new();
        while let Some((number, line)) = lines.next() {
            let trimmed = line.trim();
            if trimmed.starts_with("```") {
                let code = lines.until(number, |line| line.trim() == "```", "```")?;
                // A sample is JSON, or does not say what it is.
                let language = trimmed.trim_start_matches('`').trim().to_ascii_lowercase();
                if language.is_empty() || language.starts_with("json") {
                    blocks.push(Block::Code(code));
                }
            } else if trimmed == ":::html" {
                // How to use the SDKs, to the end of the page, which not always ends the section.
                if lines
                    .rest
                    .peek()
                    .is_some_and(|line| line.trim_start().starts_with("<md-code-tabs"))
                {
                    break;
                }
                let html = lines.until(number, |line| line.trim() == ":::", ":::")?;
                blocks.extend(markup::blocks(&html)?);
            } else if trimmed.starts_with('|') {
                blocks.push(pipe_table(number, line, &mut lines)?);
            } else if !trimmed.is_empty() {
                blocks.push(Block::Prose(trimmed.to_owned()));
            }
        }
        Ok(Self {
            comment,
            blocks,
            lines: lines.number,
        })
    }

    /// The page as it is on the web.
    pub(super) fn url(&self) -> Option<String> {
        let path = || {
            let path = self.comment.get("fullPath")?;
            Some(format!("{SITE}{}", path.replace("//", "/")))
        };
        // It becomes a link in the documentation of the type, which ends at a space.
        let is_part = |char: char| !char.is_whitespace() && !char.is_control();
        let address = self.comment.get("source").cloned().or_else(path);
        address.filter(|address| address.chars().all(is_part))
    }

    /// The day of the last change, in UTC.
    pub(super) fn updated(&self) -> Option<String> {
        let millis: u64 = self.comment.get("updatedAt")?.parse().ok()?;
        let seconds = i64::try_from(millis / 1_000).ok()?;
        let time = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
        Some(time.date().to_string())
    }
}

/// The lines not yet read, and how many were.
struct Lines<'a> {
    rest: std::iter::Peekable<std::str::Lines<'a>>,
    number: usize,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            rest: text.lines().peekable(),
            number: 0,
        }
    }

    fn next(&mut self) -> Option<(usize, &'a str)> {
        let line = self.rest.next()?;
        self.number += 1;
        Some((self.number, line))
    }

    /// The comment at the top: `key: value` on each line.
    fn comment(&mut self) -> Result<BTreeMap<String, String>, Refusal> {
        let mut members = BTreeMap::new();
        if self.rest.next_if(|line| line.trim() == "<!--").is_none() {
            return Ok(members);
        }
        self.number += 1;
        let comment = self.until(self.number, |line| line.trim() == "-->", "-->")?;
        for line in comment.text.lines() {
            if let Some((key, value)) = line.split_once(':') {
                members.insert(key.trim().to_owned(), value.trim().to_owned());
            }
        }
        members.retain(|_, value| !value.is_empty());
        Ok(members)
    }

    /// The lines up to the one that ends what began at `start`.
    fn until(
        &mut self,
        start: usize,
        is_end: impl Fn(&str) -> bool,
        mark: &str,
    ) -> Result<Code, Refusal> {
        let mut text = String::new();
        while let Some((_, line)) = self.next() {
            if is_end(line) {
                return Ok(Code {
                    line: start + 1,
                    text,
                });
            }
            text += line;
            text.push('\n');
        }
        Err(Refusal::new(
            start,
            format!("a line `{mark}` that ends what begins here"),
        ))
    }
}

/// `| name | type |`, a line of dashes, and rows. Children are indented by `&emsp;`.
fn pipe_table(number: usize, header: &str, lines: &mut Lines<'_>) -> Result<Block, Refusal> {
    let mut table = Table {
        line: number,
        columns: markup::texts(&pipe_cells(number, header)?),
        rows: Vec::new(),
    };
    while let Some(line) = lines.rest.next_if(|line| line.trim().starts_with('|')) {
        lines.number += 1;
        let is_rule = line.chars().all(|char| "|-: \t".contains(char));
        if is_rule {
            continue;
        }
        let mut cells = pipe_cells(lines.number, line)?;
        let mut level = 0;
        if let Some(name) = cells.first_mut() {
            let bare = name.text.trim_start_matches(['\u{2003}', '\u{221f}', ' ']);
            let indent = &name.text[..name.text.len() - bare.len()];
            level = indent.matches('\u{2003}').count();
            name.text = bare.to_owned();
        }
        table.rows.push(markup::Row {
            line: lines.number,
            level,
            cells,
        });
    }
    Ok(Block::Fields(table))
}

fn pipe_cells(number: usize, line: &str) -> Result<Vec<Cell>, Refusal> {
    // An escaped bar is part of a cell.
    const BAR: &str = "\u{0}";
    let line = line.trim().replace("\\|", BAR);
    let line = line.strip_prefix('|').unwrap_or(&line);
    let line = line.strip_suffix('|').unwrap_or(line);
    line.split('|')
        .map(|text| markup::cell(number, &text.replace(BAR, "|")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_change_has_its_day_in_utc_or_none() {
        let updated = |millis: &str| {
            let comment = BTreeMap::from([("updatedAt".to_owned(), millis.to_owned())]);
            let blocks = Vec::new();
            Page {
                comment,
                blocks,
                lines: 0,
            }
            .updated()
        };
        assert_eq!(updated("1709251199999").as_deref(), Some("2024-02-29"));
        assert_eq!(updated("1709251200000").as_deref(), Some("2024-03-01"));
        for other in ["253402300800000", "18446744073709551615", "-1", "yesterday"] {
            assert_eq!(updated(other), None, "{other}");
        }
    }
}
