//! The verdict of our opening on a request.

use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue};
use lark_events::{BoxError, Opened, Webhook};
use serde_json::{Value, json};

use crate::request::{NOW, Request, Secrets};

pub(crate) fn verdict(secrets: Secrets, request: &Request) -> Result<Value, BoxError> {
    let mut builder = Webhook::builder().clock(|| UNIX_EPOCH + Duration::from_secs(NOW));
    if let Some(key) = secrets.key {
        builder = builder.encrypt_key(key);
    }
    if let Some(token) = secrets.token {
        builder = builder.verification_token(token);
    }
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        headers.append(HeaderName::try_from(*name)?, HeaderValue::from_str(value)?);
    }
    Ok(
        match builder.build()?.open(&headers, request.body.clone().into()) {
            Ok(Opened::Delivery(delivery)) => json!({
                "verdict": "event",
                "type": delivery.header.event_type,
                "body": delivery.raw.as_str(),
            }),
            Ok(Opened::Challenge(challenge)) => json!({
                "verdict": "challenge",
                "challenge": challenge.as_str(),
            }),
            Ok(other) => return Err(format!("neither event nor URL check: {other:?}").into()),
            Err(rejection) => json!({ "verdict": "refused", "why": rejection.kind().as_str() }),
        },
    )
}
