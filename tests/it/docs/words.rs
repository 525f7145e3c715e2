//! Words that are hard to read. The field has a plain word for each: encrypted, rejected, retry.

use std::path::{Path, PathBuf};

use super::texts::{self, Text};
use super::{documents, files, read};

/// The list is in a file of its own, so that the test needs no exemption.
fn avoided() -> impl Iterator<Item = &'static str> {
    include_str!("avoided.txt").lines()
}

/// The avoided words of a text outside of code, with their places.
fn found(path: &Path, text: &Text) -> Vec<String> {
    let mut words = Vec::new();
    for (line, text) in text {
        let prose = text.split('`').step_by(2);
        let split = prose.flat_map(|it| it.split(|c: char| !c.is_alphanumeric()));
        let split = split.filter(|word| !word.is_empty());
        words.extend(split.map(|word| (line, word.to_lowercase())));
    }
    let mut found = Vec::new();
    for avoided in avoided() {
        let phrase: Vec<_> = avoided.split(' ').collect();
        for window in words.windows(phrase.len()) {
            if window.iter().map(|(_, word)| word).eq(&phrase) {
                let line = window[0].0;
                found.push(format!("{}:{line}: {avoided:?}", path.display()));
            }
        }
    }
    found
}

/// The avoided words in the texts of all files with an extension.
fn found_in(extension: &str, texts: fn(&str) -> Vec<Text>) -> Vec<String> {
    let paths = files(Path::new(""), extension);
    assert!(paths.len() > 20, "{paths:?}");
    let of_file = |path: PathBuf| {
        let texts = texts(&read(&path));
        let found = texts.iter().flat_map(|text| found(&path, text));
        found.collect::<Vec<_>>()
    };
    paths.into_iter().flat_map(of_file).collect()
}

#[test]
fn documents_use_plain_words() {
    let documents = documents();
    let found = documents.iter().flat_map(|it| found(&it.path, &it.lines));
    let found: Vec<_> = found.collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn sources_use_plain_words() {
    let mut found = found_in("rs", texts::of_rust);
    found.extend(found_in("toml", texts::of_toml));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn an_avoided_word_is_found() {
    let path = Path::new("x");
    for avoided in avoided() {
        let (upper, wrapped) = (avoided.to_uppercase(), avoided.replace(' ', "\n//! "));
        let comment = texts::of_rust(&format!("//! One\n//! {wrapped}."));
        let literal = texts::of_rust(&format!("\"\\n{avoided} {{}}\""));
        let setting = texts::of_toml(&format!("x = {{ doc = \"{avoided}\" }}"));
        let prose = vec![(1, format!("# {upper}"))];
        for (line, text) in [
            (2, &comment[0]),
            (1, &literal[0]),
            (1, &setting[0]),
            (1, &prose),
        ] {
            let expected = [format!("x:{line}: {avoided:?}")];
            assert_eq!(found(path, text), expected, "{text:?}");
        }
        let code = texts::of_rust(&format!(
            "// `{avoided}.rs`\nfn {avoided}() {{}} \"un{avoided}\""
        ));
        assert!(
            code.iter().all(|text| found(path, text).is_empty()),
            "{code:?}"
        );
    }
}
