//! Calls as they came.

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Method, Request, StatusCode};
use serde_json::Value;
use std::fmt;
use tokio::time::Instant;

use super::answer::Answer;

/// The maximum number of calls that are kept: the last 1,000.
pub const MAX_CALLS: usize = 1000;
/// Larger bodies are not kept.
const MAX_KEPT_BYTES: usize = 64 * 1024;

/// A call of the platform's API by the app: [`Platform::api_calls`](crate::Platform::api_calls).
#[derive(Clone)]
#[non_exhaustive]
pub struct ApiCall {
    /// The number of the call, from 1 on.
    pub number: usize,
    /// The method.
    pub method: Method,
    /// The path with its query.
    pub path: String,
    /// The body. Empty if it has more than 64 KiB.
    pub body: Bytes,
    /// The HTTP status of the answer; `None` if a fault prevented an answer.
    pub status: Option<StatusCode>,
    /// The code of the answer; `None` if it has none.
    pub code: Option<i64>,
    /// Whether the app got the answer. `false` if a fault lost the answer, or if there was none.
    pub is_answered: bool,
    /// The id of the message that the call sent, or would have sent again.
    pub message_id: Option<String>,
    /// When it came.
    pub at: Instant,
    pub(super) token: Option<String>,
}

impl ApiCall {
    pub(super) fn of(request: &Request<Bytes>, at: Instant) -> Self {
        let path = request.uri().path_and_query();
        let token = request.headers().get(AUTHORIZATION);
        let token = token.and_then(|token| token.to_str().ok()?.strip_prefix("Bearer "));
        let body = request.body();
        Self {
            number: 0,
            method: request.method().clone(),
            path: path.map_or(String::new(), ToString::to_string),
            body: if body.len() > MAX_KEPT_BYTES {
                Bytes::new()
            } else {
                body.clone()
            },
            status: None,
            code: None,
            is_answered: false,
            message_id: None,
            at,
            token: token.map(str::to_owned),
        }
    }

    pub(super) fn answered(&mut self, answer: &Answer) {
        self.status = Some(answer.status);
        self.code = answer.code;
    }

    /// The body as JSON; null if it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Whether the call is for a token or a ticket.
    #[must_use]
    pub fn is_for_token(&self) -> bool {
        self.path.starts_with("/open-apis/auth/")
    }
}

/// Omits the body and the token.
impl fmt::Debug for ApiCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiCall")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("status", &self.status)
            .field("code", &self.code)
            .field("is_answered", &self.is_answered)
            .field("message_id", &self.message_id)
            .finish_non_exhaustive()
    }
}
