//! The paths that an event is known to have, so that a typing error in a path is found before a push.

use lark_events::event::Schema;
use lark_events_types::catalogue::{Field, fields};

use crate::catalogue;

/// The members of an old envelope that are in the body.
const OF_THE_ENVELOPE: [&str; 3] = ["app_id", "tenant_key", "type"];

/// Checks that the outline of an event has a path. Every path passes where no source describes the
/// fields: in an event that is not in the catalogue, in one without known fields, in a map, and in a
/// value of any JSON.
///
/// # Errors
///
/// A text that names similar paths, or else the members that are known in place of the unknown one.
pub(super) fn check(event_type: &str, path: &[String]) -> Result<(), String> {
    let known = fields(event_type).unwrap_or_default();
    let is_old = catalogue::find(event_type).is_some_and(|known| known.info.schema == Schema::V1);
    let is_envelope = is_old && matches!(path, [name] if OF_THE_ENVELOPE.contains(&name.as_str()));
    if known.is_empty() || is_envelope {
        return Ok(());
    }
    let Some(unknown) = find(&known, path, 0) else {
        return Ok(());
    };
    let instead = match (similar(&known, path, &unknown), unknown.siblings) {
        (Some(similar), _) => format!("similar: {similar}"),
        (None, []) => "its parent has no members".to_owned(),
        (None, siblings) => format!("expected {}", names(siblings)),
    };
    let path = path.join(".");
    Err(format!(
        "{event_type} has no such field; {instead}; to add it anyway, write +{path}=VALUE"
    ))
}

/// A step of a path that is not one of the fields there.
struct Unknown<'f> {
    /// Its index in the path.
    at: usize,
    siblings: &'f [Field],
}

/// The unknown step of a path from its step `at` on, if there is one.
fn find<'f>(fields: &'f [Field], path: &[String], at: usize) -> Option<Unknown<'f>> {
    let step = path.get(at)?;
    let Some(field) = fields.iter().find(|field| field.name == *step) else {
        let siblings = fields;
        return Some(Unknown { at, siblings });
    };
    let mut next = at + 1;
    let mut element = field.rust_type.as_str();
    // The index of a list, or the name in a map.
    while let Some(inner) = container(element) {
        element = inner;
        next += 1;
    }
    let is_scalar = !field.values.is_empty() || ["String", "i64", "f64", "bool"].contains(&element);
    // A type that contains itself is not repeated, and some have no outline.
    let is_open = field.fields.is_empty() && !is_scalar;
    match is_open {
        true => None,
        false => find(&field.fields, path, next),
    }
}

/// The type of the elements of a list or map.
fn container(rust_type: &str) -> Option<&str> {
    let inner = rust_type.strip_suffix('>')?;
    let list = inner.strip_prefix("Vec<");
    list.or_else(|| Some(inner.strip_prefix("BTreeMap<")?.split_once(", ")?.1))
}

/// A known path that ends alike at another place, or else a sibling that is spelled alike.
fn similar(known: &[Field], path: &[String], unknown: &Unknown<'_>) -> Option<String> {
    /// From 0 for nothing in common to 1 for equal; a lower likeness is not a typing error.
    const ALIKE: f64 = 0.85;
    let whole = path.join(".");
    let last = path.last()?;
    let mut paths = Vec::new();
    collect(known, "", &mut paths);
    let elsewhere = paths
        .into_iter()
        .filter(|known| known.rsplit('.').next() == Some(last));
    let elsewhere = elsewhere.map(|known| (strsim::jaro_winkler(&known, &whole), known));
    if let Some((_, known)) = elsewhere.max_by(|(a, _), (b, _)| a.total_cmp(b)) {
        return Some(known);
    }
    let step = path.get(unknown.at)?;
    let names = unknown.siblings.iter().map(|field| field.name.as_str());
    let names = names.map(|name| (strsim::jaro_winkler(name, step), name));
    let (likeness, name) = names.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    let parents = path.iter().take(unknown.at).map(String::as_str);
    let similar: Vec<_> = parents.chain([name]).collect();
    (likeness >= ALIKE).then(|| similar.join("."))
}

/// Every path below `parent`, with 0 as the index of lists.
fn collect(fields: &[Field], parent: &str, paths: &mut Vec<String>) {
    for field in fields {
        let path = format!("{parent}{}", field.name);
        let index = if field.rust_type.starts_with("Vec<") {
            ".0."
        } else {
            "."
        };
        collect(&field.fields, &format!("{path}{index}"), paths);
        paths.push(path);
    }
}

fn names(fields: &[Field]) -> String {
    /// The most names in an error.
    const MAX_NAMES: usize = 12;
    let names = fields.iter().map(|field| field.name.as_str());
    let shown: Vec<_> = names.take(MAX_NAMES).collect();
    let more = fields.len().saturating_sub(MAX_NAMES);
    match more {
        0 => shown.join(", "),
        more => format!("{} or one of {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = "im.message.receive_v1";

    fn checked(event_type: &str, path: &str) -> Result<(), String> {
        let path: Vec<_> = path.split('.').map(str::to_owned).collect();
        check(event_type, &path)
    }

    #[test]
    fn a_path_of_the_outline_passes_through_objects_lists_and_maps() {
        for (event_type, path) in [
            (MESSAGE, "message"),
            (MESSAGE, "message.chat_id"),
            (MESSAGE, "message.mentions.0.id.open_id"),
            (MESSAGE, "sender.sender_id.union_id"),
            ("card.action.trigger", "action.value.any.thing"),
            ("card.action.trigger", "action.form_value.Input_1"),
            ("card.action.trigger", "action.options.0"),
            ("add_bot", "app_id"),
        ] {
            assert_eq!(checked(event_type, path), Ok(()), "{event_type} {path}");
        }
    }

    #[test]
    fn every_path_passes_where_no_source_describes_the_fields() {
        assert_eq!(checked("passport.session.created_v1", "a.b"), Ok(()));
        assert_eq!(checked("kitchen.tea.ready_v1", "a.b"), Ok(()));
    }

    #[test]
    fn an_unknown_path_names_a_similar_one_or_what_was_expected() {
        for (path, says) in [
            ("message.chat_idd", "similar: message.chat_id;"),
            ("mesage.chat_id", "similar: message.chat_id;"),
            ("mesage.chat", "similar: message;"),
            ("message.chat_type.x", "its parent has no members;"),
            ("chat_id", "similar: message.chat_id;"),
            ("sender.open_id", "similar: sender.sender_id.open_id;"),
            (
                "message.mentions.0.nam",
                "similar: message.mentions.0.name;",
            ),
            ("tea", "expected sender, message;"),
            ("message.chat_type.x", "write +message.chat_type.x=VALUE"),
            ("message.tea", "expected message_id, root_id, "),
        ] {
            let error = checked(MESSAGE, path).unwrap_err();
            assert!(error.starts_with("im.message.receive_v1 has no such field; "));
            assert!(error.contains(says), "{path}: {error}");
        }
        assert!(checked("card.action.trigger", "app_id").is_err());
    }
}
