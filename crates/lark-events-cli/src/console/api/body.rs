//! Bodies of requests: JSON of a bounded size, with errors that name what is wrong.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::response::Response;
use http::StatusCode;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use crate::console::Console;
use crate::console::failure::Failure;

/// The largest body. An event has at most about 1 MiB, the platform's limit.
pub(super) const MAX_BYTES: usize = 1024 * 1024;

/// The body of a request.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<Console>> for Json<T> {
    type Rejection = Response;

    async fn from_request(request: Request, console: &Arc<Console>) -> Result<Self, Response> {
        let masks = &console.masks;
        let bytes = collected(request.into_body())
            .await
            .map_err(|(status, text)| Failure::new(status, &text, masks).json())?;
        // DELETE without a body.
        let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        let value = serde_json::from_slice(bytes);
        value
            .map(Self)
            .map_err(|error| Failure::bad(&error.to_string(), masks).json())
    }
}

async fn collected(body: Body) -> Result<Bytes, (StatusCode, String)> {
    match Limited::new(body, MAX_BYTES).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if is_too_large(&*error) => {
            let text = format!("expected a body of at most {MAX_BYTES} bytes, got more");
            Err((StatusCode::PAYLOAD_TOO_LARGE, text))
        }
        Err(error) => Err((
            StatusCode::BAD_REQUEST,
            format!("cannot read the body: {error}"),
        )),
    }
}

fn is_too_large(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut error = Some(error);
    while let Some(cause) = error {
        if cause.is::<LengthLimitError>() {
            return true;
        }
        error = cause.source();
    }
    false
}
