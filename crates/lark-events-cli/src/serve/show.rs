//! All attempts of a delivery, for `show`: what was sent and answered, and what follows.

use std::fmt::Write as _;
use std::time::SystemTime;

use bytes::Bytes;
use http::HeaderMap;
use lark_events_sim::{Answer, Attempt, Sent};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::history::{Call, Delivery, Progress};
use super::row::{call_json, code, missing, mode_name};
use crate::figures::time;

/// The most characters of an answer's body for people.
const MAX_CHARS: usize = 4 * 1024;
/// The most characters of an answer's body for machines.
const MAX_JSON_CHARS: usize = 64 * 1024;
const SIGNATURE: &str = "x-lark-signature";

/// The text and the JSON of a delivery with the calls of the API that belong to it. `hide` masks the secrets in
/// foreign text.
pub(super) fn show(
    delivery: &Delivery,
    calls: &[Call],
    now: SystemTime,
    hide: impl Fn(&str) -> String,
) -> (String, Value) {
    let calls = calls.iter();
    let calls = calls.filter(|call| call.delivery == Some(delivery.number));
    let calls: Vec<_> = calls.collect();
    (
        text(delivery, &calls, now, &hide),
        json(delivery, &calls, now, &hide),
    )
}

fn text(
    delivery: &Delivery,
    calls: &[&Call],
    now: SystemTime,
    hide: &dyn Fn(&str) -> String,
) -> String {
    let mut text = format!(
        "#{} {} by {}: {}",
        delivery.number,
        delivery.event_type,
        mode_name(delivery.mode),
        progress(delivery),
    );
    if let Some(of) = delivery.replay_of {
        let _ = write!(text, ", replay of #{of}");
    }
    let ago = now.duration_since(delivery.pushed_at).unwrap_or_default();
    let _ = write!(text, "\n  pushed {} ago", time(ago));
    if !delivery.event_id.is_empty() {
        let _ = write!(text, ", event id {}", delivery.event_id);
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
            let _ = write!(text, "\n  because: {error}");
        }
        if !attempt.faults.is_empty() {
            let _ = write!(text, "\n  faults: {}", names(attempt).join(", "));
        }
        if let Some(sent) = &attempt.sent {
            let _ = write!(text, "\n  sent {}", sent_text(sent, hide));
        }
        text += &answer_lines(&attempt.answer, hide);
    }
    if let Some(next) = delivery.next_attempt() {
        let left = next.duration_since(now).unwrap_or_default();
        let _ = write!(text, "\nnext attempt in {}", time(left));
    } else if delivery.progress() == Progress::Pending || delivery.is_first_under_way() {
        text += "\nan attempt is under way";
    }
    for Call { call, .. } in calls {
        let answer = match (call.is_answered, call.code, call.status) {
            (false, ..) => "no answer".to_owned(),
            (_, Some(code), _) => format!("code {code}"),
            (_, None, status) => status.map_or(String::new(), |status| status.to_string()),
        };
        let _ = write!(text, "\nAPI call {} {}: {answer}", call.method, call.path);
    }
    text
}

