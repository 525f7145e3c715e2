//! What the guide quotes: log lines, error texts, names of metrics and of items are in the sources, to the
//! letter.

use std::path::Path;
use std::sync::LazyLock;

use super::markdown::{Document, code};
use super::{files, read};

/// All that the libraries, the command and the examples are made of.
static SOURCES: LazyLock<String> = LazyLock::new(|| {
    let crates = files(Path::new("crates"), "rs").into_iter();
    let libraries = crates.filter(|path| path.components().any(|it| it.as_os_str() == "src"));
    let examples = files(Path::new("examples"), "rs");
    libraries.chain(examples).map(read).collect()
});

/// Checks what a document quotes, and says how much that was.
pub(super) fn check(document: &Document) -> usize {
    let mut quoted = 0;
    let mut is_there = |line: usize, text: &str| {
        let place = format!("{}:{line}", document.path.display());
        assert!(SOURCES.contains(text), "{place}: nothing says {text:?}");
        quoted += 1;
    };
    // What is looked up in a table is what the log says: where a literal begins, or all of a reason.
    let (mut is_table, mut is_of_reasons) = (false, false);
    for (line, text) in &document.lines {
        let first = text
            .strip_prefix("| ")
            .and_then(|row| row.split('|').next());
        if first.is_some() && !is_table {
            is_of_reasons = text.starts_with("| `reason` ");
        }
        is_table = first.is_some();
        let end = if is_of_reasons { "\"" } else { "" };
        for text in first.into_iter().flat_map(code) {
            if !text.starts_with("lark-events") {
                is_there(*line, &format!("\"{text}{end}"));
            }
        }
    }
    for (line, text) in document.code() {
        if text.starts_with("lark_events_") && !text.contains("::") {
            is_there(line, text);
        }
        // An item, such as `EventService::stats` or `DedupLayer::new()`.
        let is_word = |word: &str| word.chars().all(|c| c.is_alphanumeric() || c == '_');
        let item = text.split('(').next().unwrap_or_default();
        let is_item = item.contains(char::is_lowercase) && item.split("::").all(is_word);
        if is_item && item.starts_with(char::is_uppercase) {
            item.split("::").for_each(|word| is_there(line, word));
        }
    }
    quoted
}
