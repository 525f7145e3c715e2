//! Chooses between several sources of an event: a page before a model, and the newer before the older.

use serde_json::{Value, json};

use super::events::Imported;

/// The precedence of a source, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Only the name is known.
    Name,
    Model,
    /// A page, with the time of its last change in milliseconds since 1970.
    Page(Option<u64>),
}

impl Rank {
    /// The rank of the source of a fact file.
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

/// Chooses the source with the highest precedence, and completes it from the others.
pub(super) fn choose(mut sources: Vec<Found>) -> Option<Found> {
    // The result must not depend on the order of two sources with the same time.
    sources.sort_by_cached_key(|found| (found.event.rank, found.event.text()));
    let mut chosen = sources.pop()?;
    while let Some(other) = sources.pop() {
        complete(&mut chosen.event.document, &other.event.document);
    }
    Some(chosen)
}

/// The result of comparing an event with an existing fact file.
#[derive(Debug, PartialEq)]
pub(super) enum Against {
    /// The event replaces the file, or there is no file.
    Counts,
    /// The file has precedence over the event.
    Yields,
}

/// Compares the event with the existing fact file, and completes it from there.
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

/// Adds the kinds of app to permissions. Pages of the newer layout list permissions without them, so
/// they come from another page.
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
