//! Why a request is not answered with an outcome, and the status that the sender is told instead.

use std::error::Error;
use std::fmt;

use http::StatusCode;
use lark_events::error::{DispatchErrorKind, Rejection};
use lark_events::{BoxError, DispatchError};
use lark_events_layers::run::{causes, is_logged};
use lark_events_layers::{LayerError, LayerErrorKind};
use tower::load_shed::error::Overloaded;
use tower::timeout::error::Elapsed;

/// Why a request is not answered with an outcome.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It is no POST.
    Method,
    /// Its body has a `Content-Encoding`.
    Encoded,
    /// The webhook refused it.
    Rejected(Rejection),
    /// Its sender broke off.
    Broken,
    /// Its body took too long.
    SlowBody,
    /// A bound of the service is reached, or it is draining.
    Overloaded,
    /// No outcome was there by the ack deadline.
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
            Self::Method => "not a POST",
            Self::Encoded => "the body is encoded",
            Self::Rejected(_) => "rejected",
            Self::Broken => "the sender broke off",
            Self::SlowBody => "the body took too long",
            Self::Overloaded => "too much is running, or the service is draining",
            Self::Late => "no outcome by the ack deadline",
            Self::Failed(_) => "the service failed",
        })
    }
}

/// The status of a failed delivery, told by the first error in the chain that has one.
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
                LayerErrorKind::Callback | LayerErrorKind::Store | LayerErrorKind::Panicked => {
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
