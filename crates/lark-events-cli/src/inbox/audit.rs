//! The end of an action on the page: a line on stderr, or a document on stdout for machines.

use std::time::SystemTime;

use lark_events_inbox::Filter;
use lark_events_inbox::console::Audited;
use serde_json::{Map, Value, json};

use super::when::utc;
use crate::output::Output;

/// Prints which action changed how many events, and which events it was about.
pub(super) fn show(audited: &Audited, output: Output) {
    let time = utc(SystemTime::now());
    let Audited { events, seqs, .. } = audited;
    let action = audited.action.as_str();
    let mut filter = parts(&audited.filter);
    if !seqs.is_empty() {
        filter.insert("seqs".to_owned(), json!(seqs));
    }
    if output.json {
        // A closed stdout has no reader.
        let _ = output.print_json(&json!({
            "kind": "action",
            "time": time,
            "action": action,
            "events": events,
            "filter": filter,
            "error": audited.error,
        }));
        return;
    }
    let noun = if *events == 1 { "event" } else { "events" };
    let filter = Value::Object(filter);
    let error = audited.error.as_ref();
    let error = error.map(|error| format!(", ended early: {error}"));
    let error = error.unwrap_or_default();
    output.note(format!(
        "{time} {action}: {events} {noun} of {filter}{error}"
    ));
}

/// The fields of a filter that are set, by the names that `ls --json` has.
fn parts(filter: &Filter) -> Map<String, Value> {
    let states: Vec<_> = filter.states.iter().map(|state| state.as_str()).collect();
    let parts = json!({
        "seq": filter.seq,
        "from_seq": filter.from_seq,
        "to_seq": filter.to_seq,
        "state": Some(states).filter(|states| !states.is_empty()),
        "app_id": filter.app_id,
        "event_type": filter.event_type,
        "event_id": filter.event_id,
        "tenant_key": filter.tenant_key,
        "lane": filter.lane,
        "error": filter.error,
        "error_is": filter.error_is,
        "since": filter.since.map(utc),
        "until": filter.until.map(utc),
    });
    let Value::Object(mut parts) = parts else {
        return Map::new();
    };
    parts.retain(|_, value| !value.is_null());
    parts
}
