//! The answers: a status and, on success, the platform's body. An answer never contains other text.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use lark_events::Outcome;

use crate::body::ResponseBody;

/// The answer of the official SDKs to an event.
const SUCCESS: Bytes = Bytes::from_static(br#"{"msg":"success"}"#);

pub(crate) type Answer = Response<ResponseBody>;

/// A bare status, always the same bytes.
pub(crate) fn status(status: StatusCode) -> Answer {
    let mut answer = Response::new(ResponseBody::new(Bytes::new()));
    *answer.status_mut() = status;
    answer
}

pub(crate) fn json(body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(ResponseBody::new(body));
    let json = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(CONTENT_TYPE, json);
    answer
}

pub(crate) fn method_not_allowed() -> Answer {
    let mut answer = status(StatusCode::METHOD_NOT_ALLOWED);
    let post = HeaderValue::from_static("POST");
    answer.headers_mut().insert(ALLOW, post);
    answer
}

pub(crate) fn outcome(outcome: Outcome) -> Answer {
    match outcome {
        Outcome::Handled | Outcome::Unhandled | Outcome::Rejected(_) | Outcome::Queued => {
            json(SUCCESS)
        }
        Outcome::Replied(reply) => json(reply.into_bytes()),
        // Future outcomes are not known to be a success.
        _ => status(StatusCode::INTERNAL_SERVER_ERROR),
    }
}
