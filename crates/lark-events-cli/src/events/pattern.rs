//! A search pattern: a part of a text, or a glob for all of it.

use crate::catalogue::Known;

/// Ignores case.
#[derive(Debug)]
pub(crate) enum Pattern {
    Part(String),
    /// With `*` for any text and `?` for any character.
    Glob(String),
}

impl Pattern {
    pub(crate) fn new(text: &str) -> Self {
        let text = text.to_lowercase();
        if text.contains(['*', '?']) {
            Self::Glob(text)
        } else {
            Self::Part(text)
        }
    }

    pub(super) fn matches(&self, known: &Known) -> bool {
        let names = [known.info.event_type, known.name].map(str::to_lowercase);
        match self {
            Self::Part(part) => {
                let titles = known.origin.title.into_iter().chain([known.info.title]);
                let mut texts = names.into_iter().chain(titles.map(str::to_lowercase));
                texts.any(|text| text.contains(part))
            }
            Self::Glob(glob) => names.iter().any(|name| fits(glob, name)),
        }
    }

    /// Whether it matches an event type, known or not.
    pub(crate) fn matches_type(&self, event_type: &str) -> bool {
        let event_type = event_type.to_lowercase();
        match self {
            Self::Part(part) => event_type.contains(part),
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
