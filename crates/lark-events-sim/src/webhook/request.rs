//! The body and headers of requests to webhooks.

use bytes::Bytes;
use http::Request;
use http::header::CONTENT_TYPE;
use lark_events::EncryptKey;
use lark_events::webhook::{SIGNATURE_HEADER, SIGNATURE_NONCE_HEADER, SIGNATURE_TIMESTAMP_HEADER};

use crate::clock::Clock;
use crate::random::Random;

/// A document ready to be posted, encrypted and timestamped once. The platform does not document whether it
/// signs a redelivery again, so receivers must accept the same signature again.
#[derive(Clone)]
pub(crate) struct Parcel {
    body: Bytes,
    stamp: Option<Stamp>,
}

#[derive(Clone)]
struct Stamp {
    seconds: i64,
    nonce: String,
}

impl Parcel {
    /// Encrypts and timestamps an event or callback, if there is a key.
    pub(crate) fn signed(
        document: &Bytes,
        key: Option<&EncryptKey>,
        clock: &Clock,
        random: &Random,
    ) -> Self {
        let stamp = key.is_some().then(|| Stamp {
            seconds: i64::try_from(clock.millis() / 1000).unwrap_or(i64::MAX),
            nonce: random.hex(8),
        });
        Self {
            stamp,
            ..Self::unsigned(document, key, random)
        }
    }

    /// Encrypts a URL check if there is a key; URL checks are not signed.
    pub(crate) fn unsigned(document: &Bytes, key: Option<&EncryptKey>, random: &Random) -> Self {
        let body = key.map(|key| {
            let iv = random.with(|rng| rng.u128(..)).to_be_bytes();
            format!(r#"{{"encrypt":"{}"}}"#, key.seal(document, iv)).into()
        });
        Self {
            body: body.unwrap_or_else(|| document.clone()),
            stamp: None,
        }
    }

    /// The request, signed by a clock that is `skew` seconds ahead.
    pub(crate) fn request(&self, key: Option<&EncryptKey>, skew: i64) -> Request<Bytes> {
        let mut request =
            Request::post("/").header(CONTENT_TYPE, "application/json; charset=utf-8");
        if let (Some(stamp), Some(key)) = (&self.stamp, key) {
            let timestamp = stamp.seconds.saturating_add(skew).to_string();
            let signature = key.sign(&timestamp, &stamp.nonce, &self.body);
            request = request
                .header(SIGNATURE_TIMESTAMP_HEADER, timestamp)
                .header(SIGNATURE_NONCE_HEADER, &stamp.nonce)
                .header(SIGNATURE_HEADER, signature);
        }
        let request = request.body(self.body.clone());
        request.expect("digits and hexadecimal are header values")
    }
}
