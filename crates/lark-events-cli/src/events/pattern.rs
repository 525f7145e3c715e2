//! A search pattern: words, or a glob for a whole name.

use crate::catalogue::{Known, Search};

/// Ignores case.
#[derive(Debug)]
pub(crate) enum Pattern {
    Words(Search),
    /// With `*` for any text and `?` for any character.
    Glob(String),
}

impl Pattern {
    pub(crate) fn new(text: &str) -> Self {
        if text.contains(['*', '?']) {
            Self::Glob(text.to_lowercase())
        } else {
            Self::Words(Search::new(text))
        }
    }

    pub(crate) fn matches(&self, known: &Known) -> bool {
        match self {
            Self::Words(search) => search.matches(known),
            Self::Glob(glob) => {
                let names = [known.info.event_type, known.name].map(str::to_lowercase);
                names.iter().any(|name| fits(glob, name))
            }
        }
    }

    /// Whether it matches an event type, known or not.
    pub(crate) fn matches_type(&self, event_type: &str) -> bool {
        let event_type = event_type.to_lowercase();
        match self {
            Self::Words(words) => words.is_in(&event_type),
            Self::Glob(glob) => fits(glob, &event_type),
        }
    }
}

/// Whether a glob matches all of a text. A `*` matches as little as possible, and more when the
/// rest does not match; only the last `*` passed needs to be tried again.
fn fits(glob: &str, text: &str) -> bool {
    let (glob, text) = (glob.as_bytes(), text.as_bytes());
    let (mut at, mut from) = (0, 0);
    let mut star = None;
    while from < text.len() {
        match glob.get(at) {
            Some(b'*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[from] => {
                at += 1;
                from += 1;
            }
            _ => {
                let Some((after, taken)) = star else {
                    return false;
                };
                star = Some((after, taken + 1));
                (at, from) = (after + 1, taken + 1);
            }
        }
    }
    glob[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_takes_whole_texts() {
        for (glob, text) in [
            ("*", ""),
            ("a*", "a"),
            ("*b", "aab"),
            ("a?c", "abc"),
            ("a*b*c", "aXbXbXc"),
            ("*.v?", "x.v1"),
            ("**", "x"),
        ] {
            assert!(fits(glob, text), "{glob} {text}");
        }
        for (glob, text) in [
            ("?", ""),
            ("a", "ab"),
            ("a?", "a"),
            ("*b", "aba"),
            ("a*b*c", "acb"),
            ("", "a"),
        ] {
            assert!(!fits(glob, text), "{glob} {text}");
        }
    }
}
