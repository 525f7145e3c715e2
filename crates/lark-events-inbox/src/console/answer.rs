//! Answers before they are responses.

use http::header::{ALLOW, CONTENT_TYPE, LOCATION, REFERRER_POLICY};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use lark_events_pages::secure;
use maud::Markup;

use super::body::ConsoleBody;
use super::jobs::chain;
use crate::store::{StoreError, StoreErrorKind};

pub(super) enum Answer {
    Page(StatusCode, Markup),
    File(&'static str, &'static str),
    Text(StatusCode, String),
    /// Another page of this console, by its query.
    SeeOther(String),
    OtherMethod,
}

/// Why there is no page.
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) text: String,
}

impl Failure {
    pub(super) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
        }
    }

    pub(super) fn bad(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    pub(super) fn conflict(text: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, text)
    }

    pub(super) fn not_found(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, text)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let status = match error.kind() {
            StoreErrorKind::Unsupported => StatusCode::NOT_IMPLEMENTED,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, chain(&error))
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self::bad(text)
    }
}

impl Answer {
    pub(super) fn respond(self) -> Response<ConsoleBody> {
        let (status, header, body) = match self {
            Self::Page(status, page) => (
                status,
                (CONTENT_TYPE, "text/html; charset=utf-8"),
                ConsoleBody::new(page.into_string()),
            ),
            Self::File(content_type, content) => {
                let body = ConsoleBody::new(content);
                (StatusCode::OK, (CONTENT_TYPE, content_type), body)
            }
            Self::Text(status, text) => (
                status,
                (CONTENT_TYPE, "text/plain; charset=utf-8"),
                ConsoleBody::new(text),
            ),
            Self::SeeOther(query) => return see_other(&query),
            Self::OtherMethod => (
                StatusCode::METHOD_NOT_ALLOWED,
                (ALLOW, "GET, HEAD, POST"),
                ConsoleBody::default(),
            ),
        };
        respond(status, (header.0, HeaderValue::from_static(header.1)), body)
    }
}

fn see_other(query: &str) -> Response<ConsoleBody> {
    // A query is percent-encoded.
    let location = HeaderValue::try_from(query);
    let location = location.unwrap_or_else(|_| HeaderValue::from_static("?"));
    respond(
        StatusCode::SEE_OTHER,
        (LOCATION, location),
        ConsoleBody::default(),
    )
}

fn respond(
    status: StatusCode,
    (name, value): (HeaderName, HeaderValue),
    body: ConsoleBody,
) -> Response<ConsoleBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    secure(headers);
    // With `no-referrer`, browsers send forms with the origin `null`.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(name, value);
    response
}
