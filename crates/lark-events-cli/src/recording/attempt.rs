//! An attempt of the simulator as an entry of a recording.

use std::time::SystemTime;

use bytes::Bytes;
use http::HeaderMap;
use lark_events::{RawJson, Transport};
use lark_events_layers::record::{Entry, RecordedRequest, RecordedResponse};
use lark_events_sim::{Answer, Attempt, Mode, Sent};

use crate::document::envelope::Envelope;
use crate::payload::sealed_text;

/// The entry of an attempt to deliver a document that was pushed at this time. Secrets are the Verification
/// Token, and the body of a request that is not encrypted, which has the token.
pub(super) fn entry(
    document: &Bytes,
    pushed_at: SystemTime,
    attempt: &Attempt,
    with_secrets: bool,
) -> Entry {
    let at = pushed_at.checked_add(attempt.after).unwrap_or(pushed_at);
    let transport = match attempt.mode {
        Mode::Webhook => Transport::Webhook,
        _ => Transport::LongConnection,
    };
    let (outcome, error) = match &attempt.answer {
        Answer::Response { .. } | Answer::Ack { code: 200, .. } => ("answered", None),
        Answer::Ack { code, .. } => ("failed", Some(format!("acknowledged with {code}"))),
        missing => {
            let error = match &attempt.error {
                Some(cause) => format!("{missing}: {cause}"),
                None => missing.to_string(),
            };
            ("unanswered", Some(error))
        }
    };
    let mut entry = Entry::new(at, transport).with_outcome(outcome, attempt.took);
    entry.error = error;
    entry.document = match with_secrets {
        true => RawJson::parse(document.clone()).ok(),
        false => without_token(document),
    };
    entry.request = match &attempt.sent {
        Some(Sent::Request {
            url, headers, body, ..
        }) => {
            let request = RecordedRequest::new(url, texts(headers));
            let is_shown = with_secrets || sealed_text(body).is_some();
            let body = std::str::from_utf8(body).ok().filter(|_| is_shown);
            Some(match body {
                Some(body) => request.with_body(body),
                None => request,
            })
        }
        _ => None,
    };
    match &attempt.answer {
        Answer::Response {
            status,
            headers,
            body,
            ..
        } => {
            let body = String::from_utf8_lossy(body);
            entry.response = Some(RecordedResponse::new(status.as_u16(), texts(headers), body));
        }
        Answer::Ack {
            reply: Some(reply), ..
        } => entry.reply = RawJson::parse(reply.clone()).ok(),
        _ => {}
    }
    entry
}

/// A document without the Verification Token; the callback of an old card has none.
fn without_token(document: &Bytes) -> Option<RawJson> {
    let text = std::str::from_utf8(document).ok()?;
    match Envelope::parse(text) {
        Some(mut envelope) => {
            envelope.remove_token();
            Some(envelope.json())
        }
        None => RawJson::parse(document.clone()).ok(),
    }
}

fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let headers = headers.iter();
    let headers = headers.map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        (name.to_string(), value.into_owned())
    });
    headers.collect()
}
