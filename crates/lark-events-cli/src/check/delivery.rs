//! Cases of what the platform sends: it has to be accepted, odd as it may be.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use http::StatusCode;
use lark_events_sim::Document;
use serde_json::{Value, json};

use super::answer::accepted;
use super::finding::Finding;
use super::probe::Probe;
use crate::figures::time;
use crate::webhook::answer::{Missing, hangs};

/// What an app should stay below: three seconds are the end.
const SOON: Duration = Duration::from_secs(1);
const EVENTS: usize = 10;

pub(crate) async fn event(probe: &Probe) -> Finding {
    let finding = accepted(
        &probe.post(probe.event()).await,
        "check key and token, and give an event that the app handles: --event TYPE",
    );
    finding.of(probe.event_type())
}

pub(crate) async fn event_v1(probe: &Probe) -> Finding {
    let event = json!({
        "tenant_key": "2ca1d211f64f6438",
        "status": "start_by_tenant",
        "operator": { "open_id": "ou_1", "user_id": "e33ggbyz", "union_id": "on_1" },
    });
    let Ok(document) = Document::v1("app_status_change", &event) else {
        return Finding::skip("it cannot be written");
    };
    let posted = probe.post(probe.app().request(document)).await;
    let finding = accepted(
        &posted,
        "right if the app subscribes to no event of version 1; else take its envelope",
    );
    if posted.is_ok() {
        return finding.at_most_warn();
    }
    finding
}

pub(crate) async fn unknown_fields(probe: &Probe) -> Finding {
    let mut document = probe.document();
    let unknown = json!({
        "id": u64::MAX,
        "less": i64::MIN,
        "much": 1.7e308,
        "text": "ü 中文 😀 \u{202e}\u{0}\u{feff}",
        "deep": [[{ "no": null }], [], true],
    });
    add_everywhere(&mut document, &unknown);
    accepts(
        probe,
        document,
        "let decoding ignore what it does not know: the platform adds fields at any time",
    )
    .await
}

pub(crate) async fn null_fields(probe: &Probe) -> Finding {
    let mut document = probe.document();
    for field in fields(&mut document) {
        *field = Value::Null;
    }
    let advice =
        "a field without permission or value can be absent or null: fail only where it is needed";
    accepts(probe, document, advice).await.at_most_warn()
}

pub(crate) async fn odd_types(probe: &Probe) -> Finding {
    let mut document = probe.document();
    for field in fields(&mut document) {
        swap_types(field);
    }
    let advice = "documents and wire disagree on types now and then: decode each field leniently";
    accepts(probe, document, advice).await.at_most_warn()
}

pub(crate) async fn unknown_type(probe: &Probe) -> Finding {
    let Ok(document) = Document::v2("conformance.check.unknown_v1", &json!({})) else {
        return Finding::skip("it cannot be written");
    };
    let posted = probe.post(probe.app().request(document)).await;
    let finding = accepted(
        &posted,
        "the platform delivers it four times more; right only if another process will take it",
    );
    if posted.is_ok() {
        return finding.at_most_warn();
    }
    finding
}

pub(crate) async fn duplicate(probe: &Probe) -> Finding {
    let request = probe.event();
    let mut findings = Vec::new();
    for time in ["first", "second"] {
        let posted = probe.post(request.clone()).await;
        let advice = "answer 200 to what was handled before, or the platform goes on sending it";
        findings.push(accepted(&posted, advice).of(time));
        if hangs(&posted) {
            break;
        }
    }
    Finding::worst("both times", findings)
}

pub(crate) async fn answer_time(probe: &Probe) -> Finding {
    let advice = "answer before the work is done, and do it afterwards";
    let mut slowest = Duration::ZERO;
    for _ in 0..EVENTS {
        match probe.post(probe.event()).await {
            Ok(answer) if answer.status == StatusCode::OK => slowest = slowest.max(answer.took),
            Err(missing @ Missing::TimedOut) => return Finding::fail(missing.to_string(), advice),
            posted => return accepted(&posted, advice),
        }
    }
    soon(slowest, "the slowest", advice)
}

/// Judges the time of an answer.
pub(crate) fn soon(took: Duration, which: &str, advice: &'static str) -> Finding {
    let seen = format!("{which} took {}", time(took));
    if took <= SOON {
        Finding::pass(seen)
    } else {
        Finding::warn(seen, advice)
    }
}

async fn accepts(probe: &Probe, document: Value, advice: &'static str) -> Finding {
    let request = probe.app().request(document);
    accepted(&probe.post(request).await, advice)
}

/// The members of the event's body.
fn fields(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let body = document.get_mut("event").and_then(Value::as_object_mut);
    body.into_iter().flat_map(serde_json::Map::values_mut)
}

fn add_everywhere(value: &mut Value, unknown: &Value) {
    match value {
        Value::Object(members) => {
            for member in members.values_mut() {
                add_everywhere(member, unknown);
            }
            members.insert("no_page_documents_this 😀".to_owned(), unknown.clone());
        }
        Value::Array(elements) => {
            for element in elements {
                add_everywhere(element, unknown);
            }
        }
        _ => {}
    }
}

/// A number of each text's own: an id that is new stays new.
fn number(text: &str) -> i64 {
    let mut hash = DefaultHasher::new();
    text.hash(&mut hash);
    // Of an `i64`, the positive half.
    (hash.finish() >> 1).cast_signed()
}

/// Numbers become strings and strings numbers, at every depth.
fn swap_types(value: &mut Value) {
    match value {
        Value::Number(number) => *value = number.to_string().into(),
        Value::String(text) => *value = text.parse::<i64>().unwrap_or_else(|_| number(text)).into(),
        Value::Array(elements) => elements.iter_mut().for_each(swap_types),
        Value::Object(members) => members.values_mut().for_each(swap_types),
        Value::Null | Value::Bool(_) => {}
    }
}
