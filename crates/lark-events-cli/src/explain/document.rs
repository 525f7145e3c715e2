//! What the document itself can be refused for: its token, its form, or that it is not sealed.

use std::time::UNIX_EPOCH;

use bytes::Bytes;
use lark_events::limits::{MAX_CHALLENGE, MAX_EVENT_BYTES, MAX_UNSIGNED_BYTES};
use lark_events::{Delivery, EncryptKey, Transport};
use serde_json::Value;

use super::Case;
use super::cause::{self, Cause, Misspelt};
use super::headers;
use crate::payload;

/// Unsigned, though there is an Encrypt Key: only a URL check may be.
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
            "the body is neither encrypted nor signed, as the platform sends it for an app without \
             an Encrypt Key",
            "set the Encrypt Key in the developer console too, or take it out of the app's settings",
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
            "it is a URL check, which comes unsigned, and there is no Verification Token to know it by",
            "set the Verification Token beside the Encrypt Key",
        )];
    };
    match document["token"].as_str() {
        Some(sent) if sent == token => vec![Cause::new(
            "url_check_form",
            format!(
                "it is a URL check without type, token and a challenge, once each and without escapes, \
                 of up to {MAX_CHALLENGE} letters, digits, `-` and `_`"
            ),
            "pass it on as the platform sent it",
        )],
        sent => vec![wrong_token(sent, token, case.key)],
    }
}

/// Without an Encrypt Key all is a matter of the token; with one, what was signed has another.
pub(super) fn token(case: &Case<'_>) -> Vec<Cause> {
    if let Some(cause) = headers::old_card(&case.request.headers) {
        return vec![cause];
    }
    let key = case.key.map(EncryptKey::new);
    let body = &case.request.body;
    let Ok(document) = payload::document(body, key.as_ref()) else {
        return vec![Cause::new(
            "key_not_set",
            "the body is encrypted, and there is no Encrypt Key",
            "set LARK_ENCRYPT_KEY, here and in the app's settings",
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
            "the document has no Verification Token: it is none of the platform's",
            "do not take it; a test should push with a token, as `lark-events push` does",
        );
    };
    let meant = Misspelt::meant(token, key);
    if let Some((how, _)) = meant.iter().find(|(_, meant)| *meant == sent) {
        return cause::misspelt(*how);
    }
    Cause::new(
        "wrong_token",
        "the document has another Verification Token",
        "copy the Verification Token of this very app from the developer console; it changes when it \
         is reset there",
    )
}

/// Authentic, and no document of the platform's.
pub(super) fn malformed(case: &Case<'_>) -> Vec<Cause> {
    let key = case.key.map(EncryptKey::new);
    let Ok(document) = payload::document(&case.request.body, key.as_ref()) else {
        let found =
            "the signature is right, but the body does not open: it was encrypted another way";
        let mend = "encrypt it with AES-256-CBC under the SHA-256 of the Encrypt Key";
        return vec![Cause::new("sealed_badly", found, mend)];
    };
    let parsed = Delivery::parse_unauthenticated(document, Transport::Local, UNIX_EPOCH);
    let why = parsed.err().map(|error| format!(": {error}"));
    let found = format!("it is authentic, and no event{}", why.unwrap_or_default());
    let mend = "whatever signs it, have it send an event in its envelope, or a URL check";
    vec![Cause::new("no_event", found, mend)]
}

pub(super) fn too_large() -> Cause {
    let found = "the body is larger than any that is taken";
    let mend = format!(
        "events are at most {} MiB, URL checks {MAX_UNSIGNED_BYTES} bytes; see \
         `WebhookBuilder::max_event_bytes`",
        MAX_EVENT_BYTES >> 20
    );
    Cause::new("too_large", found, mend)
}

fn unreadable(body: &Bytes) -> Cause {
    if body.starts_with(b"\x1f\x8b") {
        cause::compressed()
    } else {
        cause::not_json(body)
    }
}
