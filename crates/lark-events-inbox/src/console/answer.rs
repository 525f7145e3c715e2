//! Answers before they are responses.

use http::header::{
    ALLOW, CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION, REFERRER_POLICY, RETRY_AFTER,
};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use lark_events_pages::secure;
use maud::Markup;

use super::body::ConsoleBody;
use crate::store::{StoreError, StoreErrorKind};

pub(super) enum Answer {
    Page(StatusCode, Markup),
    File(&'static str, &'static str),
    Export(Export),
    Text(StatusCode, &'static str),
    /// Another page of this console, by its query.
    SeeOther(String),
    OtherMethod,
}

/// A file that the browser saves.
pub(super) struct Export {
    pub(super) name: String,
    pub(super) content_type: &'static str,
    pub(super) content: String,
}

/// Why there is no page.
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) text: String,
    /// Where to go on: a URL and its name.
    pub(super) next: Option<(String, &'static str)>,
    /// For the log: it may have more of the store than an operator may see.
    pub(super) cause: Option<StoreError>,
}

impl Failure {
    pub(super) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
            next: None,
            cause: None,
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

    pub(super) fn unsupported(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, text)
    }

    pub(super) fn busy(text: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, text)
    }

    /// With a link to go on.
    pub(super) fn then(self, url: String, name: &'static str) -> Self {
        Self {
            next: Some((url, name)),
            ..self
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let text = error.to_string();
        let failure = match error.kind() {
            StoreErrorKind::Unsupported => Self::unsupported(text),
            _ => Self::busy(format!(
                "{text}: try again in a moment. The log of the app has the cause"
            )),
        };
        Self {
            cause: Some(error),
            ..failure
        }
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self::bad(text)
    }
}

impl Answer {
    pub(super) fn respond(self) -> Response<ConsoleBody> {
        let fixed = HeaderValue::from_static;
        match self {
            Self::Page(status, page) => {
                let content_type = fixed("text/html; charset=utf-8");
                let body = ConsoleBody::new(page.into_string());
                let mut response = respond(status, (CONTENT_TYPE, content_type), body);
                if status == StatusCode::SERVICE_UNAVAILABLE {
                    response.headers_mut().insert(RETRY_AFTER, fixed("5"));
                }
                response
            }
            Self::File(content_type, content) => {
                let body = ConsoleBody::new(content);
                respond(StatusCode::OK, (CONTENT_TYPE, fixed(content_type)), body)
            }
            Self::Export(export) => export.respond(),
            Self::Text(status, text) => {
                let content_type = fixed("text/plain; charset=utf-8");
                respond(status, (CONTENT_TYPE, content_type), ConsoleBody::new(text))
            }
            Self::SeeOther(query) => {
                // A query is percent-encoded.
                let location = HeaderValue::try_from(query).unwrap_or_else(|_| fixed("?"));
                let body = ConsoleBody::default();
                respond(StatusCode::SEE_OTHER, (LOCATION, location), body)
            }
            Self::OtherMethod => {
                let (status, body) = (StatusCode::METHOD_NOT_ALLOWED, ConsoleBody::default());
                respond(status, (ALLOW, fixed("GET, HEAD, POST")), body)
            }
        }
    }
}

impl Export {
    fn respond(self) -> Response<ConsoleBody> {
        let content_type = HeaderValue::from_static(self.content_type);
        let body = ConsoleBody::new(self.content);
        let mut response = respond(StatusCode::OK, (CONTENT_TYPE, content_type), body);
        // The names have no character that needs an escape.
        let disposition = format!("attachment; filename=\"{}\"", self.name);
        if let Ok(disposition) = HeaderValue::try_from(disposition) {
            let headers = response.headers_mut();
            headers.insert(CONTENT_DISPOSITION, disposition);
        }
        response
    }
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
