//! A signature that does not match: tries variants of the body and the secrets until one matches.

use lark_events::EncryptKey;
use lark_events::webhook::{SIGNATURE_HEADER, SIGNATURE_NONCE_HEADER, SIGNATURE_TIMESTAMP_HEADER};
use serde_json::Value;

use super::Case;
use super::cause::{self, Cause, Misspelt};
use crate::payload;
use lark_events_pages::{Layout, lay_out};

/// How a body was changed between the platform and the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Newline,
    LineEnds,
    Mark,
    Layout,
    Plus,
}

pub(super) fn causes(case: &Case<'_>) -> Vec<Cause> {
    let body = &case.request.body;
    if body.starts_with(b"\x1f\x8b") {
        return vec![cause::compressed()];
    }
    let key = case.key.unwrap_or_default();
    let meant = Misspelt::meant(key, case.token);
    let keys = [(None, key)].into_iter();
    let keys = keys.chain(meant.iter().map(|(how, key)| (Some(*how), *key)));
    for (misspelt, key) in keys {
        let key = EncryptKey::new(key);
        let mut bodies = vec![(None, body.to_vec())];
        bodies.extend(
            originals(body)
                .into_iter()
                .map(|(change, body)| (Some(change), body)),
        );
        for (change, body) in bodies {
            if matches(case, &key, &body) {
                let causes = [misspelt.map(cause::misspelt), change.map(changed)];
                return causes.into_iter().flatten().collect();
            }
        }
    }
    vec![unmatched(case, key, &meant)]
}

/// No variant matches: what the body itself shows about the key.
fn unmatched(case: &Case<'_>, key: &str, meant: &[(Misspelt, &str)]) -> Cause {
    const RAW: &str = "check the signature over the bytes as received, before any decoding or \
        parsing, and with the headers of the same request";
    let body = &case.request.body;
    let Some(sealed) = payload::sealed_text(body) else {
        if serde_json::from_slice::<Value>(body).is_err() {
            return cause::not_json(body);
        }
        let found = "the body is not encrypted; the platform encrypts it for an app with an \
            Encrypt Key, and signs the encrypted body";
        return Cause::new("body_decrypted", found, RAW);
    };
    let opens = |key: &str| payload::opens(&EncryptKey::new(key), &sealed);
    if opens(key) {
        let found = "the Encrypt Key decrypts the body, so the key is right; the body or the \
            headers differ from those that were signed";
        return Cause::new("request_changed", found, RAW);
    }
    let found = meant.iter().find(|(_, key)| opens(key));
    found.map_or_else(cause::wrong_key, |(how, _)| cause::misspelt(*how))
}

fn matches(case: &Case<'_>, key: &EncryptKey, body: &[u8]) -> bool {
    let header = |name| {
        let value = case.request.headers.get(name)?;
        value.to_str().ok()
    };
    let parts = header(SIGNATURE_TIMESTAMP_HEADER).zip(header(SIGNATURE_NONCE_HEADER));
    let matches = parts
        .zip(header(SIGNATURE_HEADER))
        .map(|((timestamp, nonce), signature)| {
            key.sign(timestamp, nonce, body)
                .eq_ignore_ascii_case(signature)
        });
    matches.unwrap_or_default()
}

/// What the signed body may have been.
fn originals(body: &[u8]) -> Vec<(Change, Vec<u8>)> {
    let Ok(text) = std::str::from_utf8(body) else {
        return Vec::new();
    };
    let mut originals = vec![
        (Change::Newline, text.trim_end().to_owned()),
        (Change::Newline, format!("{text}\n")),
        (Change::LineEnds, text.replace("\r\n", "\n")),
        (
            Change::LineEnds,
            text.replace("\r\n", "\n").replace('\n', "\r\n"),
        ),
        (Change::Mark, text.trim_start_matches('\u{feff}').to_owned()),
    ];
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        let compact = lay_out(text, Layout::Compact);
        // Parsing and writing replaces escapes with their characters.
        let plain = sorted(&value);
        for json in [compact, plain] {
            originals.push((Change::Layout, lay_out(&json, Layout::Spaced)));
            originals.push((Change::Layout, json));
        }
    }
    if let Some(sealed) = payload::sealed_text(body) {
        let wrapper = format!(r#"{{"encrypt":"{}"}}"#, sealed.replace(' ', "+"));
        originals.push((Change::Plus, lay_out(&wrapper, Layout::Spaced)));
        originals.push((Change::Plus, wrapper));
    }
    let originals = originals.into_iter();
    originals
        .map(|(change, text)| (change, text.into_bytes()))
        .collect()
}

/// Compact JSON with the members of every object sorted.
fn sorted(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let mut members: Vec<_> = object.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            let member = |(name, value): &(&String, &Value)| {
                format!("{}:{}", Value::from(name.as_str()), sorted(value))
            };
            let members: Vec<_> = members.iter().map(member).collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(elements) => {
            let elements: Vec<_> = elements.iter().map(sorted).collect();
            format!("[{}]", elements.join(","))
        }
        scalar => scalar.to_string(),
    }
}

fn changed(change: Change) -> Cause {
    let (name, found) = match change {
        Change::Newline => (
            "body_newline",
            "the signature matches after removing or adding a line end at the end of the body; an \
            editor that saved the body may have added it",
        ),
        Change::LineEnds => (
            "body_line_ends",
            "the signature matches after changing line ends between LF and CRLF",
        ),
        Change::Mark => (
            "body_byte_order_mark",
            "the signature matches without the byte order mark at the beginning of the body",
        ),
        Change::Layout => (
            "body_reserialised",
            "the signature matches with another layout of the body's JSON: a program parsed the \
            body and wrote it again",
        ),
        Change::Plus => (
            "body_url_decoded",
            "the signature matches after replacing spaces in the body with plus signs: a program \
            decoded the body as a form",
        ),
    };
    let fix = "check the signature over the bytes as received, before any parsing";
    Cause::new(name, found, fix)
}
