//! The documented facts of an event, for its rustdoc, its `INFO` and the tables of events.

use super::facts::{Envelope, EventFacts, Scope};
use super::model::Info;
use super::prose::code_list;

/// Why the body of a raw event has no type.
pub(crate) fn raw(facts: &EventFacts) -> &'static str {
    if facts.unconfirmed {
        "No official source describes this event, so its body is kept as raw JSON."
    } else {
        "No source describes this body, so it is kept as raw JSON."
    }
}

/// The facts of an event, as items of a list.
pub(crate) fn items(facts: &EventFacts) -> Vec<String> {
    let mut items = vec![format!(
        "Event type: `{}`, {}",
        facts.event_type,
        facts.schema.phrase()
    )];
    for (label, scopes) in [
        ("Permission, any one of", &facts.scopes),
        ("Permission for single fields", &facts.field_scopes),
    ] {
        let scopes: Vec<_> = scopes
            .iter()
            .map(|scope| scope_text(scope, facts))
            .collect();
        let label = match scopes.len() {
            1 => label.trim_end_matches(", any one of"),
            _ => label,
        };
        items.extend((!scopes.is_empty()).then(|| format!("{label}: {}", scopes.join(", "))));
    }
    if !facts.app_types.is_empty() {
        items.push(format!("App types: {}", code_list(&facts.app_types)));
    }
    if let Some(page) = &facts.page {
        let updated = facts.updated.iter().map(|day| format!(", as of {day}"));
        let updated = updated.collect::<String>();
        let limits = match (facts.only_sampled, facts.sdks.is_empty()) {
            (true, _) => " (a sample without a table of fields)",
            (false, true) => "",
            (false, false) => " (not used for the fields)",
        };
        items.push(format!("Documentation{updated}{limits}: <{page}>"));
    }
    if !facts.sdks.is_empty() {
        items.push(format!("Fields from {}", code_list(&facts.sdks)));
    }
    items
}

/// A permission, with the kinds of app that can have it, if those are not all kinds of the event.
fn scope_text(scope: &Scope, facts: &EventFacts) -> String {
    let mut limits = Vec::new();
    if !scope.app_types.is_empty() && scope.app_types != facts.app_types {
        limits.push(format!("only {} apps", code_list(&scope.app_types)));
    }
    if scope.retired {
        limits.push("no longer granted".to_owned());
    }
    let name = &scope.name;
    if limits.is_empty() {
        return format!("`{name}`");
    }
    format!("`{name}` ({})", limits.join(", "))
}

/// The source of the fields, as a cell of a table.
pub(crate) fn cell(facts: &EventFacts, is_raw: bool) -> String {
    match (&facts.page, &facts.updated) {
        _ if is_raw && facts.unconfirmed => "no official source, raw JSON body".to_owned(),
        _ if is_raw => "none, raw JSON body".to_owned(),
        _ if !facts.sdks.is_empty() => format!("from {}", code_list(&facts.sdks)),
        (Some(page), Some(updated)) => format!("[{updated}]({page})"),
        (Some(page), None) => format!("[undated]({page})"),
        (None, _) => "hand-written".to_owned(),
    }
}

/// The `INFO` of an event whose description is `doc`.
pub(crate) fn info(facts: &EventFacts, doc: &str) -> Info {
    let doc = doc.trim_end_matches('.');
    let title = doc.split_once(". ").map_or(doc, |(first, _)| first);
    Info {
        title: title.to_owned(),
        is_old: facts.schema != Envelope::V2,
        page: facts.page.clone(),
        updated: facts.updated.clone(),
        scopes: offered(&facts.scopes),
        field_scopes: offered(&facts.field_scopes),
        app_types: facts.app_types.clone(),
    }
}

/// Lists only permissions that an app can still apply for, unless there are no others.
fn offered(scopes: &[Scope]) -> Vec<String> {
    let all_retired = scopes.iter().all(|scope| scope.retired);
    let offered = scopes.iter().filter(|scope| all_retired || !scope.retired);
    offered.map(|scope| scope.name.clone()).collect()
}
