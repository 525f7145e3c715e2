//! The answers: a status and, on success, the platform's body. An answer never contains other text.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use lark_events::Outcome;

use crate::body::ResponseBody;

/// The answer of the official SDKs to an event.
const SUCCESS: Bytes = Bytes::from_static(br#"{"msg":"success"}"#);

/// The maximum capacity of header maps that answers take over from requests. Servers may keep it for
/// as long as the connection.
const MAX_KEPT_HEADERS: usize = 32;

pub(crate) type Answer = Response<ResponseBody>;

/// An answer before it has headers.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    header: Option<(HeaderName, HeaderValue)>,
    body: Bytes,
}

impl Reply {
    /// A bare status, always the same bytes.
    pub(crate) const fn status(status: StatusCode) -> Self {
        Self {
            status,
            header: None,
            body: Bytes::new(),
        }
    }

    pub(crate) fn json(body: impl Into<Bytes>) -> Self {
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        Self {
            status: StatusCode::OK,
            header: Some((CONTENT_TYPE, JSON)),
            body: body.into(),
        }
    }

    pub(crate) fn method_not_allowed() -> Self {
        const POST: HeaderValue = HeaderValue::from_static("POST");
        Self {
            header: Some((ALLOW, POST)),
            ..Self::status(StatusCode::METHOD_NOT_ALLOWED)
        }
    }

    pub(crate) fn outcome(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Handled | Outcome::Unhandled | Outcome::Rejected(_) | Outcome::Queued => {
                Self::json(SUCCESS)
            }
            Outcome::Replied(reply) => Self::json(reply.into_bytes()),
            // Future outcomes are not known to be a success.
            _ => Self::status(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// The answer to a request with these headers, whose memory it takes over.
    pub(crate) fn to(self, mut request: HeaderMap) -> Answer {
        if request.capacity() > MAX_KEPT_HEADERS {
            request = HeaderMap::new();
        }
        request.clear();
        request.extend(self.header);
        let mut answer = Response::new(ResponseBody::new(self.body));
        *answer.status_mut() = self.status;
        *answer.headers_mut() = request;
        answer
    }
}
