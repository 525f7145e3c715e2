//! Markdown as cards take it: language models write images and tables that cards reject.

/// The most tables in one card. The platform rejects cards with more than a few.
const MAX_TABLES: usize = 3;
const FENCE: &str = "```";

/// A line with its place, and whether it is in a block of code or its border.
struct Line<'a> {
    at: usize,
    text: &'a str,
    is_code: bool,
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let (mut at, mut in_code) = (0_usize, false);
    let line = |text| {
        let begin = at;
        at = at.saturating_add(str::len(text));
        let after = text.trim_start().strip_prefix(FENCE);
        // Code within a line is no block.
        let is_border = after.is_some_and(|info| in_code || !info.contains('`'));
        let is_code = in_code || is_border;
        in_code ^= is_border;
        Line {
            at: begin,
            text,
            is_code,
        }
    };
    text.split_inclusive('\n').map(line).collect()
}

/// Whether a line separates the head of a table from its rows.
fn is_delimiter(line: &Line<'_>) -> bool {
    let text = line.text.trim();
    let allowed = |c: char| matches!(c, '|' | '-' | ':' | ' ' | '\t');
    !line.is_code && text.contains('|') && text.contains('-') && text.chars().all(allowed)
}

/// The lines of each table: of its head, and behind its last row.
fn tables(lines: &[Line<'_>]) -> Vec<(usize, usize)> {
    let mut tables = Vec::new();
    let mut next = 1;
    while let Some(line) = lines.get(next) {
        let head = next.saturating_sub(1);
        let has_head = lines
            .get(head)
            .is_some_and(|line| !line.is_code && line.text.contains('|'));
        if has_head && is_delimiter(line) {
            let rows = lines.iter().skip(next);
            let rows = rows.take_while(|line| !line.is_code && line.text.contains('|'));
            let end = next.saturating_add(rows.count());
            tables.push((head, end));
            next = end;
        }
        next = next.saturating_add(1);
    }
    tables
}

/// Where the first table begins that is too many for one card.
pub(super) fn table_too_many(text: &str) -> Option<usize> {
    let lines = lines(text);
    let (head, _) = *tables(&lines).get(MAX_TABLES)?;
    lines.get(head).map(|line| line.at).filter(|at| *at > 0)
}

/// The text with links instead of images from elsewhere: a card takes images only by the keys of uploads.
pub(super) fn without_images(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for line in lines(text) {
        if line.is_code {
            written.push_str(line.text);
            continue;
        }
        let mut rest = line.text;
        while let Some((before, after)) = rest.split_once("![") {
            written.push_str(before);
            let image = after.split_once("](");
            let is_elsewhere =
                |(alt, url): &(&str, &str)| !alt.contains(['[', ']']) && !url.starts_with("img_");
            match image.filter(is_elsewhere) {
                Some(("", url)) => {
                    written.push_str("[image](");
                    rest = url;
                }
                Some(_) => {
                    written.push('[');
                    rest = after;
                }
                None => {
                    written.push_str("![");
                    rest = after;
                }
            }
        }
        written.push_str(rest);
    }
    written
}

/// The text with its tables in blocks of code, which every card takes.
pub(super) fn with_tables_as_code(text: &str) -> String {
    let lines = lines(text);
    let tables = tables(&lines);
    let mut written = String::with_capacity(text.len());
    for (number, line) in lines.iter().enumerate() {
        if tables.iter().any(|(head, _)| *head == number) {
            written.push_str("```\n");
        }
        written.push_str(line.text);
        let next = number.saturating_add(1);
        if tables.iter().any(|(_, end)| *end == next) {
            if !line.text.ends_with('\n') {
                written.push('\n');
            }
            written.push_str("```\n");
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "| a | b |\n|---|:-:|\n| 1 | 2 |\n";

    #[test]
    fn images_from_elsewhere_are_links() {
        for (text, expected) in [
            ("a ![b](https://c/d.png) e", "a [b](https://c/d.png) e"),
            ("![](https://c)![x](y)", "[image](https://c)[x](y)"),
            ("![b](img_v3_1)", "![b](img_v3_1)"),
            ("![b] and !c", "![b] and !c"),
            ("```\n![b](c)\n```\n![b](c)", "```\n![b](c)\n```\n[b](c)"),
            ("![", "!["),
        ] {
            assert_eq!(without_images(text), expected);
        }
    }

    #[test]
    fn a_card_has_so_many_tables_and_no_more() {
        let three = format!("{TABLE}\n{TABLE}\ntext\n\n{TABLE}");
        assert_eq!(table_too_many(&three), None);
        let four = format!("{three}\n{TABLE}");
        assert_eq!(table_too_many(&four), Some(three.len() + 1));
        let code = format!("{three}\n```\n{TABLE}```\n");
        assert_eq!(table_too_many(&code), None);
        assert_eq!(table_too_many("a | b\n"), None);
        assert_eq!(table_too_many("a\n---\n"), None);
    }

    #[test]
    fn tables_can_be_code() {
        let text = format!("a\n\n{TABLE}\nb\n");
        assert_eq!(
            with_tables_as_code(&text),
            format!("a\n\n```\n{TABLE}```\n\nb\n")
        );
        let open = TABLE.trim_end();
        assert_eq!(with_tables_as_code(open), format!("```\n{TABLE}```\n"));
        assert_eq!(with_tables_as_code("a | b"), "a | b");
        let code = format!("```\n{TABLE}```\n");
        assert_eq!(with_tables_as_code(&code), code);
    }
}
