//! Chooses between several sources of an event: a page before a model, and the newer before the older.

use serde_json::{Value, json};

use super::events::Imported;

/// How much a source counts, from little to much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Nothing is known but the name.
    Name,
    Model,
    /// With the time of its last change, in milliseconds since 1970.
    Page(Option<u64>),
}

impl Rank {
    /// That of a fact file, as far as it says.
    fn of(file: &Value) -> Self {
        if file.pointer("/properties/event") == Some(&json!({"type": "object"})) {
            Self::Name
        } else if file.pointer("/x-lark/sdks").is_some() {
            Self::Model
        } else {
            Self::Page(None)
        }
    }
}

/// An event, and the file that it was read from.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) event: Imported,
    pub(super) file: String,
}

/// The one of all sources of an event that counts, with what only others can say.
pub(super) fn choose(mut sources: Vec<Found>) -> Option<Found> {
    // Two of one time have to come to the same whichever is given first.
    sources.sort_by_cached_key(|found| (found.event.rank, found.event.text()));
    let mut chosen = sources.pop()?;
    while let Some(other) = sources.pop() {
        complete(&mut chosen.event.document, &other.event.document);
    }
    Some(chosen)
}

/// What became of a fact file.
#[derive(Debug, PartialEq)]
pub(super) enum Against {
    /// The file counts less, or is not there.
    Counts,
    /// The file counts more.
    Yields,
}

/// Takes from the fact file that is there what the event itself cannot say.
pub(super) fn against(event: &mut Imported, file: Option<&Value>) -> Against {
    let Some(file) = file else {
        return Against::Counts;
    };
    let day = |document: &Value| {
        let day = document.pointer("/x-lark/updated")?.as_str()?;
        Some(day.to_owned())
    };
    let yields = match (event.rank, Rank::of(file)) {
        (Rank::Page(_), Rank::Page(_)) => day(&event.document) < day(file),
        (own, known) => own < known,
    };
    if yields {
        let mut kept = file.clone();
        complete(&mut kept, &event.document);
        event.document = kept;
        return Against::Yields;
    }
    complete(&mut event.document, file);
    Against::Counts
}

/// Pages of the newer layout list permissions without the kinds of app that they are for: those are
/// still what another page says.
fn complete(document: &mut Value, other: &Value) {
    for list in ["scopes", "field_scopes"] {
        let place = format!("/x-lark/{list}");
        let others = other.pointer(&place).and_then(Value::as_array);
        let own = document.pointer_mut(&place).and_then(Value::as_array_mut);
        let (Some(own), Some(others)) = (own, others) else {
            continue;
        };
        for scope in own
            .iter_mut()
            .filter(|scope| scope.get("app_types").is_none())
        {
            let same = others.iter().find(|other| other["name"] == scope["name"]);
            let Some(app_types) = same.and_then(|same| same.get("app_types")) else {
                continue;
            };
            scope["app_types"] = app_types.clone();
            if same.is_some_and(|same| same.get("retired").is_some()) {
                scope["retired"] = json!(true);
            }
        }
    }
}
