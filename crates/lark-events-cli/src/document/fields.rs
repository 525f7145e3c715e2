//! The paths that an event is known to have, so that a typing error in a path is found before a push.

use lark_events::event::Schema;
use lark_events_types::catalogue::{Field, fields};

use crate::catalogue;

/// The members of an old envelope that are in the body.
const OF_THE_ENVELOPE: [&str; 3] = ["app_id", "tenant_key", "type"];

/// Why a path is not one of the outline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Misfit {
    /// A step is no field. The text names similar paths, or else the members that are known in its place.
    Unknown(String),
    /// A step follows a list and is no index. The text names the list.
    NotAnIndex(String),
}

/// The places of the steps that are indexes of lists, by the outline of an event.
pub(super) fn indexes(event_type: &str, path: &[String]) -> Vec<usize> {
    let mut indexes = Vec::new();
    find(
        &fields(event_type).unwrap_or_default(),
        path,
        0,
        &mut indexes,
    );
    indexes
}

/// Checks that the outline of an event has a path, which a person has written as `written`. Every path
/// passes where no source describes the fields: in an event that is not in the catalogue, in one without
/// known fields, in a map, and in a value of any JSON.
pub(super) fn check(event_type: &str, path: &[String], written: &str) -> Result<(), Misfit> {
    let known = fields(event_type).unwrap_or_default();
    let is_old = catalogue::find(event_type).is_some_and(|known| known.info.schema == Schema::V1);
    let is_envelope = is_old && matches!(path, [name] if OF_THE_ENVELOPE.contains(&name.as_str()));
    if known.is_empty() || is_envelope {
        return Ok(());
    }
    let mut indexes = Vec::new();
    let unknown = find(&known, path, 0, &mut indexes);
    let end = unknown.as_ref().map_or(path.len(), |unknown| unknown.at);
    let others = indexes.into_iter().filter(|at| *at < end);
    let mut others = others.filter_map(|at| Some((path.get(at - 1)?, path.get(at)?)));
    if let Some((list, step)) = others.find(|(_, step)| !is_index(step)) {
        return Err(Misfit::NotAnIndex(format!(
            "`{step}` is not an index, and `{list}` is a list: write `0` before `{step}` for its first \
             element"
        )));
    }
    let Some(unknown) = unknown else {
        return Ok(());
    };
    let instead = match (similar(&known, path, &unknown), unknown.siblings) {
        (Some(similar), _) => format!("similar: {similar}"),
        (None, []) => "its parent has no members".to_owned(),
        (None, siblings) => format!("expected {}", names(siblings)),
    };
    Err(Misfit::Unknown(format!(
        "{event_type} has no such field; {instead}; to add it anyway, write +{written}=VALUE"
    )))
}

/// Whether a step can be the index of a list.
pub(super) fn is_index(step: &str) -> bool {
    step.parse::<usize>().is_ok()
}

/// A step of a path that is not one of the fields there.
struct Unknown<'f> {
    /// Its index in the path.
    at: usize,
    siblings: &'f [Field],
}

/// The unknown step of a path from its step `at` on, if there is one. Adds the places of indexes before it.
fn find<'f>(
    fields: &'f [Field],
    path: &[String],
    at: usize,
    indexes: &mut Vec<usize>,
) -> Option<Unknown<'f>> {
    let step = path.get(at)?;
    let Some(field) = fields.iter().find(|field| field.name == *step) else {
        let siblings = fields;
        return Some(Unknown { at, siblings });
    };
    let mut next = at + 1;
    let mut element = field.rust_type.as_str();
    // The index of a list, or the name in a map.
    while let Some((is_list, inner)) = container(element) {
        if is_list {
            indexes.push(next);
        }
        element = inner;
        next += 1;
    }
    let is_scalar = !field.values.is_empty() || ["String", "i64", "f64", "bool"].contains(&element);
    // A type that contains itself is not repeated, and some have no outline.
    let is_open = field.fields.is_empty() && !is_scalar;
    match is_open {
        true => None,
        false => find(&field.fields, path, next, indexes),
    }
}

/// Whether a type is a list, and the type of its elements; `None` if it is neither a list nor a map.
fn container(rust_type: &str) -> Option<(bool, &str)> {
    let inner = rust_type.strip_suffix('>')?;
    if let Some(element) = inner.strip_prefix("Vec<") {
        return Some((true, element));
    }
    let (_, element) = inner.strip_prefix("BTreeMap<")?.split_once(", ")?;
    Some((false, element))
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

    fn checked(event_type: &str, path: &str) -> Result<(), Misfit> {
        let steps: Vec<_> = path.split('.').map(str::to_owned).collect();
        check(event_type, &steps, path)
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
            let Err(Misfit::Unknown(error)) = checked(MESSAGE, path) else {
                panic!("{path} is unknown");
            };
            assert!(error.starts_with("im.message.receive_v1 has no such field; "));
            assert!(error.contains(says), "{path}: {error}");
        }
        assert!(checked("card.action.trigger", "app_id").is_err());
    }

    #[test]
    fn an_element_of_a_list_has_an_index() {
        for path in ["message.mentions.name", "message.mentions.x.y"] {
            let Err(Misfit::NotAnIndex(error)) = checked(MESSAGE, path) else {
                panic!("{path} has no index");
            };
            assert!(error.contains("`mentions` is a list: write `0`"), "{error}");
        }
        let path = ["message", "mentions", "0", "id"].map(str::to_owned);
        assert_eq!(indexes(MESSAGE, &path), [2]);
        assert_eq!(indexes("kitchen.tea.ready_v1", &path), [0; 0]);
    }
}
