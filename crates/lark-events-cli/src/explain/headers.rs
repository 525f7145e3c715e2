//! The three signature headers: present, under their names, once each and well-formed.

use http::{HeaderMap, HeaderName};
use lark_events::limits::{MAX_NONCE, MAX_TIMESTAMP};
use lark_events::webhook::{SIGNATURE_HEADER, SIGNATURE_NONCE_HEADER, SIGNATURE_TIMESTAMP_HEADER};

use super::cause::Cause;

const PASS_ON: &str = "configure the proxy or gateway before the app to pass all three X-Lark \
    headers on, unchanged and once each";

/// Faults of the signature headers, of which at least one is present.
pub(super) fn causes(headers: &HeaderMap) -> Vec<Cause> {
    let mut causes = renamed(headers);
    for name in names() {
        let mut values = headers.get_all(&name).iter();
        match (values.next(), values.next()) {
            (None, _) if renamed_as(headers, &name).is_none() => {
                causes.push(Cause::new(
                    "header_missing",
                    format!("{name} is missing"),
                    PASS_ON,
                ));
            }
            (Some(_), Some(_)) => {
                let found = format!("{name} is present more than once");
                causes.push(Cause::new("header_repeated", found, PASS_ON));
            }
            (Some(value), None) => {
                causes.extend(value.to_str().map_or_else(
                    |_| Some(malformed(&name, "has characters other than visible ASCII")),
                    |value| form(&name, value),
                ));
            }
            (None, _) => {}
        }
    }
    causes
}

/// Headers that are present under another name.
pub(super) fn renamed(headers: &HeaderMap) -> Vec<Cause> {
    let cause = |name: HeaderName| {
        let other = renamed_as(headers, &name)?;
        let found = format!("{name} came as {other}");
        Some(Cause::new("header_renamed", found, PASS_ON))
    };
    names().into_iter().filter_map(cause).collect()
}

/// All are missing, but the body needs them.
pub(super) fn stripped() -> Cause {
    let found = "the body is an event, but all signature headers are missing";
    Cause::new("headers_missing", found, PASS_ON)
}

/// The signature of the old card callback, which is a SHA-1.
pub(super) fn old_card(headers: &HeaderMap) -> Option<Cause> {
    let signature = headers.get(SIGNATURE_HEADER)?.to_str().ok()?;
    let is_sha1 = signature.len() == 40 && signature.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_sha1.then(|| {
        Cause::new(
            "old_card",
            "the signature is a SHA-1, which only the old card callback (card.action.trigger_v1) \
            has",
            "use a separate URL and opener for the old card callback, or switch to \
            card.action.trigger in the developer console",
        )
    })
}

fn names() -> [HeaderName; 3] {
    [
        SIGNATURE_TIMESTAMP_HEADER,
        SIGNATURE_NONCE_HEADER,
        SIGNATURE_HEADER,
    ]
}

/// Gateways of the CGI kind write underscores and put `HTTP_` in front.
fn renamed_as<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderName> {
    if headers.contains_key(name) {
        return None;
    }
    headers.keys().find(|other| {
        let plain = other.as_str().replace('_', "-");
        plain.strip_prefix("http-").unwrap_or(&plain) == name.as_str()
    })
}

fn form(name: &HeaderName, value: &str) -> Option<Cause> {
    if *name == SIGNATURE_TIMESTAMP_HEADER {
        let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
        let is_good = is_number && (1..=MAX_TIMESTAMP).contains(&value.len());
        let what = format!("is not a number of at most {MAX_TIMESTAMP} digits");
        return (!is_good).then(|| malformed(name, &what));
    }
    if *name == SIGNATURE_NONCE_HEADER {
        let what = format!("is longer than {MAX_NONCE} characters");
        return (value.len() > MAX_NONCE).then(|| malformed(name, &what));
    }
    let is_good = value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    (!is_good).then(|| malformed(name, "is not the 64 hexadecimal digits of a SHA-256"))
}

fn malformed(name: &HeaderName, what: &str) -> Cause {
    Cause::new("header_malformed", format!("{name} {what}"), PASS_ON)
}
