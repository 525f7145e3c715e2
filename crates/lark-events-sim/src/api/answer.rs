//! Answers of the API.

use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

const RATE_LIMIT_RESET: HeaderName = HeaderName::from_static("x-ogw-ratelimit-reset");
const LOG_ID: HeaderName = HeaderName::from_static("x-tt-logid");

#[derive(Clone)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) code: Option<i64>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// An answer of failure: its HTTP status, code and message.
pub(super) struct Failure(pub(super) u16, pub(super) i64, pub(super) &'static str);

impl From<Failure> for Answer {
    fn from(Failure(status, code, msg): Failure) -> Self {
        Self::failed(status, code, msg)
    }
}

impl Answer {
    /// A success with a result.
    pub(super) fn ok(data: Value) -> Self {
        Self::json(200, 0, json!({"code": 0, "msg": "success", "data": data}))
    }

    /// A success with its results beside the code.
    pub(super) fn beside(mut members: Value) -> Self {
        members["code"] = 0.into();
        members["msg"] = "ok".into();
        Self::json(200, 0, members)
    }

    pub(super) fn failed(status: u16, code: i64, msg: &str) -> Self {
        Self::json(status, code, json!({"code": code, "msg": msg}))
    }

    /// An answer as from a gateway.
    pub(super) fn status(status: u16) -> Self {
        Self {
            status: StatusCode::from_u16(status).expect("checked when the fault was injected"),
            code: None,
            headers: HeaderMap::new(),
            body: Bytes::from_static(b"<html></html>"),
        }
    }

    /// The answer beyond a rate limit.
    pub(super) fn limited(status: u16, reset: Option<u64>) -> Self {
        let mut answer = Self::failed(status, 99_991_400, "request trigger frequency limit");
        if let Some(seconds) = reset {
            answer.headers.insert(RATE_LIMIT_RESET, seconds.into());
        }
        answer
    }

    pub(super) fn file(content: Bytes) -> Self {
        let mut answer = Self::status(200);
        let kind = HeaderValue::from_static("application/octet-stream");
        answer.headers.insert(CONTENT_TYPE, kind);
        let disposition = HeaderValue::from_static("attachment");
        answer.headers.insert(CONTENT_DISPOSITION, disposition);
        answer.body = content;
        answer
    }

    fn json(status: u16, code: i64, body: Value) -> Self {
        let mut answer = Self::status(status);
        let kind = HeaderValue::from_static("application/json; charset=utf-8");
        answer.headers.insert(CONTENT_TYPE, kind);
        answer.code = Some(code);
        answer.body = body.to_string().into();
        answer
    }

    pub(super) fn with_log_id(mut self, id: &str) -> Self {
        let id = HeaderValue::from_str(id).expect("hexadecimal digits");
        self.headers.insert(LOG_ID, id);
        self
    }

    pub(super) fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}
