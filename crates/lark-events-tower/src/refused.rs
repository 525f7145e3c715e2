//! Why a request has no outcome, and the status to answer instead.

use std::error::Error;
use std::fmt;

use http::StatusCode;
use lark_events::error::{DispatchErrorKind, Rejection};
use lark_events::{BoxError, DispatchError};
use lark_events_layers::run::{NotStarted, causes, is_logged};
use lark_events_layers::{LayerError, LayerErrorKind};
use tower::load_shed::error::Overloaded;
use tower::timeout::error::Elapsed;

/// Why a request has no outcome.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The method is not POST.
    Method,
    /// The body has a `Content-Encoding`.
    Encoded,
    /// The webhook rejected the request.
    Rejected(Rejection),
    /// The sender closed the connection early.
    Broken,
    /// The body took too long.
    SlowBody,
    /// A limit of the service is reached, or the service is draining.
    Overloaded,
    /// The ack deadline passed without an outcome.
    Late,
    /// The inner service failed.
    Failed(BoxError),
}

impl Refused {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Encoded => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Rejected(rejection) => rejection.status(),
            Self::Broken => StatusCode::BAD_REQUEST,
            Self::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Late => StatusCode::GATEWAY_TIMEOUT,
            Self::Failed(error) => failure(&**error),
        }
    }

    /// Whether the dispatcher has logged it already.
    pub(crate) fn is_logged(&self) -> bool {
        is_logged(self)
    }
}

impl From<NotStarted> for Refused {
    fn from(why: NotStarted) -> Self {
        match why {
            NotStarted::Draining => Self::Overloaded,
            NotStarted::Late => Self::Late,
            NotStarted::Failed(error) => Self::Failed(error),
        }
    }
}

impl Error for Refused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => Some(&**error),
            _ => None,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Method => "the method is not POST",
            Self::Encoded => "the body has a content encoding",
            Self::Rejected(_) => "rejected",
            Self::Broken => "the sender closed the connection early",
            Self::SlowBody => "the body took too long",
            Self::Overloaded => "too many handlers or bytes in flight, or the service is draining",
            Self::Late => "no outcome by the ack deadline",
            Self::Failed(_) => "the service failed",
        })
    }
}

/// The status of a failed delivery, from the first error in the chain that has one.
fn failure(error: &(dyn Error + 'static)) -> StatusCode {
    let known = causes(error).find_map(|error| {
        if let Some(error) = error.downcast_ref::<DispatchError>() {
            return Some(match error.kind() {
                DispatchErrorKind::Decode => StatusCode::BAD_REQUEST,
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            });
        }
        if let Some(error) = error.downcast_ref::<LayerError>() {
            return Some(match error.kind() {
                LayerErrorKind::Store | LayerErrorKind::Panicked => {
                    StatusCode::INTERNAL_SERVER_ERROR
                }
                LayerErrorKind::Deadline => StatusCode::GATEWAY_TIMEOUT,
                _ => StatusCode::SERVICE_UNAVAILABLE,
            });
        }
        if error.is::<Overloaded>() {
            return Some(StatusCode::SERVICE_UNAVAILABLE);
        }
        error.is::<Elapsed>().then_some(StatusCode::GATEWAY_TIMEOUT)
    });
    known.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
