//! A Markdown document, as far as it is looked at: blocks of code, headings, links and quoted code.

use std::collections::HashMap;
use std::path::PathBuf;

pub(super) struct Document {
    /// From the root of the repository.
    pub(super) path: PathBuf,
    pub(super) blocks: Vec<Block>,
    /// What a link may name after a `#`.
    pub(super) anchors: Vec<String>,
    /// The lines outside of blocks, with their numbers.
    pub(super) lines: Vec<(usize, String)>,
}

/// A fenced block of code.
pub(super) struct Block {
    pub(super) line: usize,
    /// What follows the opening fence.
    pub(super) tag: String,
    pub(super) text: String,
}

impl Document {
    pub(super) fn parse(path: PathBuf, text: &str) -> Self {
        let mut document = Self {
            path,
            blocks: Vec::new(),
            anchors: Vec::new(),
            lines: Vec::new(),
        };
        let mut seen = HashMap::<String, usize>::new();
        let mut lines = (1..).zip(text.lines());
        while let Some((number, line)) = lines.next() {
            let content = line.trim_start();
            if let Some(tag) = content.strip_prefix("```") {
                let indent = line.len() - content.len();
                let mut block = String::new();
                for (_, line) in lines.by_ref() {
                    if line.trim() == "```" {
                        break;
                    }
                    block.push_str(line.get(indent..).unwrap_or_default());
                    block.push('\n');
                }
                document.blocks.push(Block {
                    line: number,
                    tag: tag.to_owned(),
                    text: block,
                });
                continue;
            }
            if line.starts_with('#') {
                let slug = slug(line.trim_start_matches('#').trim());
                let times = seen.entry(slug.clone()).or_default();
                document.anchors.push(match *times {
                    0 => slug,
                    times => format!("{slug}-{times}"),
                });
                *times += 1;
            }
            document.lines.push((number, line.to_owned()));
        }
        document
    }

    /// Where its links lead, with the line of each.
    pub(super) fn links(&self) -> Vec<(usize, String)> {
        let mut links = Vec::new();
        for (number, line) in &self.lines {
            // Code has brackets of its own.
            let prose: String = line.split('`').step_by(2).collect();
            for rest in prose.split("](").skip(1) {
                let (target, _) = rest.split_once(')').unwrap_or((rest, ""));
                links.push((*number, target.to_owned()));
            }
            for rest in prose.split("<http").skip(1) {
                let (target, _) = rest.split_once('>').unwrap_or((rest, ""));
                links.push((*number, format!("http{target}")));
            }
        }
        links
    }

    /// Code within the lines, with its line.
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.lines.iter();
        lines.flat_map(|(number, line)| code(line).map(|code| (*number, code)))
    }
}

/// The code in a line.
pub(super) fn code(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// The anchor of a heading, as forges make it.
fn slug(heading: &str) -> String {
    let kept = heading.chars().filter_map(|c| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        _ => c.is_alphanumeric().then_some(c),
    });
    kept.flat_map(char::to_lowercase).collect()
}
