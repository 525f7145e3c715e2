//! Events as messages: [CloudEvents](CloudEvent) in binary mode, so that consumers in other languages can read the
//! stream. Other headers have what a worker of the inbox needs besides.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use async_nats::HeaderMap;
use async_nats::header::NATS_MESSAGE_ID;
use bytes::Bytes;
use lark_events::event::CloudEvent;
use lark_events_inbox::{AttemptOutcome, AttemptRecord, Entry, Settlement, StoreError};

/// The key of de-duplication of a message whose id is another: a copy.
const KEY: &str = "Lark-Key";
const LANE: &str = "Lark-Lane";
const TRACE: &str = "Lark-Trace";
const TRANSPORT: &str = "Lark-Transport";
/// When a copy was received, in nanoseconds since 1970. Others were received when the stream got them.
const RECEIVED: &str = "Lark-Received";
/// Before this time an event without a handler is not handled again, in nanoseconds since 1970.
const NOT_BEFORE: &str = "Lark-Not-Before";
const ERROR: &str = "Lark-Error";
const OUTCOME: &str = "Lark-Outcome";
/// The attempts of a dead letter, or those of an event before it left its lane.
const ATTEMPTS: &str = "Lark-Attempts";
const TOOK: &str = "Lark-Took";

/// The headers of an event.
pub(crate) fn headers(entry: &Entry) -> HeaderMap {
    let mut headers = facts(entry);
    if let Some(key) = entry.key.as_deref() {
        headers.insert(NATS_MESSAGE_ID, &*encode(key));
    }
    headers
}

/// The headers that an event and its copies share.
fn facts(entry: &Entry) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [(LANE, &entry.lane), (TRACE, &entry.trace)] {
        if let Some(value) = value {
            headers.insert(name, &*encode(value));
        }
    }
    headers.insert(TRANSPORT, entry.delivery.transport.as_str());
    headers
}

/// The headers of a copy of an event: with the id that the stream recognises it by, if any.
pub(crate) fn copy(entry: &Entry, id: Option<String>) -> HeaderMap {
    let mut headers = facts(entry);
    if let Some(key) = entry.key.as_deref() {
        headers.insert(KEY, &*encode(key));
    }
    if let Some(id) = id {
        headers.insert(NATS_MESSAGE_ID, &*id);
    }
    headers.insert(RECEIVED, &*nanos(entry.delivery.received_at).to_string());
    headers
}

/// Adds the attempts that count before those of a copy, and the time before which it is not handled.
pub(crate) fn postpone(headers: &mut HeaderMap, attempts: u32, not_before: Option<SystemTime>) {
    headers.insert(ATTEMPTS, &*attempts.to_string());
    if let Some(not_before) = not_before {
        headers.insert(NOT_BEFORE, &*nanos(not_before).to_string());
    }
}

/// Adds the last attempt of a dead letter.
pub(crate) fn fail(headers: &mut HeaderMap, attempts: u32, settlement: &Settlement) {
    headers.insert(ATTEMPTS, &*attempts.to_string());
    headers.insert(OUTCOME, settlement.outcome.as_str());
    headers.insert(TOOK, &*settlement.took.as_millis().to_string());
    if let Some(error) = settlement.error.as_deref() {
        headers.insert(ERROR, &*encode(error));
    }
}

/// The last attempt of a dead letter, which ended when the stream got it.
pub(crate) fn failure(headers: &HeaderMap, ended: SystemTime) -> AttemptRecord {
    let number = |name| text(headers, name).and_then(|text| text.parse::<u64>().ok());
    let attempts = number(ATTEMPTS).unwrap_or_default();
    AttemptRecord::new(
        u32::try_from(attempts).unwrap_or(u32::MAX),
        ended,
        Duration::from_millis(number(TOOK).unwrap_or_default()),
        AttemptOutcome::from_name(&text(headers, OUTCOME).unwrap_or_default()),
        text(headers, ERROR),
    )
}

/// When an event that has left its lane may be handled.
pub(crate) fn not_before(headers: Option<&HeaderMap>) -> Option<SystemTime> {
    time(headers?, NOT_BEFORE)
}

/// The number of an attempt. A copy that waits is given once before its time.
pub(crate) fn attempt(headers: Option<&HeaderMap>, delivered: u32) -> u32 {
    let has_waited = not_before(headers).is_some();
    let attempts = headers.and_then(|headers| text(headers, ATTEMPTS)?.parse().ok());
    let delivered = delivered.saturating_sub(u32::from(has_waited)).max(1);
    delivered.saturating_add(attempts.unwrap_or_default())
}

/// Whether a message is a copy of another.
pub(crate) fn is_copy(headers: Option<&HeaderMap>) -> bool {
    headers.is_some_and(|headers| headers.get(RECEIVED).is_some())
}

/// Reads an event. `published` is when the stream got the message.
pub(crate) fn entry(
    headers: Option<&HeaderMap>,
    document: Bytes,
    published: SystemTime,
) -> Result<Entry, StoreError> {
    let value = |name: &str| headers.and_then(|headers| text(headers, name));
    let received_at = headers.map_or(published, |headers| received(headers, published));
    let transport = value(TRANSPORT).unwrap_or_default();
    let mut entry = Entry::from_document(document, &transport, received_at)?;
    entry.key = match is_copy(headers) {
        true => value(KEY),
        false => value(NATS_MESSAGE_ID.as_ref()),
    };
    entry.lane = value(LANE);
    entry.trace = value(TRACE);
    Ok(entry)
}

/// When an event was received. `published` is when the stream got the message.
pub(crate) fn received(headers: &HeaderMap, published: SystemTime) -> SystemTime {
    time(headers, RECEIVED).unwrap_or(published)
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(decode(headers.get(name)?.as_str()))
}

fn nanos(time: SystemTime) -> u128 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_nanos()
}

fn time(headers: &HeaderMap, name: &str) -> Option<SystemTime> {
    let nanos = headers.get(name)?.as_str().parse().ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(nanos))
}

/// The size of headers on the wire, or more.
pub(crate) fn size(headers: &HeaderMap) -> usize {
    /// The version, the empty line, and the ends of lines.
    const FIXED: usize = 16;
    const LINE: usize = 4;
    let values = headers.iter().flat_map(|(name, values)| {
        let name: &[u8] = name.as_ref();
        let lengths = values.iter().map(|value| value.as_str().len());
        lengths.map(move |length| length.saturating_add(name.len()).saturating_add(LINE))
    });
    values.fold(FIXED, usize::saturating_add)
}

/// A text as the value of a header: the rule of CloudEvents.
fn encode(text: &str) -> Cow<'_, str> {
    CloudEvent::header_value(text)
}

/// The text of a value. What is no valid `%XX` stays as it is.
pub(crate) fn decode(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let decoded = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (first, decoded) {
            (b'%', Some(decoded)) => {
                bytes.push(decoded);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_a_header() {
        for text in ["oc_1", "a b\r\n%41\"", "会议", "", "\0", "%"] {
            let encoded = encode(text);
            assert!(
                encoded.bytes().all(|byte| byte.is_ascii_graphic()),
                "{encoded}"
            );
            assert_eq!(decode(&encoded), text);
        }
        assert_eq!(decode("100%"), "100%");
    }
}
