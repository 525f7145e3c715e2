//! Requests as the platform posts them, for the tests of the openers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use lark_events::error::{Rejection, RejectionKind};
use lark_events::webhook::{
    Challenge, SIGNATURE_HEADER, SIGNATURE_NONCE_HEADER, SIGNATURE_TIMESTAMP_HEADER, WebhookBuilder,
};
use lark_events::{Delivery, EncryptKey, Opened, Webhook};

pub(crate) const KEY: &str = "test key";
pub(crate) const TOKEN: &str = "v-token";
/// The moment at which the tests take place, in seconds.
pub(crate) const NOW: u64 = 1_700_000_000;

pub(crate) fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW)
}

/// A webhook whose clock stands still at [`NOW`].
pub(crate) fn builder() -> WebhookBuilder {
    Webhook::builder().clock(now)
}

/// A webhook with an Encrypt Key and a Verification Token.
pub(crate) fn keyed() -> Webhook {
    let keyed = builder().encrypt_key(KEY).verification_token(TOKEN);
    keyed.build().unwrap()
}

/// An event whose token is `token`.
pub(crate) fn event(token: &str) -> String {
    format!(
        r#"{{"schema":"2.0","header":{{"event_id":"e-1","event_type":"vc.room.created_v1",
            "create_time":"1608725989000","token":"{token}","app_id":"cli_1","tenant_key":"t-1"}},
            "event":{{"room_id":"omm_1"}}}}"#
    )
}

pub(crate) fn url_check(token: &str, challenge: &str) -> String {
    format!(r#"{{"challenge":"{challenge}","token":"{token}","type":"url_verification"}}"#)
}

/// The document in its encrypted wrapper.
pub(crate) fn sealed(key: &str, document: &str) -> Bytes {
    let sealed = EncryptKey::new(key).seal(document.as_bytes(), *b"0123456789abcdef");
    format!(r#"{{"encrypt":"{sealed}"}}"#).into()
}

/// The three signature headers.
pub(crate) fn signature_headers(timestamp: &str, nonce: &str, signature: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut insert = |name: HeaderName, value: &str| {
        headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    };
    insert(SIGNATURE_TIMESTAMP_HEADER, timestamp);
    insert(SIGNATURE_NONCE_HEADER, nonce);
    insert(SIGNATURE_HEADER, signature);
    headers
}

/// The headers of `body` signed at `timestamp`.
pub(crate) fn signed_at(timestamp: &str, key: &str, body: &[u8]) -> HeaderMap {
    let signature = EncryptKey::new(key).sign(timestamp, "n-1", body);
    signature_headers(timestamp, "n-1", &signature)
}

/// The headers of `body` signed now.
pub(crate) fn signed(key: &str, body: &[u8]) -> HeaderMap {
    signed_at(&NOW.to_string(), key, body)
}

/// The reason of a refusal.
#[track_caller]
pub(crate) fn refused(result: Result<Opened, Rejection>) -> RejectionKind {
    result.expect_err("the request is refused").kind()
}

#[track_caller]
pub(crate) fn delivery(result: Result<Opened, Rejection>) -> Delivery {
    match result {
        Ok(Opened::Delivery(delivery)) => delivery,
        other => panic!("not a delivery: {other:?}"),
    }
}

#[track_caller]
pub(crate) fn challenge(result: Result<Opened, Rejection>) -> Challenge {
    match result {
        Ok(Opened::Challenge(challenge)) => challenge,
        other => panic!("not a challenge: {other:?}"),
    }
}
