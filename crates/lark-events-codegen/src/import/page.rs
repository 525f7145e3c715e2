//! Cuts the text of a documentation page into blocks: `:::html` sections, fenced code, pipe tables, and
//! lines of prose.

use super::markup::{self, Table};
use super::pipes;

/// An invalid line of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// From 1.
    pub line: usize,
    /// The expected content.
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
    pub(super) blocks: Vec<Block>,
    /// The number of lines, for messages about missing content.
    pub(super) lines: usize,
}

#[derive(Debug, PartialEq)]
pub(super) enum Block {
    /// Label and cell, row by row.
    Facts(Table),
    /// The fields of a document.
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
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let mut lines = Lines::new(text);
        let mut blocks = Vec::new();
        while let Some((number, line)) = lines.next() {
            let trimmed = line.trim();
            if trimmed.starts_with("```") {
                let code = lines.until(number, |line| line.trim() == "```", "```")?;
                // The language of a sample is JSON, or its text looks like JSON.
                let language = trimmed.trim_start_matches('`').trim().to_ascii_lowercase();
                let is_object = || code.text.trim_start().starts_with('{');
                if language.starts_with("json") || language.is_empty() && is_object() {
                    blocks.push(Block::Code(code));
                }
            } else if trimmed == ":::html" {
                // Instructions for the SDKs follow, to the end of the page. Some pages do not close the
                // section.
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
                blocks.push(pipes::table(number, line, &mut lines)?);
            } else if !trimmed.is_empty() {
                blocks.push(Block::Prose(trimmed.to_owned()));
            }
        }
        Ok(Self {
            blocks,
            lines: lines.number,
        })
    }
}

/// The remaining lines, and the number of read ones.
pub(super) struct Lines<'a> {
    rest: std::iter::Peekable<std::str::Lines<'a>>,
    pub(super) number: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            rest: text.lines().peekable(),
            number: 0,
        }
    }

    pub(super) fn next(&mut self) -> Option<(usize, &'a str)> {
        let line = self.rest.next()?;
        self.number += 1;
        Some((self.number, line))
    }

    /// The next line, if it matches.
    pub(super) fn next_if(&mut self, is_one: impl Fn(&str) -> bool) -> Option<(usize, &'a str)> {
        let line = self.rest.next_if(|line| is_one(line))?;
        self.number += 1;
        Some((self.number, line))
    }

    /// The lines up to the end of a block that began at `start`.
    pub(super) fn until(
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
            format!("a line `{mark}` that ends the block that begins here"),
        ))
    }
}
