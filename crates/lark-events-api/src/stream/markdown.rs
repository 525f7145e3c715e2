//! Splitting Markdown that is too long for one card.

/// The beginning and end of a block of code.
const FENCE: &str = "```";
/// The end of a block of code that goes on in the next part.
const CLOSED: &str = "\n```";

/// Splits Markdown into parts of at most `max_bytes` bytes: at the ends of paragraphs where possible, otherwise of
/// lines or words. A code block that is split is closed in one part and opened again in the next.
///
/// A part is longer only if `max_bytes` is too small to close a code block.
///
/// ```
/// use lark_events_api::split_markdown;
///
/// let parts = split_markdown("# Tea\n\nGreen tea.\n\nBlack tea.", 24);
/// assert_eq!(parts, ["# Tea\n\nGreen tea.", "Black tea."]);
/// ```
#[must_use]
pub fn split_markdown(text: &str, max_bytes: usize) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = text.to_owned();
    while let Some(Cut { head, at, reopened }) = cut(&rest, &str::len, max_bytes) {
        parts.push(head);
        rest = format!("{reopened}{}", rest.get(at..).unwrap_or_default());
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(rest);
    }
    parts
}

/// A first part, and where the next one begins.
#[derive(Debug)]
pub(super) struct Cut {
    /// The first part, with the end of a block of code that goes on in the next part.
    pub(super) head: String,
    /// Where the rest of the text begins.
    pub(super) at: usize,
    /// What comes before the rest in the next part: the begin of that block of code.
    pub(super) reopened: String,
}

/// Cuts off a first part that costs at most `max`, if the text costs more.
pub(super) fn cut(text: &str, cost: &dyn Fn(&str) -> usize, max: usize) -> Option<Cut> {
    if cost(text) <= max {
        return None;
    }
    // For the end of a block of code.
    let limit = longest(text, cost, max.saturating_sub(cost(CLOSED)));
    let at = place(text, limit);
    let (head, tail) = text.split_at_checked(at)?;
    let fence = open_fence(head);
    let mut head = head.trim_end().to_owned();
    if fence.is_some() {
        head.push_str(CLOSED);
    }
    // If the begin of the block is as long as the part, repeating it would never end.
    let fence = fence.filter(|fence| fence.len().saturating_add(1) < at);
    let skipped = tail
        .len()
        .saturating_sub(tail.trim_start_matches(['\n', '\r']).len());
    Some(Cut {
        head,
        at: at.saturating_add(skipped),
        reopened: fence.map_or(String::new(), |fence| format!("{fence}\n")),
    })
}

/// The length of the longest beginning that costs at most `max`, of at least one character.
fn longest(text: &str, cost: &dyn Fn(&str) -> usize, max: usize) -> usize {
    let mut left = max;
    for (at, c) in text.char_indices() {
        let costs = cost(c.encode_utf8(&mut [0; 4]));
        match left.checked_sub(costs) {
            Some(rest) => left = rest,
            None => return at.max(text.chars().next().map_or(0, char::len_utf8)),
        }
    }
    text.len()
}

/// Where to cut within `limit` bytes: after a paragraph, a line or a word, but not in the first quarter.
fn place(text: &str, limit: usize) -> usize {
    let Some(window) = text.get(..limit) else {
        return limit;
    };
    let least = limit / 4;
    let beyond = |at: &usize| *at > least;
    paragraph_end(window)
        .filter(beyond)
        .or_else(|| window.rfind('\n').filter(beyond))
        .or_else(|| window.rfind(char::is_whitespace).filter(beyond))
        .unwrap_or(limit)
}

/// The last empty line outside of a block of code.
fn paragraph_end(window: &str) -> Option<usize> {
    let ends = window.rmatch_indices("\n\n");
    let mut ends = ends.map(|(at, _)| at);
    ends.find(|at| {
        window
            .get(..*at)
            .is_some_and(|head| open_fence(head).is_none())
    })
}

/// The line that begins the block of code in which a text ends, if it ends in one.
fn open_fence(text: &str) -> Option<String> {
    let mut open = None;
    for line in text.lines() {
        let line = line.trim_start();
        let Some(info) = line.strip_prefix(FENCE) else {
            continue;
        };
        open = match open {
            // Code within a line is no block.
            None if info.contains('`') => None,
            None => Some(line.trim_end().to_owned()),
            Some(_) => None,
        };
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_is_one_part() {
        assert_eq!(split_markdown("", 10), [""]);
        assert_eq!(split_markdown("tea", 3), ["tea"]);
    }

    #[test]
    fn parts_end_with_paragraphs_else_lines_else_words() {
        let paragraphs = "one one\n\ntwo two\n\nthree";
        assert_eq!(
            split_markdown(paragraphs, 22),
            ["one one\n\ntwo two", "three"]
        );
        assert_eq!(split_markdown("one one\ntwo two", 15), ["one one\ntwo two"]);
        assert_eq!(
            split_markdown("one one\ntwo two", 14),
            ["one one", "two two"]
        );
        assert_eq!(split_markdown("one two three", 12), ["one two", " three"]);
        let parts = split_markdown("茶茶茶茶茶茶", 10);
        assert_eq!(parts.concat(), "茶茶茶茶茶茶");
        assert!(parts.iter().all(|part| part.len() <= 10), "{parts:?}");
    }

    #[test]
    fn a_block_of_code_is_closed_and_begins_again() {
        let code: String = (0..20)
            .map(|line| format!("let a{line} = {line};\n"))
            .collect();
        let text = format!("Code:\n\n```rust\n{code}```\n\nEnd.");
        let parts = split_markdown(&text, 120);
        assert!(parts.len() > 2, "{parts:?}");
        for part in &parts {
            assert!(part.len() <= 120, "{part}");
            assert_eq!(part.matches(FENCE).count() % 2, 0, "{part}");
        }
        assert!(parts[1].starts_with("```rust\n"), "{parts:?}");
        let lines = |text: &str| {
            let lines = text.lines().filter(|line| line.starts_with("let "));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(lines(&parts.join("\n")), lines(&text));
    }

    #[test]
    fn any_text_and_limit_ends_without_a_loss() {
        let alphabet = ["a", "b ", "\n", "\n\n", "```", "```rust\n", "茶", "\"", " "];
        for seed in 0..2_000 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let text: String = (0..rng.usize(..60))
                .map(|_| alphabet[rng.usize(..alphabet.len())])
                .collect();
            let max = rng.usize(..40);
            let parts = split_markdown(&text, max);
            let kept = |text: &str| -> String {
                let is_kept = |c: &char| "ab茶\"".contains(*c);
                text.replace("rust", "").chars().filter(is_kept).collect()
            };
            let (parted, whole) = (kept(&parts.concat()), kept(&text));
            if text.contains(FENCE) {
                // What follows a fence in its line is repeated with it.
                let mut parted = parted.chars();
                assert!(
                    whole.chars().all(|c| parted.any(|other| other == c)),
                    "{seed}"
                );
            } else {
                assert_eq!(parted, whole, "{seed}");
            }
        }
    }
}
