//! All attempts of a delivery, for `show`: what was sent and answered, and what follows.

use std::fmt::Write as _;
use std::time::SystemTime;

use bytes::Bytes;
use http::HeaderMap;
use lark_events::webhook::SIGNATURE_HEADER;
use lark_events_sim::{Answer, Attempt, Sent};
use serde_json::{Value, json};

use super::history::{Call, Delivery, Progress};
use super::row::{call_answer, call_json, code, missing, mode_name};
use crate::console::web::masked::{Masked, Masks};
use crate::figures::time;
use crate::payload::sealed_text;

/// The most characters of an answer's body for people.
const MAX_CHARS: usize = 4 * 1024;
/// The most characters of an answer's body for machines.
const MAX_JSON_CHARS: usize = 64 * 1024;

/// The text and the JSON of a delivery with the calls of the API that belong to it. Secrets are masked in all text
/// that is not this program's.
pub(super) fn show(
    delivery: &Delivery,
    calls: &[Call],
    now: SystemTime,
    masks: &Masks,
) -> (String, Value) {
    let calls = calls.iter();
    let calls = calls.filter(|call| call.delivery == Some(delivery.number));
    let calls: Vec<_> = calls.collect();
    (
        text(delivery, &calls, now, masks),
        json(delivery, &calls, now, masks),
    )
}

fn text(delivery: &Delivery, calls: &[&Call], now: SystemTime, masks: &Masks) -> String {
    let mut text = format!(
        "#{} {} by {}: {}",
        delivery.number,
        masks.text(&delivery.event_type),
        mode_name(delivery.mode),
        progress(delivery),
    );
    if let Some(of) = delivery.replay_of {
        let _ = write!(text, ", replay of #{of}");
    }
    let ago = now.duration_since(delivery.pushed_at).unwrap_or_default();
    let _ = write!(text, "\n  pushed {} ago", time(ago));
    if !delivery.event_id.is_empty() {
        let _ = write!(text, ", event id {}", masks.text(&delivery.event_id));
    }
    for attempt in &delivery.attempts {
        let copy = if attempt.copy { ", copy" } else { "" };
        let _ = write!(
            text,
            "\nattempt {}{copy}, {} after the push: {} in {}",
            attempt.number,
            time(attempt.after),
            attempt.answer,
            time(attempt.took),
        );
        if let Some(error) = &attempt.error {
            let _ = write!(text, "\n  because: {}", masks.text(error));
        }
        if !attempt.faults.is_empty() {
            let _ = write!(text, "\n  faults: {}", names(attempt).join(", "));
        }
        if let Some(sent) = &attempt.sent {
            let _ = write!(text, "\n  sent {}", sent_text(sent, masks));
        }
        text += &answer_lines(&attempt.answer, masks);
    }
    if let Some(next) = delivery.next_attempt() {
        let left = next.duration_since(now).unwrap_or_default();
        let _ = write!(text, "\nnext attempt in {}", time(left));
    } else if delivery.progress() == Progress::Pending || delivery.is_first_under_way() {
        text += "\nan attempt is under way";
    }
    for Call { call, .. } in calls {
        let (path, answer) = (masks.text(&call.path), call_answer(call));
        let _ = write!(text, "\nAPI call {} {path}: {answer}", call.method);
    }
    text
}

fn json(delivery: &Delivery, calls: &[&Call], now: SystemTime, masks: &Masks) -> Value {
    let attempts = delivery.attempts.iter().map(|attempt| {
        json!({
            "attempt": attempt.number,
            "copy": attempt.copy,
            "after_ms": attempt.after.as_secs_f64() * 1e3,
            "took_ms": attempt.took.as_secs_f64() * 1e3,
            "accepted": attempt.accepted(),
            "code": code(&attempt.answer),
            "missing": missing(&attempt.answer),
            "error": attempt.error.as_ref().map(|error| masks.text(error)),
            "faults": names(attempt),
            "sent": attempt.sent.as_ref().map(|sent| sent_json(sent, masks)),
            "answer": answer_json(&attempt.answer, masks),
        })
    });
    let next = delivery.next_attempt();
    let left = next.map(|next| next.duration_since(now).unwrap_or_default());
    let ago = now.duration_since(delivery.pushed_at).unwrap_or_default();
    json!({
        "kind": "show",
        "push": delivery.number,
        "event_type": masks.text(&delivery.event_type),
        "event_id": masks.text(&delivery.event_id),
        "transport": mode_name(delivery.mode),
        "callback": delivery.is_callback,
        "replay_of": delivery.replay_of,
        "state": progress(delivery),
        "pushed_ms_ago": ago.as_secs_f64() * 1e3,
        "next_in_ms": left.map(|left| left.as_secs_f64() * 1e3),
        "attempts": attempts.collect::<Vec<_>>(),
        "api_calls": calls.iter().map(|call| call_json(&call.call, masks)).collect::<Vec<_>>(),
    })
}

