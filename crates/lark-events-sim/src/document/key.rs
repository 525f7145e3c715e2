//! Keys in the body of a document, by which receivers of some events recognise duplicates.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use lark_events::RawJson;

use super::{members, text};

/// A body with a key made from the event's id; `None` if the body has no key.
pub(super) fn with_key(body: &RawJson, pointer: &str, event_id: &str) -> Option<RawJson> {
    fn set(json: &RawJson, names: &[&str], event_id: &str) -> Option<RawJson> {
        let Some((name, names)) = names.split_first() else {
            return key(json, event_id);
        };
        let mut members = members(json.as_str())?;
        let member = set(members.get(*name)?, names, event_id)?;
        members.insert((*name).to_owned(), member);
        RawJson::encode(&members).ok()
    }
    let names: Vec<_> = pointer.split('/').skip(1).collect();
    set(body, &names, event_id)
}

/// A key in the form of `old`: keeps the prefix of an id such as `om_1`, and keeps a number a number.
fn key(old: &RawJson, event_id: &str) -> Option<RawJson> {
    /// With a 1 before it, a number that a double represents exactly.
    const DIGITS: u64 = 100_000_000_000_000;
    let number = || {
        let mut hash = DefaultHasher::new();
        event_id.hash(&mut hash);
        DIGITS + hash.finish() % DIGITS
    };
    let Ok(old) = old.decode::<String>() else {
        old.decode::<serde_json::Number>().ok()?;
        return RawJson::encode(&number()).ok();
    };
    Some(match old.rsplit_once('_') {
        Some((prefix, _)) => text(&format!("{prefix}_{event_id}")),
        None if old.parse::<u64>().is_ok() => text(&number().to_string()),
        None => text(event_id),
    })
}
