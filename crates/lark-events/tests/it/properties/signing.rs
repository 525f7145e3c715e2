//! Sealing and signing: what comes back, and what a change of one bit costs.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use lark_events::error::RejectionKind;
use lark_events::webhook::{SIGNATURE_HEADER, SIGNATURE_NONCE_HEADER, SIGNATURE_TIMESTAMP_HEADER};
use lark_events::{EncryptKey, Webhook};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::support::{TOKEN, builder, delivery, event, refused, signature_headers};

/// A request of the platform, before anybody has touched it.
#[derive(Debug, Clone)]
struct Signed {
    key: String,
    headers: HeaderMap,
    body: Bytes,
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![".{1,40}", "[ -~]{32}"]
}

fn request() -> impl Strategy<Value = Signed> {
    let sealed = proptest::option::of(any::<[u8; 16]>());
    (key(), "[1-9][0-9]{9}", "[ -~]{0,40}", sealed).prop_map(|(key, timestamp, nonce, iv)| {
        let sealed = EncryptKey::new(&*key);
        let body = match iv {
            Some(iv) => format!(
                r#"{{"encrypt":"{}"}}"#,
                sealed.seal(event(TOKEN).as_bytes(), iv)
            ),
            None => event(TOKEN),
        };
        let signature = sealed.sign(&timestamp, &nonce, body.as_bytes());
        let headers = signature_headers(&timestamp, &nonce, &signature);
        let body = Bytes::from(body);
        Signed { key, headers, body }
    })
}

/// Accepts every timestamp: only the signature decides.
fn webhook(key: &str) -> Webhook {
    builder()
        .encrypt_key(key)
        .without_freshness()
        .build()
        .unwrap()
}

/// A value with one bit changed, unless no header can have it.
fn flipped(value: &HeaderValue, at: Index, bit: u8) -> Option<HeaderValue> {
    let mut bytes = value.as_bytes().to_vec();
    let at = at.index(bytes.len().max(1));
    *bytes.get_mut(at)? ^= 1 << bit;
    HeaderValue::from_bytes(&bytes).ok()
}

proptest! {
    #![proptest_config(super::config(1))]

    #[test]
    fn what_is_sealed_opens_as_it_was(
        key in key(),
        document in vec(any::<u8>(), 0..200),
        iv in any::<[u8; 16]>(),
    ) {
        let key = EncryptKey::new(key);
        prop_assert_eq!(key.open(key.seal(&document, iv)).unwrap(), document);
    }

    #[test]
    fn a_bit_of_the_body_cannot_be_changed(
        request in request(),
        changes in vec((any::<Index>(), 0..8u8), 1..32),
    ) {
        let Signed { key, headers, body } = request;
        let webhook = webhook(&key);
        delivery(webhook.open(&headers, body.clone()));
        for (at, bit) in changes {
            let mut changed = body.to_vec();
            changed[at.index(body.len())] ^= 1 << bit;
            let reason = refused(webhook.open(&headers, changed.into()));
            prop_assert_eq!(reason, RejectionKind::Signature);
        }
    }

    #[test]
    fn a_bit_of_a_header_cannot_be_changed(
        request in request(),
        changes in vec((0..3usize, any::<Index>(), 0..8u8), 1..32),
    ) {
        let Signed { key, headers, body } = request;
        let webhook = webhook(&key);
        let names: [HeaderName; 3] =
            [SIGNATURE_TIMESTAMP_HEADER, SIGNATURE_NONCE_HEADER, SIGNATURE_HEADER];
        for (which, at, bit) in changes {
            let name = &names[which];
            let Some(value) = flipped(&headers[name], at, bit) else {
                continue;
            };
            let mut changed = headers.clone();
            changed.insert(name, value.clone());
            // Between `a` and `A` there is one bit, and both are the same digit.
            let same = *name == SIGNATURE_HEADER
                && value.as_bytes().eq_ignore_ascii_case(headers[name].as_bytes());
            if same {
                delivery(webhook.open(&changed, body.clone()));
                continue;
            }
            let reason = refused(webhook.open(&changed, body.clone()));
            let of_signature = [RejectionKind::Signature, RejectionKind::SignatureHeaders];
            prop_assert!(of_signature.contains(&reason), "{}: {:?}", name, reason);
        }
    }

    #[test]
    fn another_key_signs_nothing_of_ours(request in request(), at in any::<Index>(), bit in 0..7u8) {
        let mut other = request.key.clone().into_bytes();
        let at = at.index(other.len());
        other[at] ^= 1 << bit;
        // Of the other keys those that are text; the longer one always is.
        let others = [String::from_utf8(other).ok(), Some(format!("{} ", request.key))];
        for other in others.into_iter().flatten() {
            let reason = refused(webhook(&other).open(&request.headers, request.body.clone()));
            prop_assert_eq!(reason, RejectionKind::Signature);
        }
    }
}
