//! What changed in the fact files since the last release.

mod facts;
mod history;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use self::facts::Facts;
use self::history::Release;
use crate::catalogue::Catalogue;

/// The changes of the catalogue.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Changes {
    BeforeFirstRelease,
    /// The workspace is not in a repository, or in one without its history.
    NoHistory,
    Since {
        tag: String,
        difference: Difference,
    },
}

/// The events that are not as they were.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) added: Vec<String>,
    pub(crate) removed: Vec<String>,
    pub(crate) changed: BTreeMap<String, Vec<Change>>,
}

/// A fact of an event that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    Added {
        what: &'static str,
        name: String,
    },
    Removed {
        what: &'static str,
        name: String,
    },
    Other {
        what: String,
        before: String,
        after: String,
    },
}

impl Difference {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn between(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> Self {
        let mut difference = Self::default();
        for (event_type, facts) in after {
            let Some(earlier) = before.get(event_type) else {
                difference.added.push(event_type.clone());
                continue;
            };
            let changes = Facts::of(earlier).changes(&Facts::of(facts));
            if !changes.is_empty() {
                difference.changed.insert(event_type.clone(), changes);
            }
        }
        let removed = before.keys().filter(|it| !after.contains_key(*it));
        difference.removed.extend(removed.cloned());
        difference
    }
}

/// Compares the catalogue with the fact files of the newest tag `v*` before the commit that is checked out.
pub(crate) fn since_last_release(root: &Path, catalogue: &Catalogue) -> Result<Changes, String> {
    let tag = match history::last_release(root)? {
        Release::Tag(tag) => tag,
        Release::None => return Ok(Changes::BeforeFirstRelease),
        Release::Unknown => return Ok(Changes::NoHistory),
    };
    let before = history::fact_files(root, &tag)?;
    let entries = catalogue.entries.iter();
    let after = entries.map(|entry| (entry.event_type().to_owned(), entry.facts.clone()));
    let difference = Difference::between(&before, &after.collect());
    Ok(Changes::Since { tag, difference })
}
