//! The platform, and what it posts to our app.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use lark_events::webhook::{SIGNATURE_HEADER, SIGNATURE_NONCE_HEADER, SIGNATURE_TIMESTAMP_HEADER};
use lark_events::{Delivery, EncryptKey, Outcome, Webhook};
use lark_events_sim::{Document, Platform, PlatformBuilder};
use lark_events_tower::EventService;
use serde_json::json;
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

/// How long an app on a slow machine may take for what is quick elsewhere.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The platform with our app, which delivers an event once.
pub(crate) fn platform() -> PlatformBuilder {
    Platform::builder()
        .encrypt_key(KEY)
        .verification_token(TOKEN)
        .redeliver_after([])
        .url_check_limit(PATIENCE)
}

/// The documented sample as a new event.
pub(crate) fn sample() -> Document {
    Document::sample::<ReserveConfigUpdatedV1>()
}

/// An event of another type.
pub(crate) fn event(event_type: &str) -> Document {
    Document::v2(event_type, &json!({})).unwrap()
}

pub(crate) fn url_check() -> Document {
    json!({"type": "url_verification", "token": TOKEN, "challenge": "abc"}).into()
}

/// The encrypted and signed request in which the platform posts a document.
pub(crate) fn posted(document: impl Into<Document>) -> Request<Bytes> {
    platform().request(document)
}

/// A request whose body the platform would not post, signed all the same.
pub(crate) fn signed(body: impl Into<Bytes>) -> Request<Bytes> {
    let (mut request, body) = (posted(sample()), body.into());
    let [timestamp, nonce] = [SIGNATURE_TIMESTAMP_HEADER, SIGNATURE_NONCE_HEADER]
        .map(|name| request.headers()[name].to_str().unwrap());
    let signature = EncryptKey::new(KEY).sign(timestamp, nonce, &body);
    let signature = signature.parse().unwrap();
    request.headers_mut().insert(SIGNATURE_HEADER, signature);
    request.map(|_| body)
}

pub(crate) fn unsigned(body: impl Into<Bytes>) -> Request<Bytes> {
    Request::post("/").body(body.into()).unwrap()
}

/// Status and body of an answer.
pub(crate) async fn answer<S>(service: &EventService<S>, request: Request<Bytes>) -> (u16, String)
where
    S: Service<Delivery, Response = Outcome, Future: Send> + Clone + Send + Sync + 'static,
    S::Error: Into<lark_events::BoxError>,
{
    let request = request.map(Full::new);
    let answer = service.clone().oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}
