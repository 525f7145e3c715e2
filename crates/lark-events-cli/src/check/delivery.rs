//! Cases of requests as the platform sends them: the webhook has to accept them, odd ones too.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use http::StatusCode;
use lark_events_sim::Document;
use serde_json::{Value, json};

use super::answer::accepted;
use super::probe::Probe;
use crate::figures::time;
use crate::finding::Finding;
use crate::webhook::answer::{Missing, hangs};

/// The time that an app should stay below; the platform waits three seconds.
const SOON: Duration = Duration::from_secs(1);
const EVENTS: usize = 10;

pub(crate) async fn event(probe: &Probe) -> Finding {
    let finding = accepted(
        &probe.post(probe.event()).await,
        "check the key and the token, and name an event that the app handles: --event TYPE",
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
        "correct if the app subscribes to no event of version 1; otherwise accept the version 1 \
        envelope",
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
        "ignore unknown fields when decoding: the platform adds fields at any time",
    )
    .await
}

pub(crate) async fn null_fields(probe: &Probe) -> Finding {
    let mut document = probe.document();
    for field in fields(&mut document) {
        *field = Value::Null;
    }
    let advice = "a field can be absent or null without a permission or a value: fail only where \
        the app needs it";
    accepts(probe, document, advice).await.at_most_warn()
}

pub(crate) async fn odd_types(probe: &Probe) -> Finding {
    let mut document = probe.document();
    for field in fields(&mut document) {
        swap_types(field);
    }
    let advice = "the platform sometimes sends another type than documented: decode each field \
        leniently";
    accepts(probe, document, advice).await.at_most_warn()
}

pub(crate) async fn unknown_type(probe: &Probe) -> Finding {
    let Ok(document) = Document::v2("conformance.check.unknown_v1", &json!({})) else {
        return Finding::skip("it cannot be written");
    };
    let posted = probe.post(probe.app().request(document)).await;
    let finding = accepted(
        &posted,
        "answer 200: the platform redelivers the event four times; another status is correct only \
        if another process handles it",
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
        let advice = "answer 200 to an event that was handled before; otherwise the platform \
            redelivers it";
        findings.push(accepted(&posted, advice).of(time));
        if hangs(&posted) {
            break;
        }
    }
    Finding::worst("both times", findings)
}

pub(crate) async fn answer_time(probe: &Probe) -> Finding {
    let advice = "answer first, and do the work after the answer";
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

/// A different number for each text, so that a new id stays new.
fn number(text: &str) -> i64 {
    let mut hash = DefaultHasher::new();
    text.hash(&mut hash);
    // The positive half of an `i64`.
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
