//! Words that readers stumble over. Each has a plain one of the field: encrypted, rejected, retry.

use super::markdown::Document;

const AVOIDED: [&str; 5] = ["told", "mend", "whoever", "sealed", "is so"];

/// The avoided words that a document has outside of code, with the line of each.
pub(super) fn avoided(document: &Document) -> Vec<String> {
    let mut words = Vec::new();
    for (line, text) in &document.lines {
        let prose = text.split('`').step_by(2);
        let split = prose.flat_map(|it| it.split(|c: char| !c.is_alphanumeric()));
        let split = split.filter(|word| !word.is_empty());
        words.extend(split.map(|word| (line, word.to_lowercase())));
    }
    let mut found = Vec::new();
    for avoided in AVOIDED {
        let phrase: Vec<_> = avoided.split(' ').collect();
        for window in words.windows(phrase.len()) {
            if window.iter().map(|(_, word)| word).eq(&phrase) {
                let line = window[0].0;
                found.push(format!("{}:{line}: {avoided:?}", document.path.display()));
            }
        }
    }
    found
}
