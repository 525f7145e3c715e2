//! Checks that the changelog follows Keep a Changelog and has entries for this release.

use crate::checks::{self, Checked};

const UNRELEASED: &str = "[Unreleased]";
const KINDS: [&str; 6] = [
    "Added",
    "Changed",
    "Deprecated",
    "Removed",
    "Fixed",
    "Security",
];

/// Fails if the form differs, if this version has no entry, or if it is released and there are unreleased
/// entries.
pub(crate) fn check(text: &str, version: &str) -> checks::Result {
    let (first, released) = sections(text)?;
    let this = format!("[{version}] - ");
    let mut released = released.iter();
    let (section, where_it_is) = match released.find(|section| section.title.starts_with(&this)) {
        Some(_) if first.entries > 0 => {
            return Err(format!(
                "{version} is released, and there are entries in {UNRELEASED}"
            ));
        }
        Some(section) => (section, section.title),
        None => (&first, UNRELEASED),
    };
    if section.entries == 0 {
        return Err(format!("expected an entry for {version}"));
    }
    let entries = section.entries;
    Ok(Checked::passed(format!(
        "{entries} entries of {version} in {where_it_is}"
    )))
}

#[derive(Debug)]
pub(crate) struct Section<'a> {
    title: &'a str,
    entries: usize,
}

/// The unreleased section and the releases. Fails if the form differs.
pub(crate) fn sections(text: &str) -> Result<(Section<'_>, Vec<Section<'_>>), String> {
    let mut sections = all_sections(text)?.into_iter();
    let first = sections.next().ok_or("it has no sections")?;
    if first.title != UNRELEASED {
        return Err(format!(
            "its first section is {:?}, not {UNRELEASED}",
            first.title
        ));
    }
    let released: Vec<_> = sections.collect();
    match released.iter().find(|section| !is_version(section.title)) {
        Some(odd) => Err(format!("{:?} is not `[version] - yyyy-mm-dd`", odd.title)),
        None => Ok((first, released)),
    }
}

fn all_sections(text: &str) -> Result<Vec<Section<'_>>, String> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    let mut kind = None;
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            sections.push(Section { title, entries: 0 });
            kind = None;
        } else if let Some(title) = line.strip_prefix("### ") {
            if !KINDS.contains(&title) {
                return Err(format!(
                    "expected one of {}, got {title:?}",
                    KINDS.join(", ")
                ));
            }
            kind = Some(title);
        } else if line.starts_with("- ")
            && let Some(section) = sections.last_mut()
        {
            if kind.is_none() {
                return Err(format!("an entry without a kind: {line}"));
            }
            section.entries += 1;
        }
    }
    Ok(sections)
}

/// `[1.2.3] - 2026-01-31`.
fn is_version(title: &str) -> bool {
    let parts = title
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] - "));
    let Some((version, date)) = parts else {
        return false;
    };
    let is_number = |part: &str| part.parse::<u64>().is_ok();
    let date: Vec<_> = date.split('-').collect();
    version.split('.').count() >= 3
        && version.starts_with(|first: char| first.is_ascii_digit())
        && date.iter().map(|part| part.len()).eq([4, 2, 2])
        && date.into_iter().all(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        match check(text, "1.2.3") {
            Ok(Checked::Passed(told) | Checked::Skipped(told)) => told,
            Err(reason) => format!("no: {reason}"),
        }
    }

    #[test]
    fn a_release_is_told_of_in_its_section_or_as_unreleased() {
        let text = "# Changelog\n## [Unreleased]\n### Added\n- One,\n  two.\n- Three.\n";
        assert_eq!(told(text), "2 entries of 1.2.3 in [Unreleased]");
        let text = "## [Unreleased]\n## [1.2.3] - 2026-11-23\n### Fixed\n- One.\n";
        assert_eq!(told(text), "1 entries of 1.2.3 in [1.2.3] - 2026-11-23");
    }

    #[test]
    fn a_version_that_is_released_leaves_nothing_unreleased() {
        let text =
            "## [Unreleased]\n### Fixed\n- Two.\n## [1.2.3] - 2026-11-23\n### Fixed\n- One.\n";
        assert!(told(text).starts_with("no: 1.2.3 is released"));
    }

    #[test]
    fn another_form_is_refused() {
        assert_eq!(told(""), "no: it has no sections");
        assert_eq!(told("## [Unreleased]\n"), "no: expected an entry for 1.2.3");
        let empty = "## [Unreleased]\n## [1.2.2] - 2026-11-23\n### Added\n- One.\n";
        assert_eq!(told(empty), "no: expected an entry for 1.2.3");
        let date = "## [Unreleased]\n### Added\n- One.\n## [1.2.2] - 23.11.2026\n";
        assert_eq!(
            told(date),
            "no: \"[1.2.2] - 23.11.2026\" is not `[version] - yyyy-mm-dd`"
        );
        let kind = "## [Unreleased]\n### New\n- One.\n";
        assert!(told(kind).starts_with("no: expected one of Added"));
        assert_eq!(
            told("## [Unreleased]\n- One.\n"),
            "no: an entry without a kind: - One."
        );
        let first = "## [1.2.3] - 2026-11-23\n### Added\n- One.\n";
        assert!(told(first).contains("not [Unreleased]"));
    }
}