fn progress(delivery: &Delivery) -> &'static str {
    match delivery.progress() {
        Progress::Pending => "pending",
        Progress::Acknowledged => "acknowledged",
        Progress::GivenUp => "given up",
    }
}

fn names(attempt: &Attempt) -> Vec<String> {
    attempt.faults.iter().map(ToString::to_string).collect()
}

fn sent_text(sent: &Sent, masks: &Masks) -> String {
    match sent {
        Sent::Request {
            url, headers, body, ..
        } => {
            let is = |protected, name: &'static str| match protected {
                true => name.to_owned(),
                false => format!("not {name}"),
            };
            let encrypted = is(sealed_text(body).is_some(), "encrypted");
            let signed = is(headers.contains_key(SIGNATURE_HEADER), "signed");
            let (url, bytes) = (masks.text(url), body.len());
            format!("to {url}: {bytes} bytes, {encrypted}, {signed}")
        }
        Sent::Message {
            connection,
            message_id,
            fragments,
            ..
        } => {
            let fragments = match fragments {
                0 | 1 => String::new(),
                many => format!(" in {many} fragments"),
            };
            let (connection, message_id) = (masks.text(connection), masks.text(message_id));
            format!("on connection {connection}: message {message_id}{fragments}")
        }
        _ => String::new(),
    }
}

fn sent_json(sent: &Sent, masks: &Masks) -> Value {
    match sent {
        Sent::Request {
            url, headers, body, ..
        } => {
            json!({
                "url": masks.text(url),
                "bytes": body.len(),
                "encrypted": sealed_text(body).is_some(),
                "signed": headers.contains_key(SIGNATURE_HEADER),
            })
        }
        Sent::Message {
            connection,
            message_id,
            fragments,
            ..
        } => {
            json!({
                "connection": masks.text(connection),
                "message_id": masks.text(message_id),
                "fragments": fragments,
            })
        }
        _ => Value::Null,
    }
}

/// The headers of an answer as lines, with their values.
fn headers<'a>(
    headers: &'a HeaderMap,
    masks: &'a Masks,
) -> impl Iterator<Item = (&'a str, Masked)> {
    let headers = headers.iter();
    headers.map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        (name.as_str(), masks.text(&value))
    })
}

/// The headers and the body of an answer, indented below its attempt.
fn answer_lines(answer: &Answer, masks: &Masks) -> String {
    let mut lines = String::new();
    let body = match answer {
        Answer::Response {
            headers: all, body, ..
        } => {
            for (name, value) in headers(all, masks) {
                let _ = write!(lines, "\n  {name}: {value}");
            }
            body
        }
        Answer::Ack {
            reply: Some(reply), ..
        } => reply,
        _ => return lines,
    };
    let (body, more) = bounded(body, MAX_CHARS, masks);
    for line in body.lines() {
        let _ = write!(lines, "\n    {line}");
    }
    if more > 0 {
        let _ = write!(lines, "\n    … {more} more characters");
    }
    lines
}

fn answer_json(answer: &Answer, masks: &Masks) -> Value {
    let body_of = |body: &Bytes| bounded(body, MAX_JSON_CHARS, masks);
    match answer {
        Answer::Response {
            headers: all, body, ..
        } => {
            let (text, more) = body_of(body);
            let headers = headers(all, masks).map(|(name, value)| json!([name, value]));
            let headers: Vec<_> = headers.collect();
            json!({"headers": headers, "body": text, "omitted_chars": more})
        }
        Answer::Ack { reply, biz_rt, .. } => {
            let (text, more) = reply.as_ref().map(body_of).unzip();
            json!({"reply": text, "omitted_chars": more.unwrap_or(0), "biz_rt": biz_rt})
        }
        _ => Value::Null,
    }
}

/// The start of a body without secrets, and how many characters of it are left out.
fn bounded(body: &[u8], max_chars: usize, masks: &Masks) -> (String, usize) {
    let text = masks.text(&String::from_utf8_lossy(body)).to_string();
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => (text[..end].to_owned(), text[end..].chars().count()),
        None => (text, 0),
    }
}
