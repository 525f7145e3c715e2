//! Why a request failed, as a page or as JSON.

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Serialize;

use super::web::masked::{Masked, Masks};
use crate::serve::compose::ComposeError;
use crate::serve::control::AskError;

#[derive(Debug, PartialEq)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    pub(crate) text: Masked,
    /// The stable name of the reason, for scripts.
    pub(crate) kind: Option<&'static str>,
}

impl Failure {
    /// A request that asks for something that cannot be.
    pub(crate) fn bad(text: &str, masks: &Masks) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text, masks)
    }

    pub(crate) fn new(status: StatusCode, text: &str, masks: &Masks) -> Self {
        Self {
            status,
            text: masks.text(text),
            kind: None,
        }
    }

    /// A change that the driver has not made.
    pub(crate) fn not_made(error: &AskError, masks: &Masks) -> Self {
        let status = match error {
            AskError::Stopped => StatusCode::SERVICE_UNAVAILABLE,
            AskError::Unknown(_) => StatusCode::NOT_FOUND,
            AskError::WithoutIds(_) => StatusCode::CONFLICT,
            AskError::Full(_) => StatusCode::TOO_MANY_REQUESTS,
        };
        Self::new(status, &error.to_string(), masks)
    }

    pub(crate) fn composed(error: &ComposeError, masks: &Masks) -> Self {
        Self {
            kind: Some(error.kind.name()),
            ..Self::bad(&error.to_string(), masks)
        }
    }

    /// `{"error": "…"}`.
    pub(crate) fn json(&self) -> Response {
        #[derive(Serialize)]
        struct Body<'a> {
            error: &'a Masked,
            #[serde(skip_serializing_if = "Option::is_none")]
            kind: Option<&'a str>,
        }
        let body = Body {
            error: &self.text,
            kind: self.kind,
        };
        json(self.status, &body)
    }
}

/// A response of JSON.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let headers = [(CONTENT_TYPE, "application/json")];
    match serde_json::to_string(value) {
        Ok(text) => (status, headers, text + "\n").into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
