//! Bodies of requests: JSON of a bounded size, with errors that name what is wrong.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::response::Response;
use http::StatusCode;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::console::Console;
use crate::console::failure::Failure;

/// The largest body. An event has at most about 1 MiB, the platform's limit.
pub(super) const MAX_BYTES: usize = 1024 * 1024;
/// The time that a request has for its body.
const BODY_LIMIT: Duration = Duration::from_secs(15);

/// The body of a request.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<Console>> for Json<T> {
    type Rejection = Response;

    async fn from_request(request: Request, console: &Arc<Console>) -> Result<Self, Response> {
        let masks = &console.masks;
        let bytes = collected(request.into_body())
            .await
            .map_err(|(status, text)| Failure::new(status, &text, masks).json())?;
        let value = object(&bytes);
        value
            .map(Self)
            .map_err(|error| Failure::bad(&error, masks).json())
    }
}

/// Reads an object: serde reads a struct from an array too.
fn object<T: DeserializeOwned>(json: &[u8]) -> Result<T, String> {
    let got = match json.trim_ascii_start().first() {
        Some(b'{') => return serde_json::from_slice(json).map_err(|error| error.to_string()),
        None => "an empty body",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(_) => "something else",
    };
    Err(format!("expected a JSON object as the body, got {got}"))
}

async fn collected(body: Body) -> Result<Bytes, (StatusCode, String)> {
    let Ok(collected) = timeout(BODY_LIMIT, Limited::new(body, MAX_BYTES).collect()).await else {
        let seconds = BODY_LIMIT.as_secs();
        let text = format!("expected the whole body within {seconds} seconds: send it at once");
        return Err((StatusCode::REQUEST_TIMEOUT, text));
    };
    match collected {
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::StreamExt as _;
    use futures_util::stream;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_end_is_given_up() {
        let start = stream::iter([Ok::<_, Infallible>("{")]);
        let body = Body::from_stream(start.chain(stream::pending()));
        let (status, text) = collected(body).await.unwrap_err();
        assert_eq!(status, StatusCode::REQUEST_TIMEOUT);
        assert!(text.contains("15 seconds"), "{text}");
        assert_eq!(collected(Body::from("{}")).await.unwrap(), "{}");
    }
}
