//! Damage to requests by a sender without the key: every damaged request must be rejected, and its
//! answer must reveal nothing more.

use bytes::Bytes;
use http::StatusCode;
use lark_events::webhook::{SIGNATURE_HEADER, SIGNATURE_NONCE_HEADER, SIGNATURE_TIMESTAMP_HEADER};

use super::app::{App, Request, value};

/// The number of kinds.
pub(super) const COUNT: u8 = 9;

/// Damages a good request at a place.
pub(super) fn is_refused(app: &App, how: u8, at: usize, document: &Bytes) {
    if !app.is_signed() {
        return;
    }
    let mut request = app.dressed(document);
    let signature = request.header(&SIGNATURE_HEADER);
    let names = [
        SIGNATURE_HEADER,
        SIGNATURE_NONCE_HEADER,
        SIGNATURE_TIMESTAMP_HEADER,
    ];
    let name = names[at % names.len()].clone();
    match how % COUNT {
        0 => request.set(SIGNATURE_HEADER, &flipped(&signature, at)),
        1 => flip_body(&mut request, at),
        2 => drop(request.headers.remove(name)),
        3 => {
            let again = request.headers[&name].clone();
            request.headers.append(name, again);
        }
        4 => request.set(SIGNATURE_TIMESTAMP_HEADER, "1700000001"),
        5 => request.set(SIGNATURE_NONCE_HEADER, "n-2"),
        // The digest is over all parts without anything between them: this one is the same.
        6 => {
            request.set(SIGNATURE_TIMESTAMP_HEADER, "170000000");
            request.set(SIGNATURE_NONCE_HEADER, "0n-1");
        }
        7 => {
            let shorter = &signature[..at % signature.len()];
            request.set(SIGNATURE_HEADER, shorter);
        }
        _ => {
            let odd = ["+1700000000", "", "1700000000 ", "17e8", "0x1", "\t1"];
            request.headers.insert(name, value(odd[at % odd.len()]));
        }
    }
    let refused = app.open(&request).map(drop);
    let status = refused.map_err(|rejection| rejection.status());
    assert_eq!(
        status,
        Err(StatusCode::UNAUTHORIZED),
        "damage {how} at {at}"
    );
}

/// With another digit at a place.
fn flipped(signature: &str, at: usize) -> String {
    let at = at % signature.len();
    let digit = signature[at..=at]
        .chars()
        .next()
        .and_then(|digit| digit.to_digit(16));
    let other = digit.map_or(0, |digit| digit ^ 1);
    format!("{}{other:x}{}", &signature[..at], &signature[at + 1..])
}

/// With another bit, or another byte where there is none.
fn flip_body(request: &mut Request, at: usize) {
    let mut body = request.body.to_vec();
    match body.len() {
        0 => body.push(b' '),
        len => body[at / 8 % len] ^= 1 << (at % 8),
    }
    request.body = body.into();
}
