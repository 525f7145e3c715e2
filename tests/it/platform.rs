//! The platform's part: documents, sealed and signed.

use std::time::UNIX_EPOCH;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use lark_events::{
    Delivery, EncryptKey, EventType as _, Outcome, SIGNATURE_HEADER, SIGNATURE_NONCE_HEADER,
    SIGNATURE_TIMESTAMP_HEADER, Webhook,
};
use lark_events_tower::EventService;
use serde_json::Value;
use tower::{Service, ServiceExt as _};
use vc_events::ReserveConfigUpdatedV1;

pub(crate) const KEY: &str = "marked-encrypt-key";
pub(crate) const TOKEN: &str = "marked-verification-token";
pub(crate) const PATH: &str = "/webhook/event";

pub(crate) fn webhook() -> Webhook {
    let keyed = Webhook::builder()
        .encrypt_key(KEY)
        .verification_token(TOKEN);
    keyed.build().unwrap()
}

/// The documented sample, with our token.
pub(crate) fn sample() -> Value {
    let sample = ReserveConfigUpdatedV1::INFO.sample.unwrap();
    let mut sample: Value = serde_json::from_str(sample).unwrap();
    sample["header"]["token"] = TOKEN.into();
    sample
}

/// The documented sample as an event of another type.
pub(crate) fn sample_as(event_type: &str) -> Value {
    let mut sample = sample();
    sample["header"]["event_type"] = event_type.into();
    sample
}

pub(crate) fn url_check() -> String {
    format!(r#"{{"type":"url_verification","token":"{TOKEN}","challenge":"abc"}}"#)
}

pub(crate) fn sealed(document: &str) -> Bytes {
    let sealed = EncryptKey::new(KEY).seal(document.as_bytes(), *b"0123456789abcdef");
    format!(r#"{{"encrypt":"{sealed}"}}"#).into()
}

/// The signature headers of `body` under `key`, now.
pub(crate) fn signature(key: &str, body: &[u8]) -> HeaderMap {
    let timestamp = UNIX_EPOCH.elapsed().unwrap().as_secs().to_string();
    let signature = EncryptKey::new(key).sign(&timestamp, "nonce", body);
    HeaderMap::from_iter([
        (SIGNATURE_TIMESTAMP_HEADER, timestamp.parse().unwrap()),
        (SIGNATURE_NONCE_HEADER, "nonce".parse().unwrap()),
        (SIGNATURE_HEADER, signature.parse().unwrap()),
    ])
}

pub(crate) fn request(headers: HeaderMap, body: Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::post(PATH).body(Full::new(body)).unwrap();
    *request.headers_mut() = headers;
    request
}

/// A document as the platform posts it.
pub(crate) fn posted(document: &Value) -> Request<Full<Bytes>> {
    let body = sealed(&document.to_string());
    request(signature(KEY, &body), body)
}

/// Status and body of an answer.
pub(crate) async fn answer<S>(
    service: &EventService<S>,
    request: Request<Full<Bytes>>,
) -> (u16, String)
where
    S: Service<Delivery, Response = Outcome, Future: Send> + Clone + Send + Sync + 'static,
    S::Error: Into<lark_events::BoxError>,
{
    let answer = service.clone().oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}