fn json(
    delivery: &Delivery,
    calls: &[&Call],
    now: SystemTime,
    hide: &dyn Fn(&str) -> String,
) -> Value {
    let attempts = delivery.attempts.iter().map(|attempt| {
        json!({
            "attempt": attempt.number,
            "copy": attempt.copy,
            "after_ms": attempt.after.as_secs_f64() * 1e3,
            "took_ms": attempt.took.as_secs_f64() * 1e3,
            "accepted": attempt.accepted(),
            "code": code(&attempt.answer),
            "missing": missing(&attempt.answer),
            "error": attempt.error,
            "faults": names(attempt),
            "sent": attempt.sent.as_ref().map(|sent| sent_json(sent, hide)),
            "answer": answer_json(&attempt.answer, hide),
        })
    });
    let next = delivery.next_attempt();
    let left = next.map(|next| next.duration_since(now).unwrap_or_default());
    let ago = now.duration_since(delivery.pushed_at).unwrap_or_default();
    json!({
        "kind": "show",
        "push": delivery.number,
        "event_type": delivery.event_type,
        "event_id": delivery.event_id,
        "transport": mode_name(delivery.mode),
        "callback": delivery.is_callback,
        "replay_of": delivery.replay_of,
        "state": progress(delivery),
        "pushed_ms_ago": ago.as_secs_f64() * 1e3,
        "next_in_ms": left.map(|left| left.as_secs_f64() * 1e3),
        "attempts": attempts.collect::<Vec<_>>(),
        "api_calls": calls.iter().map(|call| call_json(&call.call)).collect::<Vec<_>>(),
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

/// How a request is protected.
struct Protection {
    is_encrypted: bool,
    is_signed: bool,
}

impl Protection {
    fn of(headers: &HeaderMap, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Encrypted {
            #[serde(rename = "encrypt")]
            _encrypt: IgnoredAny,
        }
        Self {
            is_encrypted: serde_json::from_slice::<Encrypted>(body).is_ok(),
            is_signed: headers.contains_key(SIGNATURE),
        }
    }
}

fn sent_text(sent: &Sent, hide: &dyn Fn(&str) -> String) -> String {
    match sent {
        Sent::Request {
            url, headers, body, ..
        } => {
            let of = Protection::of(headers, body);
            let is = |protected, name: &'static str| match protected {
                true => name.to_owned(),
                false => format!("not {name}"),
            };
            let (encrypted, signed) =
                (is(of.is_encrypted, "encrypted"), is(of.is_signed, "signed"));
            let (url, bytes) = (hide(url), body.len());
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
            format!("on connection {connection}: message {message_id}{fragments}")
        }
        _ => String::new(),
    }
}

fn sent_json(sent: &Sent, hide: &dyn Fn(&str) -> String) -> Value {
    match sent {
        Sent::Request {
            url, headers, body, ..
        } => {
            let of = Protection::of(headers, body);
            json!({
                "url": hide(url), "bytes": body.len(), "encrypted": of.is_encrypted, "signed": of.is_signed,
            })
        }
        Sent::Message {
            connection,
            message_id,
            fragments,
            ..
        } => {
            json!({"connection": connection, "message_id": message_id, "fragments": fragments})
        }
        _ => Value::Null,
    }
}

/// The headers of an answer as lines, with their values.
fn headers<'a>(
    headers: &'a HeaderMap,
    hide: &'a dyn Fn(&str) -> String,
) -> impl Iterator<Item = (&'a str, String)> {
    let headers = headers.iter();
    headers.map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        (name.as_str(), hide(&value))
    })
}

/// The headers and the body of an answer, indented below its attempt.
fn answer_lines(answer: &Answer, hide: &dyn Fn(&str) -> String) -> String {
    let mut lines = String::new();
    let body = match answer {
        Answer::Response {
            headers: all, body, ..
        } => {
            for (name, value) in headers(all, hide) {
                let _ = write!(lines, "\n  {name}: {value}");
            }
            body
        }
        Answer::Ack {
            reply: Some(reply), ..
        } => reply,
        _ => return lines,
    };
    let (body, more) = bounded(body, MAX_CHARS, hide);
    for line in body.lines() {
        let _ = write!(lines, "\n    {line}");
    }
    if more > 0 {
        let _ = write!(lines, "\n    … {more} more bytes");
    }
    lines
}

fn answer_json(answer: &Answer, hide: &dyn Fn(&str) -> String) -> Value {
    let body_of = |body: &Bytes| bounded(body, MAX_JSON_CHARS, hide);
    match answer {
        Answer::Response {
            headers: all, body, ..
        } => {
            let (text, more) = body_of(body);
            let headers = headers(all, hide).map(|(name, value)| json!([name, value]));
            let headers: Vec<_> = headers.collect();
            json!({"headers": headers, "body": text, "omitted_bytes": more})
        }
        Answer::Ack { reply, biz_rt, .. } => {
            let (text, more) = reply.as_ref().map(body_of).unzip();
            json!({"reply": text, "omitted_bytes": more.unwrap_or(0), "biz_rt": biz_rt})
        }
        _ => Value::Null,
    }
}

/// The start of a body without secrets, and how many bytes of it are left out.
fn bounded(body: &[u8], max_chars: usize, hide: &dyn Fn(&str) -> String) -> (String, usize) {
    let mut text = hide(&String::from_utf8_lossy(body));
    let end = text.char_indices().nth(max_chars).map(|(at, _)| at);
    let end = end.unwrap_or(text.len());
    let more = text.len() - end;
    text.truncate(end);
    (text, more)
}
