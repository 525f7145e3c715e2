//! No answer by the clock either: how long a forged request takes tells nothing about its padding, nor
//! how much of its signature was right.

use std::hint::black_box;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use bytes::Bytes;
use http::HeaderMap;
use lark_events::{EncryptKey, RejectionReason, SIGNATURE_HEADER};

use crate::support::{KEY, TOKEN, event, keyed, refused, signed};

const CALLS: usize = 100_000;
/// Far below what an attacker can tell from afar, and above what medians of so many calls vary by.
const APART: Duration = Duration::from_micros(1);
const BLOCK: usize = 16;

/// A request, in headers and body.
type Request = (HeaderMap, Bytes);

/// How far the medians of two kinds of requests are apart, called in random order, so that whatever else
/// the machine does meets both alike.
fn apart(
    kinds: &[Vec<Request>; 2],
    calls: usize,
    mut call: impl FnMut(&HeaderMap, Bytes),
) -> Duration {
    let mut times = [Vec::with_capacity(calls), Vec::with_capacity(calls)];
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..calls {
        // Xorshift.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let kind = usize::from(random >> 63 == 1);
        let requests = &kinds[kind];
        let (headers, body) = &requests[random as usize % requests.len()];
        let body = body.clone();
        let began = Instant::now();
        call(headers, body);
        times[kind].push(began.elapsed());
    }
    let [one, other] = times.map(|mut times| {
        let middle = times.len() / 2;
        *times.select_nth_unstable(middle).1
    });
    println!("medians: {one:?} and {other:?}");
    one.abs_diff(other)
}

/// Messages of which an attacker has changed all but the last block, so that the last byte of the
/// plaintext becomes what it is to be. One `last` of 1 is good padding, and any beyond 16 is bad.
fn forged(message: &[u8], lasts: impl Iterator<Item = u8>) -> Vec<Request> {
    let key = EncryptKey::new(KEY);
    let padded = message.len() - BLOCK;
    let padding = padded - key.open(BASE64.encode(message)).unwrap().len();
    let forged = lasts.enumerate().map(|(number, last)| {
        let mut message = message.to_vec();
        // Other bytes each time, so that a block is garbled in another way.
        message[padded - BLOCK] ^= number as u8;
        message[padded - 1] ^= u8::try_from(padding).unwrap() ^ last;
        let body = format!(r#"{{"encrypt":"{}"}}"#, BASE64.encode(message));
        (HeaderMap::new(), body.into())
    });
    forged.collect()
}

/// Bad padding, and good padding of what is no URL check.
fn paddings(document: &str) -> [Vec<Request>; 2] {
    let sealed = EncryptKey::new(KEY).seal(document.as_bytes(), *b"0123456789abcdef");
    let message = BASE64.decode(sealed).unwrap();
    [
        forged(&message, 17..=80),
        forged(&message, std::iter::repeat_n(1, 64)),
    ]
}

fn opens_alike(kinds: [Vec<Request>; 2], reason: RejectionReason) {
    let webhook = keyed();
    for (headers, body) in kinds.iter().flatten() {
        assert_eq!(refused(webhook.open(headers, body.clone())), reason);
    }
    let apart = apart(&kinds, CALLS, |headers, body| {
        drop(black_box(webhook.open(headers, body)));
    });
    assert!(apart < APART, "told apart by {apart:?}");
}

#[test]
fn an_event_with_bad_padding_takes_as_long_as_one_with_good() {
    opens_alike(paddings(&event(TOKEN)), RejectionReason::Unsigned);
}

#[test]
fn a_block_with_bad_padding_takes_as_long_as_one_with_good() {
    // One block, as an attack posts it: the initialisation vector is the attacker's.
    opens_alike(paddings("not a check"), RejectionReason::Unsigned);
}

#[test]
fn a_signature_wrong_at_its_end_takes_as_long_as_one_wrong_at_its_beginning() {
    let body = Bytes::from(event(TOKEN));
    let wrong_at = |digit: usize| {
        let mut headers = signed(KEY, &body);
        let mut signature = headers[SIGNATURE_HEADER].to_str().unwrap().to_owned();
        let other = if &signature[digit..=digit] == "0" {
            "1"
        } else {
            "0"
        };
        signature.replace_range(digit..=digit, other);
        headers.insert(SIGNATURE_HEADER, signature.parse().unwrap());
        vec![(headers, body.clone())]
    };
    opens_alike([wrong_at(0), wrong_at(63)], RejectionReason::Signature);
}

/// An opener that reads on only when the padding is good, as one would write it without thought.
#[test]
fn an_opener_that_stops_at_bad_padding_is_told_apart_by_the_clock() {
    let key = EncryptKey::new(KEY);
    // Nearly as long as an unsigned body may be, so that the difference is plain, and so few calls do.
    let kinds = paddings(&event(&"t".repeat(2_500)));
    let apart = apart(&kinds, CALLS / 50, |_, body| {
        let sealed = &body[r#"{"encrypt":""#.len()..body.len() - r#""}"#.len()];
        if let Ok(document) = key.open(sealed) {
            let _ = black_box(String::from_utf8_lossy(&document).replace("token", ""));
        }
    });
    assert!(apart > APART, "{apart:?} are not seen");
}
