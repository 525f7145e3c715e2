//! Rejections for the document itself: its token, its form, or missing encryption.

use std::time::UNIX_EPOCH;

use bytes::Bytes;
use lark_events::limits::{MAX_CHALLENGE, MAX_EVENT_BYTES, MAX_UNSIGNED_BYTES};
use lark_events::{Delivery, EncryptKey, Transport};
use serde_json::Value;

use super::Case;
use super::cause::{self, Cause, Misspelt};
use super::headers;
use crate::payload;

/// Unsigned although there is an Encrypt Key, which only a URL check may be.
pub(super) fn unsigned(case: &Case<'_>) -> Vec<Cause> {
    let renamed = headers::renamed(&case.request.headers);
    if !renamed.is_empty() {
        return renamed;
    }
    let body = &case.request.body;
    if serde_json::from_slice::<Value>(body).is_err() {
        return vec![unreadable(body)];
    }
    let Some(sealed) = payload::sealed_text(body) else {
        return vec![Cause::new(
            "not_encrypted",
            "the body is neither encrypted nor signed; the platform sends it so to an app without \
            an Encrypt Key",
            "set the Encrypt Key in the developer console too, or remove it from the app's \
            settings",
        )];
    };
    let key = case.key.unwrap_or_default();
    let open = |key: &str| EncryptKey::new(key).open(&*sealed).ok();
    let opened = open(key).and_then(|document| serde_json::from_slice::<Value>(&document).ok());
    let Some(document) = opened else {
        let meant = Misspelt::meant(key, case.token);
        let found = meant
            .iter()
            .find(|(_, key)| payload::opens(&EncryptKey::new(*key), &sealed));
        return vec![found.map_or_else(cause::wrong_key, |(how, _)| cause::misspelt(*how))];
    };
    if document["type"] != "url_verification" {
        return vec![headers::stripped()];
    }
    if body.len() > MAX_UNSIGNED_BYTES {
        return vec![too_large()];
    }
    let Some(token) = case.token else {
        return vec![Cause::new(
            "token_not_set",
            "URL checks are unsigned and need the Verification Token, which is not set",
            "set the Verification Token as well as the Encrypt Key",
        )];
    };
    match document["token"].as_str() {
        Some(sent) if sent == token => vec![Cause::new(
            "url_check_form",
            format!(
                "a URL check needs type, token and challenge, once each and without escapes; the \
                challenge is at most {MAX_CHALLENGE} letters, digits, `-` and `_`"
            ),
            "pass the URL check on as the platform sent it",
        )],
        sent => vec![wrong_token(sent, token, case.key)],
    }
}

/// The token is missing or wrong: the only proof without an Encrypt Key, checked after the
/// signature with one.
pub(super) fn token(case: &Case<'_>) -> Vec<Cause> {
    if let Some(cause) = headers::old_card(&case.request.headers) {
        return vec![cause];
    }
    let key = case.key.map(EncryptKey::new);
    let body = &case.request.body;
    let Ok(document) = payload::document(body, key.as_ref()) else {
        return vec![Cause::new(
            "key_not_set",
            "the body is encrypted, but no Encrypt Key is set",
            "set LARK_ENCRYPT_KEY for this command, and the Encrypt Key in the app",
        )];
    };
    let Ok(document) = serde_json::from_slice::<Value>(&document) else {
        return vec![unreadable(&document)];
    };
    let sent = document["header"]["token"].as_str();
    let sent = sent.or_else(|| document["token"].as_str());
    vec![wrong_token(sent, case.token.unwrap_or_default(), case.key)]
}

fn wrong_token(sent: Option<&str>, token: &str, key: Option<&str>) -> Cause {
    let Some(sent) = sent else {
        return Cause::new(
            "token_missing",
            "the document has no Verification Token, so the platform did not send it",
            "keep rejecting it; in tests, send events with a token, as `lark-events push` does",
        );
    };
    let meant = Misspelt::meant(token, key);
    if let Some((how, _)) = meant.iter().find(|(_, meant)| *meant == sent) {
        return cause::misspelt(*how);
    }
    Cause::new(
        "wrong_token",
        "the document's token differs from the Verification Token that is set",
        "copy this app's Verification Token from the developer console; resetting it there \
        changes it",
    )
}

/// Correctly signed, but not a valid event.
pub(super) fn malformed(case: &Case<'_>) -> Vec<Cause> {
    let key = case.key.map(EncryptKey::new);
    let Ok(document) = payload::document(&case.request.body, key.as_ref()) else {
        let found = "the signature is valid, but the body does not decrypt: it was encrypted in \
            another way";
        let fix = "encrypt the body with AES-256-CBC; the key is the SHA-256 of the Encrypt Key";
        return vec![Cause::new("wrongly_encrypted", found, fix)];
    };
    let parsed = Delivery::parse_unauthenticated(document, Transport::Local, UNIX_EPOCH);
    let why = parsed.err().map(|error| format!(": {error}"));
    let found = format!(
        "the request is authentic, but its body is not an event{}",
        why.unwrap_or_default()
    );
    let fix = "send an event in its envelope, or a URL check, from the program that signs the \
        request";
    vec![Cause::new("no_event", found, fix)]
}

pub(super) fn too_large() -> Cause {
    let found = "the body is larger than the limit";
    let fix = format!(
        "events are at most {} MiB, URL checks {MAX_UNSIGNED_BYTES} bytes; see \
         `WebhookBuilder::max_event_bytes`",
        MAX_EVENT_BYTES >> 20
    );
    Cause::new("too_large", found, fix)
}

fn unreadable(body: &Bytes) -> Cause {
    if body.starts_with(b"\x1f\x8b") {
        cause::compressed()
    } else {
        cause::not_json(body)
    }
}
