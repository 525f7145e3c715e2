//! What the sender is told: a status and, on success, the platform's body. No text of ours ever
//! leaves.

use std::error::Error;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use lark_events::{BoxError, DispatchError, DispatchErrorKind, Outcome, Rejection};

use crate::body::{ReadError, ResponseBody};

/// What the official SDKs answer an event with.
const SUCCESS: Bytes = Bytes::from_static(br#"{"msg":"success"}"#);

pub(crate) type Answer = Response<ResponseBody>;

/// A bare status, the same bytes every time.
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

pub(crate) fn rejection(rejection: Rejection) -> Answer {
    tracing::debug!(reason = rejection.reason().as_str(), "rejected");
    status(rejection.status())
}

pub(crate) fn read_error(error: ReadError, too_large: Rejection) -> Answer {
    match error {
        ReadError::TooLarge => rejection(too_large),
        ReadError::Overloaded => status(StatusCode::SERVICE_UNAVAILABLE),
        ReadError::Broken => status(StatusCode::BAD_REQUEST),
    }
}

pub(crate) fn outcome(result: Result<Outcome, BoxError>) -> Answer {
    match result {
        Ok(Outcome::Replied(reply)) => json(reply.into_bytes()),
        Ok(_) => json(SUCCESS),
        Err(error) => status(failure(&*error)),
    }
}

/// The status of a failed delivery, told by the first error in the chain that has one. The
/// platform delivers an event again after any of them.
pub(crate) fn failure(error: &(dyn Error + 'static)) -> StatusCode {
    let chain = std::iter::successors(Some(error), |&error| error.source());
    chain
        .into_iter()
        .find_map(|error| {
            if let Some(error) = error.downcast_ref::<DispatchError>() {
                return Some(match error.kind() {
                    DispatchErrorKind::Decode => StatusCode::BAD_REQUEST,
                    _ => StatusCode::INTERNAL_SERVER_ERROR,
                });
            }
            if error.is::<tower::load_shed::error::Overloaded>() {
                return Some(StatusCode::SERVICE_UNAVAILABLE);
            }
            let timed_out = error.is::<tower::timeout::error::Elapsed>();
            timed_out.then_some(StatusCode::GATEWAY_TIMEOUT)
        })
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
